"""Replicated cohorts: what the model would expect to see again, with the cohort's own censoring."""

from __future__ import annotations

import numpy as np
import xarray as xr

from data.cohort import Cohort
from inference.adjustments.adjusted import AdjustedSample, flat_draws
from inference.replicates import censoring_times
from models.lifetimes import draw_times


def replicate_times(
    adjusted: AdjustedSample, cohort: Cohort, replicates: int, rng: np.random.Generator
) -> xr.Dataset:
    """Return times and events of replicated cohorts, one for each of some draws of the posterior.

    Event times come from the model; each is then censored as the cohort is: at the patient's own censoring time where it
    is known, else at one drawn from the reverse Kaplan-Meier distribution beyond the patient's event.

    Parameters
    ----------
    adjusted : AdjustedSample
        The posterior.
    cohort : Cohort
        The patients.
    replicates : int
        About how many cohorts; fewer where there are fewer draws.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Dataset
        `time` and `event` (chain=1, draw, patient).
    """
    of_design = max(1, replicates // len(adjusted.designs))
    times = []
    for design in adjusted.designs:
        spec = design.task.spec
        assert spec is not None, "the outcome model is asked for"
        flat = flat_draws(design.parameters)
        total = len(flat["treatment_effect"])
        chosen = np.unique(np.linspace(0, total - 1, min(of_design, total)).astype(int))
        some = {name: value[chosen] for name, value in flat.items()}
        times.append(draw_times(some, design.task.content(design.task.blocks), spec, len(chosen), rng))
    event_time = np.concatenate(times)
    censored = censoring_times(cohort, len(event_time), rng)
    content = {
        "time": np.minimum(event_time, censored)[None],
        "event": (event_time <= censored)[None].astype(np.int8),
    }
    return xr.Dataset(
        {name: (("chain", "draw", "patient"), value) for name, value in content.items()},
        coords={"chain": [0], "draw": np.arange(len(event_time)), "patient": cohort.patient},
    )
