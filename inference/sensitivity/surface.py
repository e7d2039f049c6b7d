"""The effect over delay and strength of a confounder, pooled over cohorts: cells, what lies between them, the tipping line."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
import xarray as xr
from scipy.interpolate import RectBivariateSpline
from scipy.special import ndtr, ndtri

from inference.diagnostics.checks.result import CheckResult
from inference.diagnostics.summaries import quantiles
from inference.estimands.horizon import report_times
from inference.sensitivity.sensitivity import (
    MainAnalysis,
    Sensitivity,
    approximation_checks,
    evenly_spaced,
)
from inference.sensitivity.timing import timing_settings
from inference.sensitivity.timing_and_confounding import (
    DELAYS,
    SAMPLED,
    STRENGTHS,
    draws_of_cohort,
    surface_of_cohort,
)
from inference.sensitivity.timing_pooled import CERTAIN, has_scenarios, normal_mixture_quantiles

MOST_COHORTS = 10
SHOWN = 61  # points along each axis of the figure


@dataclass(frozen=True, eq=False)
class Surface:
    """The effect over delay and strength, pooled over cohorts with equal weights.

    Attributes
    ----------
    cells : DataFrame
        delay (mean, in months), strength, hazard_ratio (median), lower, upper, probability_of_benefit, rmst_difference (median,
        all patients, in the study's time unit), rmst_lower, rmst_upper; a row a cell.
    checked : DataFrame
        delay, strength, shift (of the mean log hazard ratio of the approximation from draws, in their standard deviations),
        sd_ratio, rmst_shift (of the mean RMST difference, likewise), of the cells that were sampled too.
    horizon : float
        Of the restricted mean.
    cohorts : int
    """

    cells: pd.DataFrame
    checked: pd.DataFrame
    horizon: float
    cohorts: int


def pooled_surface(computed: Sequence[xr.Dataset]) -> Surface:
    """Return what the results of `surface_of_cohort` say together; every cohort has the same weight."""
    rows = []
    for at, strength in product(range(len(DELAYS)), range(len(STRENGTHS))):
        mean, sd = (np.array([float(one[name][at, strength]) for one in computed]) for name in ("mean", "sd"))
        middle, lower, upper = np.exp(normal_mixture_quantiles(mean, sd, (0.5, 0.025, 0.975)))
        gained = np.concatenate([one["rmst_difference"][at, strength].to_numpy() for one in computed])
        rmst_lower, rmst_middle, rmst_upper = quantiles(gained)
        rows.append(
            {
                "delay": DELAYS[at],
                "strength": STRENGTHS[strength],
                "hazard_ratio": middle,
                "lower": lower,
                "upper": upper,
                "probability_of_benefit": float(ndtr(-mean / sd).mean()),
                "rmst_difference": rmst_middle,
                "rmst_lower": rmst_lower,
                "rmst_upper": rmst_upper,
            }
        )
    first = computed[0]
    checked = pd.DataFrame(
        {
            "delay": [DELAYS[at] for at, _ in SAMPLED],
            "strength": [STRENGTHS[strength] for _, strength in SAMPLED],
            **{name: first[name].to_numpy() for name in ("shift", "sd_ratio", "rmst_shift")},
        }
    )
    return Surface(pd.DataFrame(rows), checked, float(first.attrs["horizon"]), len(computed))


def between_cells(surface: Surface, delay: np.ndarray, strength: np.ndarray) -> pd.DataFrame:
    """Return the columns of `cells` (point) at delays and strengths within the grid.

    By cubic splines over delay and log strength, of the log of hazard ratios and the probit of the probability.
    """
    axes = (np.asarray(DELAYS), np.log(STRENGTHS))
    shape = (len(DELAYS), len(STRENGTHS))

    def smooth(values: np.ndarray) -> np.ndarray:
        return RectBivariateSpline(*axes, values.reshape(shape)).ev(delay, np.log(strength))

    cells = {name: surface.cells[name].to_numpy() for name in surface.cells}
    probit = ndtri(np.clip(cells["probability_of_benefit"], 1e-15, 1.0 - 1e-15))
    return pd.DataFrame(
        {
            "delay": delay,
            "strength": strength,
            **{name: np.exp(smooth(np.log(cells[name]))) for name in ("hazard_ratio", "lower", "upper")},
            **{name: smooth(cells[name]) for name in ("rmst_difference", "rmst_lower", "rmst_upper")},
            "probability_of_benefit": ndtr(smooth(probit)),
        }
    )


def fine_surface(surface: Surface) -> pd.DataFrame:
    """Return `between_cells` on a fine grid, a row a point."""
    delay, strength = np.meshgrid(
        np.linspace(DELAYS[0], DELAYS[-1], SHOWN), np.geomspace(1.0, STRENGTHS[-1], SHOWN), indexing="ij"
    )
    return between_cells(surface, delay.ravel(), strength.ravel())


def tipping_line(surface: Surface) -> pd.DataFrame:
    """Return for each mean delay of the grid the smallest strength at which the probability of benefit falls to 0.95.

    Returns
    -------
    DataFrame
        delay, strength: 1 where no condition is needed, NaN where none of the grid is enough.
    """
    strengths = np.geomspace(1.0, STRENGTHS[-1], 801)
    rows = []
    for delay in DELAYS:
        along = between_cells(surface, np.full(len(strengths), delay), strengths)
        fallen = np.flatnonzero(along["probability_of_benefit"].to_numpy() <= CERTAIN)
        rows.append((delay, float(strengths[fallen[0]]) if len(fallen) else float("nan")))
    return pd.DataFrame(rows, columns=pd.Index(["delay", "strength"]))


def surface_checks(surface: Surface) -> list[CheckResult]:
    """Return how far the normal approximation is from draws, over the cells that were sampled."""
    checked = surface.checked
    off = {
        "mean": float(checked["shift"].abs().max()),
        "sd": float((checked["sd_ratio"] - 1.0).abs().max()),
        "RMST difference": float(checked["rmst_shift"].abs().max()),
    }
    return approximation_checks("delay and confounder", off)


def _arguments(analysis: MainAnalysis) -> list[tuple]:
    """Return those of some cohorts, evenly spaced: the surface costs as much as all else that is computed of a cohort."""
    main, numbers = analysis.main, evenly_spaced(len(analysis.cohorts), MOST_COHORTS)
    settings = timing_settings(len(analysis.cohorts), main.settings).sampler
    horizon = report_times(analysis.study, analysis.cohorts[0])[0]
    rest = (analysis.spec, horizon, main.priors, settings, draws_of_cohort(len(numbers)))
    return [(analysis.cohorts[number], number, *rest) for number in numbers]


SURFACE = Sensitivity(
    "timing_and_confounding",
    "delay and confounding together",
    has_scenarios,
    surface_of_cohort,
    _arguments,
    pooled_surface,
    surface_checks,
)
