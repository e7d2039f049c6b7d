"""Log likelihood of each patient under each draw, some patients at a time, for leave-one-out scores and predictive checks."""

from collections.abc import Iterator, Mapping

import numpy as np

from inference.adjustments.adjusted import AdjustedSample, flat_draws
from inference.sampling.posterior import Posterior
from models.arrays import parts_of
from models.predictors import covariate_predictor
from models.propensity import propensity_score, treatment_log_likelihood

POINTWISE_DRAWS = 1000  # of each chain, for adjustments with several designs
MOST_LEFT_OUT = 3000
"""Patients of whom pointwise values are kept, and who are left out one at a time: all, or so many of a larger cohort."""

Content = Mapping[str, np.ndarray]


def left_out_patients(size: int) -> np.ndarray:
    """Return which patients of a cohort are left out, in their order: the same ones for every fit, so that fits can be compared."""
    if size <= MOST_LEFT_OUT:
        return np.arange(size)
    return np.sort(np.random.default_rng(size).choice(size, MOST_LEFT_OUT, replace=False))


def pointwise_draws(adjusted: AdjustedSample) -> Iterator[tuple[Posterior, dict[str, np.ndarray]]]:
    """Yield, design by design, the draws (chain, draw, ...) of which values are kept for each patient, in the order kept."""
    for design in adjusted.designs:
        draws = design.parameters["treatment_effect"].shape[1]
        step = max(1, draws * len(adjusted.designs) // POINTWISE_DRAWS) if len(adjusted.designs) > 1 else 1
        yield design.posterior, {name: value[:, ::step] for name, value in design.parameters.items()}


def by_patients(
    adjusted: AdjustedSample, chosen: np.ndarray
) -> Iterator[tuple[np.ndarray, list[tuple[Posterior, dict[str, np.ndarray], Content]]]]:
    """Yield some of the chosen patients at a time and, design by design, a posterior, its `pointwise_draws`, and the model's arrays of those patients.

    Parameters
    ----------
    adjusted : AdjustedSample
        With an outcome model of all patients.
    chosen : ndarray of int
        Positions of patients, in their order.
    """
    parts = list(pointwise_draws(adjusted))
    contents = [posterior.content(posterior.blocks) for posterior, _ in parts]
    draws = sum(parameters["treatment_effect"].size for _, parameters in parts)
    size = parts[0][0].cohort.size
    for place in parts_of(len(chosen), draws):
        patients = chosen[place]
        yield (
            patients,
            [
                (posterior, parameters, _of_patients(content, size, patients))
                for (posterior, parameters), content in zip(parts, contents, strict=True)
            ],
        )


def _of_patients(content: Content, size: int, patients: np.ndarray) -> Content:
    """Return the arrays of a model with the rows of some patients alone; the arrays themselves where that is everybody."""
    if len(patients) == size:
        return content
    return {
        name: value[patients] if np.ndim(value) and len(value) == size else value
        for name, value in content.items()
    }


def pointwise_log_likelihood(
    posterior: Posterior,
    parameters: dict[str, np.ndarray],
    content: Content | None = None,
    treatment: bool = True,
) -> dict[str, np.ndarray]:
    """Return the log likelihood of each patient's time, and treatment where it is modelled: (chain, draw, patient).

    Parameters
    ----------
    posterior : Posterior
        Of an outcome model.
    parameters : dict of str to ndarray (chain, draw, ...)
    content : mapping of str to ndarray, optional
        Arrays of the model of some patients, of all unless stated.
    treatment : bool
        False: of the times alone.
    """
    assert posterior.spec is not None, "the outcome model is asked for"
    content = posterior.content(posterior.blocks) if content is None else content
    shape = parameters["treatment_effect"].shape
    flat = flat_draws(parameters)
    risk = covariate_predictor(flat, content, np)
    time = posterior.spec.exposure.log_likelihood(flat, content, posterior.spec, risk, np)
    values = {"time": time.reshape(*shape, -1)}
    if treatment and posterior.spec.score == "latent":
        design = content.get("propensity_design", np.zeros((len(content["treated"]), 0)))
        log_odds = flat["propensity_intercept"][:, None] + propensity_score(flat, design, np)
        of_one = treatment_log_likelihood(content["treated"], log_odds, np)
        values["treatment"] = (of_one * content.get("patients", 1.0)).reshape(*shape, -1)
    return values


def kept_log_likelihood(adjusted: AdjustedSample) -> dict[str, np.ndarray]:
    """Return the log likelihood (chain, draw, patient) of the patients who are left out, in single precision."""
    kept: dict[str, list[np.ndarray]] = {}
    for _, designs in by_patients(adjusted, left_out_patients(adjusted.designs[0].posterior.cohort.size)):
        for name, value in joined_log_likelihood(designs).items():
            kept.setdefault(name, []).append(value)
    return {name: np.concatenate(values, axis=2) for name, values in kept.items()}


def joined_log_likelihood(
    designs: list[tuple[Posterior, dict[str, np.ndarray], Content]],
    treatment: bool = True,
    kind: type[np.floating] = np.float32,
) -> dict[str, np.ndarray]:
    """Return the log likelihood (chain, draw, patient) of some patients under the draws of all designs, in single precision unless stated."""
    found = [pointwise_log_likelihood(*one, treatment) for one in designs]
    return {name: np.concatenate([one[name].astype(kind) for one in found], axis=1) for name in found[0]}


def total_log_likelihood(adjusted: AdjustedSample) -> dict[str, np.ndarray]:
    """Return the sum over all patients of the log likelihood of times, and of treatments where they are modelled: (chain, draw)."""
    total: dict[str, np.ndarray] = {}
    cohort = adjusted.designs[0].posterior.cohort
    kind = np.float32 if cohort.counts is None else np.float64  # a row of counts is a sum over many patients
    for _, designs in by_patients(adjusted, np.arange(cohort.size)):
        for name, value in joined_log_likelihood(designs, kind=kind).items():
            total[name] = total.get(name, 0.0) + value.sum(axis=-1, dtype=float)
    return total
