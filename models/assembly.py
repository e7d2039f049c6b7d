"""Assembly of a PyMC model from a cohort, a specification and priors: wiring only."""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from data.study.cohort import Cohort
from models.blocks import Block, declare, prior_blocks
from models.exposures import Naive
from models.likelihood import simulate_times
from models.predictors import covariate_predictor, linear_predictor
from models.priors import Parameter, PriorSet
from models.propensity import (
    OUTCOME_COEFFICIENTS,
    PROPENSITY_COEFFICIENTS,
    PROPENSITY_EFFECT,
    PROPENSITY_INTERCEPT,
    propensity_score,
    treatment_log_likelihood,
)
from models.score_spline import PROPENSITY_CURVATURE
from models.specification import ModelSpec
from models.units import column_scales

Blocks = dict[str, tuple[Parameter, list[Block]]]


def parameter_names(cohort: Cohort, spec: ModelSpec | None) -> dict[Parameter, tuple[str, ...]]:
    """Return the parameters of a model with the names along their dimension, in the order of declaration.

    Parameters
    ----------
    cohort : Cohort
        Gives the terms.
    spec : ModelSpec or None
        None stands for the treatment model alone.
    """
    treatment_model: dict[Parameter, tuple[str, ...]] = {PROPENSITY_INTERCEPT: ()}
    if cohort.propensity.terms:
        treatment_model[PROPENSITY_COEFFICIENTS] = cohort.propensity.terms
    if spec is None:
        return treatment_model
    listed = {one: names for component in spec.components for one, names in component.priors.items()}
    if cohort.outcome.terms:
        listed[OUTCOME_COEFFICIENTS] = cohort.outcome.terms
    if spec.score == "latent":
        listed |= treatment_model
    listed |= spec.exposure.parameters(cohort)
    if has_score(cohort, spec):
        listed[PROPENSITY_EFFECT] = ()
        if spec.spline is not None:
            listed[PROPENSITY_CURVATURE] = spec.spline.columns
    return listed


def has_score(cohort: Cohort, spec: ModelSpec) -> bool:
    """Return whether a propensity score enters the outcome: not where the treatment model has no columns."""
    return spec.score != "absent" and bool(cohort.propensity.terms)


def model_blocks(cohort: Cohort, spec: ModelSpec | None, priors: PriorSet) -> Blocks:
    """Return the random variables of a model, by parameter.

    Raises
    ------
    InputError
        Where the priors name a term that the cohort's designs do not have.
    """
    priors.check_terms(OUTCOME_COEFFICIENTS, cohort.outcome.terms)
    priors.check_terms(PROPENSITY_COEFFICIENTS, cohort.propensity.terms)
    designs = {OUTCOME_COEFFICIENTS: cohort.outcome, PROPENSITY_COEFFICIENTS: cohort.propensity}
    scales = {parameter: column_scales(design) for parameter, design in designs.items()}
    return {
        parameter.name: (
            parameter,
            prior_blocks(parameter, priors, names, scales.get(parameter), cohort.time_unit),
        )
        for parameter, names in parameter_names(cohort, spec).items()
    }


