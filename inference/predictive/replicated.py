"""Replicated cohorts: what the model would expect to see again, with the cohort's own censoring."""

import numpy as np
import xarray as xr

from data.study.cohort import Cohort
from inference.adjustments.adjusted import AdjustedSample, DesignSample, flat_draws
from inference.predictive.replicates.censoring import censoring_times, start_times
from models.exposures import TimeSplit
from models.lifetimes import draw_split_times, draw_times


def replicate_times(
    adjusted: AdjustedSample, cohort: Cohort, replicates: int, rng: np.random.Generator
) -> xr.Dataset:
    """Return times and events of replicated cohorts, one for each of some draws of the posterior.

    Event times come from the model; each is then censored as the cohort is: at the patient's own censoring time where it
    is known, else at one drawn from the reverse Kaplan-Meier distribution beyond the patient's event. Where treatment
    begins during follow-up, it begins when the patient's did, or would have begun (`start_times`), unless the
    replicate's event or end of observation comes first.

    Parameters
    ----------
    adjusted : AdjustedSample
    cohort : Cohort
    replicates : int
        About how many cohorts; fewer where there are fewer draws.
    rng : numpy.random.Generator

    Returns
    -------
    Dataset
        `time` and `event` (chain=1, draw, patient); `start` too where treatment begins during follow-up, NaN where it never
        does.
    """
    of_design = max(1, replicates // len(adjusted.designs))
    parts = [_of_design(design, cohort, of_design, rng) for design in adjusted.designs]
    event_time, start = (np.concatenate(values) for values in zip(*parts, strict=True))
    split = _splits(adjusted.designs[0])
    censored = censoring_times(cohort, len(event_time), rng, by_arm=not split)
    time = np.minimum(event_time, censored)
    content = {"time": time, "event": (event_time <= censored).astype(np.int8)}
    if split:
        content["start"] = np.where(start < time, start, np.nan)
    return xr.Dataset(
        {name: (("chain", "draw", "patient"), value[None]) for name, value in content.items()},
        coords={"chain": [0], "draw": np.arange(len(event_time)), "patient": cohort.patient},
    )


def _splits(design: DesignSample) -> bool:
    assert design.posterior.spec is not None, "the outcome model is asked for"
    return isinstance(design.posterior.spec.exposure, TimeSplit)


def _of_design(
    design: DesignSample, cohort: Cohort, replicates: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return event times (draw, patient) of some draws of a design, and starts of treatment, infinite where there is none."""
    spec = design.posterior.spec
    assert spec is not None, "the outcome model is asked for"
    flat = flat_draws(design.parameters)
    total = len(flat["treatment_effect"])
    chosen = np.unique(np.linspace(0, total - 1, min(replicates, total)).astype(int))
    some = {name: value[chosen] for name, value in flat.items()}
    content = design.posterior.content(design.posterior.blocks)
    if not _splits(design):
        times = draw_times(some, content, spec, len(chosen), rng)
        return times, np.full(times.shape, np.inf)
    start = start_times(cohort, len(chosen), rng)
    return draw_split_times(some, content, spec, start, rng), start
