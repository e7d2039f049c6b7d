"""A fit as an xarray.DataTree: what was sampled and seen, by ArviZ's groups; and the way back."""

import json
from typing import Any

import numpy as np
import xarray as xr

from data.study.cohort import Cohort
from data.study.counts import Counts
from inference.adjustments import ADJUSTMENTS, Adjustment
from inference.adjustments.adjusted import (
    AdjustedSample,
    DesignSample,
    Modes,
    Problem,
    flat_draws,
    propensity_draws,
)
from inference.adjustments.counted_weights import counted_propensity
from inference.adjustments.propensities import TREATMENT_MODEL
from inference.adjustments.weighted import restored
from inference.predictive.log_prior import log_prior
from inference.predictive.pointwise import MOST_LEFT_OUT, kept_log_likelihood, left_out_patients
from inference.predictive.prior_draws import draw_prior, draw_prior_times
from inference.predictive.replicated import replicate_times
from inference.sampling.posterior import Posterior
from inference.storage.cache import compress
from models.assembly import dims_of, parameter_names
from models.exposures import Naive, TimeSplit
from models.priors import Parameter

PRIOR_DRAWS = 2000
PRIOR_TIME_DRAWS = 100
SMALL = {"depth": np.uint8, "n_steps": np.uint32}  # of a trajectory: at most ten doublings
REPLICATES = 300
DRAWS_OF_A_REPLICATE = 20  # a replicated cohort for every so many draws, up to REPLICATES
FEWEST_REPLICATES = 200  # where there are as many draws: a probability of 0.01 must be able to show


def to_tree(
    adjusted: AdjustedSample, problem: Problem, provenance: dict[str, Any], whole: bool = True
) -> xr.DataTree:
    """Return everything about a fit, by ArviZ's groups.

    Parameters
    ----------
    adjusted : AdjustedSample
    problem : Problem
        What was asked.
    provenance : dict
        Goes into the attributes as JSON.
    whole : bool
        False: only what the others are computed from. Of hundreds of fits the rest would fill a disk.

    Returns
    -------
    DataTree
        posterior, observed_data, and treatment_model (the treatment model fitted alone) where the posterior
        does not hold it; sample_stats of what was sampled; with the whole constant_data; prior and prior_predictive of what was sampled;
        log_likelihood and log_prior where the outcome model is of all patients, and posterior_predictive where it is
        known who was treated from when. The attribute `thinned` of a group says of which patients or draws it is.
    """
    kind = ADJUSTMENTS[adjusted.adjustment]
    outcome = problem.posterior("absent") if kind.population else adjusted.designs[0].posterior
    datasets = {"posterior": _posterior(adjusted), "observed_data": _observed(problem)}
    if whole:
        datasets["constant_data"] = _constant(outcome.content(outcome.blocks), outcome)
    if not kind.maximises:
        datasets["sample_stats"] = _statistics(adjusted)
    counted = problem.cohort.counts is not None
    if counted and not kind.maximises:
        datasets |= {"prior": _prior_draws(outcome, np.random.default_rng([problem.settings.seed, 2]))}
    elif whole and not kind.maximises:
        datasets |= predictive(adjusted, problem)
    if whole and not (kind.population or counted):
        datasets |= {"log_likelihood": _pointwise(adjusted, problem)}
        datasets |= {"log_prior": _as_dataset(log_prior(adjusted.designs[0]))}
    if adjusted.design_draws is None:
        alone = _dataset(adjusted.treatment, outcome)
        # beside a latent score only the feedback checks read it
        datasets["treatment_model"] = alone.astype(np.float32) if kind.score == "latent" else alone
    tree = xr.DataTree.from_dict({f"/{name}": dataset for name, dataset in datasets.items()})
    tree.attrs["provenance"] = json.dumps(provenance, sort_keys=True)
    return tree