def model_data(
    cohort: Cohort, spec: ModelSpec | None, blocks: Blocks, score: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Return every array that a model holds as swappable data: patients, design columns and prior arguments.

    Parameters
    ----------
    cohort : Cohort
    spec : ModelSpec or None
        None stands for the treatment model alone.
    blocks : dict
        From `model_blocks`.
    score : ndarray (patient,), optional
        The propensity score, where `spec.score` is "given".
    """
    content: dict[str, np.ndarray] = {"treated": cohort.treatment.astype(float)}
    if (spec is None or spec.score == "latent") and cohort.propensity.terms:
        content["propensity_design"] = cohort.propensity.values
    if spec is not None:
        content["observed_time"] = cohort.time
        content["event"] = cohort.event.astype(float)
        content["entry"] = cohort.entry
        content |= spec.exposure.arrays(cohort, spec)
        if cohort.outcome.terms:
            content["outcome_design"] = cohort.outcome.values
        if spec.score == "given" and has_score(cohort, spec):
            assert score is not None, "a given score must be passed"
            content["propensity_score"] = score
        if spec.spline is not None and has_score(cohort, spec):
            content |= spec.spline.arrays
    for _, listed in blocks.values():
        for block in listed:
            content |= block.data()
    return content


def build_model(
    cohort: Cohort, spec: ModelSpec | None, priors: PriorSet, score: np.ndarray | None = None
) -> pm.Model:
    """Return the PyMC model of the survival times, with the treatment model, logit P(a = 1 | x) = g0 + x'g, where the score is latent.

    Parameters
    ----------
    cohort : Cohort
    spec : ModelSpec or None
        Baseline hazard, effect shape, and the part of the propensity score; None stands for the treatment model alone.
    priors : PriorSet
    score : ndarray (patient,), optional
        The propensity score, where `spec.score` is "given".

    Returns
    -------
    pymc.Model
        Observed `time` (pointwise by patient, right-censored and left-truncated) and, where the score is latent,
        `treatment`. Every array and every prior argument is `pm.Data`.
    """
    blocks = model_blocks(cohort, spec, priors)
    with pm.Model(coords=_coordinates(cohort, spec), check_bounds=False) as model:
        content = {
            name: _data(name, value) for name, value in model_data(cohort, spec, blocks, score).items()
        }
        declared = _declare_all(blocks, content, cohort, spec)
        if spec is None or spec.score == "latent":
            _observe_treatment(declared, content)
        if spec is not None:
            _observe_time(declared, content, spec)
    return model


def _data(name: str, value: Any) -> Any:
    """Declare data of the model that is being built, for any number of patients: the further dimensions stay as they are."""
    # Known lengths spare the compiled density a check of each, and the text of its errors seconds of compilation.
    further = np.shape(value)[1:]
    return pm.Data(name, value, shape=(None, *further) if np.ndim(value) else ())


def dims_of(cohort: Cohort, parameter: Parameter) -> str:
    """Return the dimension of a parameter in a model: `propensity_term` only where the two designs differ."""
    if parameter is PROPENSITY_COEFFICIENTS and cohort.outcome.terms not in ((), cohort.propensity.terms):
        return "propensity_term"
    return parameter.dim


def _coordinates(cohort: Cohort, spec: ModelSpec | None) -> dict[str, list[str]]:
    coordinates = {"patient": [str(name) for name in cohort.patient]}
    if spec is not None:
        coordinates |= spec.baseline.coordinates | spec.effect.coordinates
    for parameter, names in parameter_names(cohort, spec).items():
        if parameter.dim in ("term", PROPENSITY_CURVATURE.dim):
            coordinates[dims_of(cohort, parameter)] = list(names)
    return coordinates


def _declare_all(
    blocks: Blocks, content: dict[str, Any], cohort: Cohort, spec: ModelSpec | None
) -> dict[str, Any]:
    """Declare every parameter and return the tensors that the formulas need."""

    def declared(name: str) -> Any:
        parameter, listed = blocks[name]
        return declare(parameter, listed, content, dims_of(cohort, parameter))

    if spec is None:
        return {name: declared(name) for name in blocks}
    tensors: dict[str, Any] = {}
    for component in spec.components:
        tensors |= component.declare(declared)
    return tensors | {name: declared(name) for name in blocks if name not in tensors}


def _log_odds_of_treatment(declared: dict[str, Any], content: dict[str, Any]) -> Any:
    if "propensity_design" in content:
        score = propensity_score(declared, content["propensity_design"], pt)
    else:  # of as many patients as the data have, so that another cohort can be swapped in
        score = pt.zeros_like(content["treated"])
    return declared["propensity_intercept"] + score


def _observe_treatment(declared: dict[str, Any], content: dict[str, Any]) -> None:
    def logp(value: Any, log_odds: Any) -> Any:
        return treatment_log_likelihood(value, log_odds, pt)

    def random(log_odds: np.ndarray, rng: np.random.Generator, size: Any = None) -> np.ndarray:
        return (rng.logistic(size=size) < log_odds).astype(float)

    log_odds = _log_odds_of_treatment(declared, content)
    pm.CustomDist(
        "treatment", log_odds, logp=logp, random=random, observed=content["treated"], dims="patient"
    )


def _observe_time(declared: dict[str, Any], content: dict[str, Any], spec: ModelSpec) -> None:
    risk = covariate_predictor(declared, content, pt)
    density = spec.exposure.log_likelihood(declared, content, spec, risk, pt)
    if not isinstance(spec.exposure, Naive) or spec.effect.cutpoints:
        pm.CustomDist(
            "time", density, logp=_given, random=_none, observed=content["observed_time"], dims="patient"
        )
        return
    baseline = spec.baseline
    eta = linear_predictor(declared, content, spec, pt)
    # `random` sees only what the distribution is given, so that the hazard's parameters go in one by one.
    lengths = baseline.hazard_parameters
    singles = [
        declared[name][position] if length else declared[name]
        for name, length in lengths.items()
        for position in range(length or 1)
    ]

    def random(
        density: np.ndarray,
        eta: np.ndarray,
        entry: np.ndarray,
        *singles: np.ndarray,
        rng: np.random.Generator,
        size: Any = None,
    ) -> np.ndarray:
        rest = iter(float(np.ravel(single)[0]) for single in singles)
        parameters = {
            name: np.array([next(rest) for _ in range(length)]) if length else np.array(next(rest))
            for name, length in lengths.items()
        }
        return simulate_times(baseline, parameters, np.broadcast_to(eta, size or np.shape(eta)), entry, rng)

    pm.CustomDist(
        "time",
        density,
        eta,
        content["entry"],
        *singles,
        logp=_given,
        random=random,
        observed=content["observed_time"],
        dims="patient",
    )


def _given(value: Any, density: Any, *_: Any) -> Any:
    return density


def _none(density: np.ndarray, rng: np.random.Generator, size: Any = None) -> np.ndarray:
    raise NotImplementedError("times of this model are not drawn through PyMC: see models/lifetimes.py")
