"""How the effect changes over time, in numbers and in words."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from inference.fits.fits import FitSummary
from inference.fits.requests import landmark_of
from inference.sensitivity.effects import LIKELY, LIMITS, conditional_draws, parameter_limits, ratio_summary
from models.effects import ByInterval
from models.effects.by_interval import STEP_SD


@dataclass(frozen=True, eq=False)
class EffectOverTime:
    """What a fit with an effect by interval says.

    Attributes
    ----------
    table : DataFrame
        One row an interval, the first from the landmark on where there is one: start, end, hazard_ratio (median), lower, upper, probability_of_benefit.
    change : tuple of float
        Hazard ratio of the last interval over that of the first, median and 95 % limits: 1 where hazards are proportional.
    step_sd, step_sd_prior : tuple of float
        Median and 95 % limits of the standard deviation of the step between neighbouring intervals, posterior and prior;
        empty where there is one interval.
    fading : float
        Probability that the hazard ratio of the last interval is above that of the first.
    crossing : float
        Probability that the hazards cross: a hazard ratio below 1 in one interval and above 1 in another.
    time_unit : str
    """

    table: pd.DataFrame
    change: tuple[float, ...]
    step_sd: tuple[float, ...]
    step_sd_prior: tuple[float, ...]
    fading: float
    crossing: float
    time_unit: str


def effect_over_time(summary: FitSummary, time_unit: str) -> EffectOverTime:
    """Return how the effect of a fit by interval changes; of several cohorts, over all their draws.

    Intervals that end by a landmark are left out: nobody is at risk there, and the priors alone would speak.

    Parameters
    ----------
    summary : FitSummary
        Of a fit with the effect `by_interval`, pooled or not.
    time_unit : str

    Raises
    ------
    ValueError
        Where the fit has another effect.
    """
    rows, draws = conditional_draws(summary, ByInterval.name)
    landmark = landmark_of(summary.request.exposure) or 0.0
    seen = rows["time"].to_numpy(dtype=float) > landmark
    rows, draws = rows[seen], draws[seen]
    ends = rows["time"].to_numpy(dtype=float)
    table = pd.DataFrame({"start": [landmark, *ends[:-1]], "end": ends, **ratio_summary(rows)})
    step_sd = parameter_limits(summary, STEP_SD.name)
    prior = summary.request.priors.prior(STEP_SD).frozen.ppf(LIMITS)
    crossing = (draws < 0).any(axis=0) & (draws > 0).any(axis=0)
    return EffectOverTime(
        table,
        tuple(np.exp(np.quantile(draws[-1] - draws[0], LIMITS)).tolist()),
        step_sd,
        tuple(prior.tolist()) if step_sd else (),
        float((draws[-1] > draws[0]).mean()),
        float(crossing.mean()),
        time_unit,
    )


def over_time_in_words(found: EffectOverTime) -> str:
    """Return what the effect by interval says, in a sentence or two."""
    if len(found.table) == 1:
        return "There is one interval only, in which nothing can change."
    times = "{:.2f} times ({:.2f} to {:.2f})".format(*found.change)
    more = f"the hazard ratio of the last interval is {times} that of the first, above it with probability {found.fading:.2f}"
    if found.fading >= LIKELY:
        first = f"The effect fades: {more}."
    elif found.fading <= 1 - LIKELY:
        first = f"The effect grows: {more}."
    else:
        first = f"Whether the effect fades or grows with time is not settled: {more}."
    crossing = (
        f"With probability {found.crossing:.2f} the hazards of the arms cross: the hazard ratio is below 1 in one interval and above "
        "1 in another."
    )
    return f"{first} {crossing}"