def predictive(adjusted: AdjustedSample, problem: Problem) -> dict[str, xr.Dataset]:
    """Return draws of the prior, times drawn under it, and replicated cohorts: the same again for the same seed.

    Parameters
    ----------
    adjusted : AdjustedSample
        Draws of a posterior.
    problem : Problem
        Gives the patients and the seed.

    Returns
    -------
    dict of str to Dataset
        prior, prior_predictive and, where it is known who was treated from when, posterior_predictive.
    """
    rng = np.random.default_rng([problem.settings.seed, 2])
    groups = _prior(adjusted.designs[0].posterior, rng)
    everybody = not ADJUSTMENTS[adjusted.adjustment].population
    if everybody and isinstance(problem.spec.exposure, Naive | TimeSplit):
        total = sum(design.parameters["treatment_effect"].size for design in adjusted.designs)
        replicates = min(REPLICATES, max(FEWEST_REPLICATES, total // DRAWS_OF_A_REPLICATE))
        if problem.cohort.size > MOST_LEFT_OUT:
            replicates = min(replicates, FEWEST_REPLICATES)
        groups["posterior_predictive"] = replicate_times(adjusted, problem.cohort, replicates, rng)
    return groups


def from_tree(tree: xr.DataTree, problem: Problem, adjustment: str) -> AdjustedSample:
    """Return the samples that a stored fit holds."""
    posterior = tree["posterior"].to_dataset()
    kind = ADJUSTMENTS[adjustment]
    if kind.design_posterior is not None:
        return _designs(posterior, _arrays(tree["sample_stats"].to_dataset()), problem, kind)
    parameters, treatment = _arrays(posterior), _arrays(tree["treatment_model"].to_dataset().astype(float))
    if kind.maximises and problem.cohort.counts is not None:
        drawn = DesignSample(problem.posterior("absent"), parameters, counted_propensity(problem.cohort))
        return AdjustedSample(adjustment, (drawn,), {}, treatment)
    if kind.maximises:
        by_design = [_arrays(one) for one in _by_design(posterior)]
        return AdjustedSample(adjustment, restored(problem, kind, by_design), {}, treatment)
    source = parameters if kind.score == "latent" else treatment
    design = DesignSample(problem.posterior(kind.score), parameters, propensity_draws(source, problem.cohort))
    found = posterior.attrs
    modes = (
        Modes(found["mode_separation"], found["mode_log_mass_ratio"]) if "mode_separation" in found else None
    )
    statistics = _arrays(tree["sample_stats"].to_dataset())
    return AdjustedSample(adjustment, (design,), statistics, treatment, modes=modes)


def _designs(
    posterior: xr.Dataset, statistics: dict[str, np.ndarray], problem: Problem, kind: Adjustment
) -> AdjustedSample:
    """Return the samples of an adjustment that conditions on one draw of the treatment model at a time."""
    assert kind.design_posterior is not None, "each design has a posterior"
    treatment = _arrays(posterior[[name for name in TREATMENT_MODEL if name in posterior]])
    drawn = flat_draws(treatment)
    chosen = posterior["design_draw"].to_numpy()
    propensities = propensity_draws(treatment, problem.cohort).of_draws(chosen)
    of_design = posterior[[name for name, value in posterior.data_vars.items() if "design" in value.dims]]
    designs = tuple(
        DesignSample(kind.design_posterior(problem, drawn, draw), _arrays(one), propensity)
        for draw, one, propensity in zip(chosen, _by_design(of_design), propensities, strict=True)
    )
    return AdjustedSample(kind.name, designs, statistics, treatment, chosen)


def _arrays(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    return {str(name): value.to_numpy() for name, value in dataset.data_vars.items()}


def _names(posterior: Posterior) -> dict[str, tuple[Parameter, tuple[str, ...]]]:
    """Return every named parameter with the names along its dimension."""
    listed = {**parameter_names(posterior.cohort, posterior.spec), **parameter_names(posterior.cohort, None)}
    named = {parameter.name: (parameter, names) for parameter, names in listed.items()}
    if posterior.spec is not None:
        named |= {one.value.name: (one.value, one.labels) for one in posterior.spec.components}
    return named


def _as_dataset(values: dict[str, Any], **layout: Any) -> xr.Dataset:
    """Return draws as a dataset in ArviZ's form."""
    from arviz_base import dict_to_dataset  # takes a second, which reading alone can spare

    return dict_to_dataset(values, **layout)


def _dataset(
    values: dict[str, np.ndarray], posterior: Posterior, lead: tuple[str, ...] = ("chain", "draw")
) -> xr.Dataset:
    """Return draws as a dataset with the contract's dimensions and coordinates."""
    named = _names(posterior)
    dims: dict[Any, Any] = {
        name: [dims_of(posterior.cohort, named[name][0])] for name in values if named[name][0].dim
    }
    coords: dict[Any, Any] = {dims[name][0]: list(named[name][1]) for name in dims}
    return _as_dataset(values, dims=dims, coords=coords, sample_dims=list(lead))


def _posterior(adjusted: AdjustedSample) -> xr.Dataset:
    posterior = adjusted.designs[0].posterior
    if not ADJUSTMENTS[adjusted.adjustment].several_designs:
        draws = _dataset(adjusted.designs[0].parameters, posterior)
        if adjusted.modes is not None:
            draws.attrs["mode_separation"] = adjusted.modes.separation
            draws.attrs["mode_log_mass_ratio"] = adjusted.modes.log_mass_ratio
        return draws
    outcome = xr.concat([_dataset(design.parameters, posterior) for design in adjusted.designs], dim="design")
    outcome = outcome.assign_coords(design=np.arange(len(adjusted.designs))).astype(np.float32)
    outcome = outcome.transpose("chain", "draw", "design", ...)
    if adjusted.design_draws is None:
        return outcome
    draws = outcome.merge(_dataset(adjusted.treatment, posterior), combine_attrs="drop_conflicts")
    return draws.assign_coords(design_draw=("design", adjusted.design_draws))


def _by_design(posterior: xr.Dataset) -> list[xr.Dataset]:
    """Return the draws of each design; a posterior without that dimension has one."""
    if "design" not in posterior.dims:
        return [posterior]
    return [posterior.isel(design=number) for number in range(posterior.sizes["design"])]


def _statistics(adjusted: AdjustedSample) -> xr.Dataset:
    dims = ("chain", "draw") if adjusted.design_draws is None else ("chain", "draw", "design")
    held, shape = adjusted.statistics, adjusted.statistics["diverging"].shape
    values = {name: (dims, one.astype(SMALL.get(name, one.dtype))) for name, one in held.items()}
    return xr.Dataset(values, coords={dim: np.arange(size) for dim, size in zip(dims, shape, strict=True)})


def _prior(posterior: Posterior, rng: np.random.Generator) -> dict[str, xr.Dataset]:
    prior = _prior_draws(posterior, rng)
    some = {str(name): value[0, :PRIOR_TIME_DRAWS].to_numpy() for name, value in prior.data_vars.items()}
    times = draw_prior_times(posterior, some, rng)
    coords = {"patient": posterior.cohort.patient}
    return {
        "prior": prior,
        "prior_predictive": _as_dataset({"time": times[None]}, dims={"time": ["patient"]}, coords=coords),
    }


def _prior_draws(posterior: Posterior, rng: np.random.Generator) -> xr.Dataset:
    values = draw_prior(posterior, PRIOR_DRAWS, rng)
    return _dataset({name: value[None] for name, value in values.items()}, posterior)


def _pointwise(adjusted: AdjustedSample, problem: Problem) -> xr.Dataset:
    """Return the log likelihood of the patients who are left out; with several designs, of evenly spaced draws of all of them."""
    kept, cohort = kept_log_likelihood(adjusted), problem.cohort
    chosen = left_out_patients(cohort.size)
    found = _as_dataset(
        kept, dims={name: ["patient"] for name in kept}, coords={"patient": cohort.patient[chosen]}
    )
    some = "" if len(chosen) == cohort.size else f"{len(chosen)} of {cohort.size} patients, drawn at random"
    return found.assign_attrs(thinned=some) if some else found


def _observed(problem: Problem) -> xr.Dataset:
    cohort = problem.cohort
    if cohort.counts is not None:
        return _observed_counts(cohort, cohort.counts)
    values = {
        "time": ("patient", cohort.time),
        "event": ("patient", cohort.event.astype(np.int8)),
        "treatment": ("patient", cohort.treatment.astype(np.int8)),
    }
    return xr.Dataset(values, coords={"patient": cohort.patient})


def _observed_counts(cohort: Cohort, counts: Counts) -> xr.Dataset:
    """Return what was observed of covariate patterns by arm: patients, and events and time at risk by interval."""
    by_interval = ("patient", "interval")
    return xr.Dataset(
        {
            "patients": ("patient", counts.patients),
            "treatment": ("patient", cohort.treatment.astype(np.int8)),
            "deaths": (by_interval, counts.deaths),
            "exposure": (by_interval, counts.exposure),
        },
        coords={"patient": cohort.patient},
    )


def _constant(content: dict[str, np.ndarray], posterior: Posterior) -> xr.Dataset:
    """Return every array that the model held: patients, designs, and the arguments of the priors."""
    dims = {"outcome_design": "term", "propensity_design": "propensity_term"}
    if posterior.spec is not None:
        dims |= posterior.spec.baseline.columns | posterior.spec.effect.columns
    variables = {}
    for name, value in content.items():
        array = np.asarray(value)
        if array.ndim == 0:
            variables[name] = ((), array)
        elif array.shape[0] == posterior.cohort.size:
            variables[name] = (("patient", dims.get(name, f"{name}_column"))[: array.ndim], array)
        else:
            variables[name] = ((f"{name}_value", f"{name}_column")[: array.ndim], array)
    return compress(xr.Dataset(variables, coords={"patient": posterior.cohort.patient}))
