"""The table of estimands, and summaries of the curves behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from data.study.cohort import Cohort
from inference.adjustments import ADJUSTMENTS, AdjustedSample
from inference.diagnostics.summaries import (
    probability_of_benefit,
    simultaneous_band,
    summarise,
    summarise_maximisers,
)
from inference.estimands import ESTIMANDS, Estimand
from inference.estimands.curves import ARMS, POPULATIONS, Curves, TimeGrid, standardise

QUANTILES = (0.025, 0.5, 0.975)
CURVE_DRAWS = 2000  # of all designs together, for the bands of the figures
KEPT_DRAWS = 1000  # of each estimand, for pooling over cohorts
KEPT_CURVES = 100

KEYS = ("study", "baseline", "adjustment", "effect", "exposure", "prior_set")
COLUMNS = (
    *KEYS,
    "estimand",
    "population",
    "subgroup",
    "time",
    "unit",
    "mean",
    "sd",
    "median",
    "lower",
    "upper",
    "probability_of_benefit",
    "mcse",
    "ess_bulk",
    "ess_tail",
    "rhat",
    "note",
)


def as_written(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of estimands as estimands.csv has it: with the column `note` only where a row has one."""
    return table if (table["note"].fillna("") != "").any() else table.drop(columns="note")


@dataclass(frozen=True, eq=False)
class Estimated:
    """What a fit says.

    Attributes
    ----------
    table : DataFrame
        One row for each estimand, population and time, without the columns that name the fit.
    curves : Dataset
        survival, hazard (quantile, population, arm, time), survival_band (limit, population, arm, time), survival_difference and hazard_ratio (quantile, population, time)
        and average_hazard (quantile, time).
    draws : ndarray (row, chain, draw, design)
        Evenly spaced draws of every row of the table.
    curve_draws : Dataset
        Evenly spaced draws of the curves: survival, hazard (population, arm, draw, time) and average_hazard
        (draw, time).
    not_reached : dict of str to float
        Share of draws in which a median is not reached by the last follow-up, by arm, in the first population.
    """

    table: pd.DataFrame
    curves: xr.Dataset
    draws: np.ndarray
    curve_draws: xr.Dataset
    not_reached: dict[str, float]


def estimate(
    adjusted: AdjustedSample, cohort: Cohort, grid: TimeGrid, seed: int, origin: float = 0.0
) -> Estimated:
    """Return every estimand of a fit, with its Monte Carlo error and convergence.

    Parameters
    ----------
    adjusted : AdjustedSample
    cohort : Cohort
    grid : TimeGrid
        Horizon and times.
    seed : int
        Of the Bayesian bootstrap.
    origin : float
        Time of a landmark, from which on survival is counted.
    """
    plain = np.random.default_rng([seed, 3])
    rng: Any = plain if cohort.counts is None else RowWeights(plain, cohort.counts.patients)
    kind = ADJUSTMENTS[adjusted.adjustment]
    populations = (kind.population,) if kind.population else POPULATIONS
    by_design, thinned, effects = [], [], ()
    keep = max(1, CURVE_DRAWS // len(adjusted.designs))
    for design in adjusted.designs:
        curves = standardise(design, cohort, grid, rng, kind.population, origin)
        shape, effects = design.parameters["treatment_effect"].shape, curves.effects
        # Populations before times.
        rows = [one.draws(curves).reshape(-1, *shape) for one in ESTIMANDS.values()]
        by_design.append(np.concatenate(rows))
        thinned.append(_thin(curves, keep))
    draws = np.stack(by_design, axis=-1)
    labels = pd.DataFrame(_labels(grid, cohort.time_unit, kind.population, effects))
    summary = pd.DataFrame(summarise_maximisers(draws) if kind.maximises else summarise(draws))
    benefit = [
        probability_of_benefit(draws[[row]], ESTIMANDS[name].null, ESTIMANDS[name].benefit)[0]
        for row, name in enumerate(labels["estimand"])
    ]
    table = labels.assign(probability_of_benefit=benefit).join(summary)
    first = draws[labels["population"] == populations[0]]
    named = labels.loc[labels["population"] == populations[0], "estimand"]
    not_reached = {arm: float(np.isinf(first[named == f"median_{arm}"]).mean()) for arm in ARMS}
    curve_draws = _dataset(thinned, populations)
    described = {
        "study": cohort.study,
        "time_unit": cohort.time_unit,
        "treated_label": cohort.treated_label,
        "control_label": cohort.control_label,
        "control_end": grid.ends[0],
        "treated_end": grid.ends[1],
    }
    curves = summarise_curves(curve_draws).assign_attrs(described)
    every = max(1, -(-curve_draws.sizes["draw"] // KEPT_CURVES))
    kept = curve_draws.isel(draw=slice(None, None, every)).astype(np.float32)
    return Estimated(table, curves, thin(draws), kept.assign_attrs(described), not_reached)


@dataclass(frozen=True)
class RowWeights:
    """A source of the Bayesian bootstrap weights of rows that stand for several patients.

    The sum of n standard exponential weights is a gamma variable of shape n.
    """

    rng: np.random.Generator
    patients: np.ndarray

    def standard_exponential(self, size: tuple[int, ...]) -> np.ndarray:
        """Return the sums of the weights of each row's patients (draw, row)."""
        return self.rng.standard_gamma(self.patients, size)


def thin(draws: np.ndarray) -> np.ndarray:
    """Return evenly spaced draws (row, chain, draw, design), about `KEPT_DRAWS` of each row, in single precision.

    They are kept beside a fit so that fits of several cohorts can be pooled.
    """
    step = max(1, -(-draws[0].size // KEPT_DRAWS)) if len(draws) else 1
    return draws[:, :, ::step].astype(np.float32)


def _labels(
    grid: TimeGrid, time_unit: str, only: str, effects: Sequence[tuple[str, float | None]]
) -> list[dict[str, object]]:
    """Return what names each row of the table, in the order of the draws.

    `only` is the one population, if there is one; `effects` the subgroup and time of each conditional effect.
    """
    return [
        {
            "estimand": estimand.name,
            "population": population,
            "subgroup": subgroup,
            "time": np.nan if time is None else time,
            "unit": time_unit if estimand.unit == "time" else estimand.unit,
            "note": _note(estimand, time, grid),
        }
        for estimand in ESTIMANDS.values()
        for population in ((only,) if only else ("conditional",) if estimand.conditional else POPULATIONS)
        for subgroup, time in (effects if estimand.conditional else [("", at) for at in estimand.times(grid)])
    ]


def _note(estimand: Estimand, time: float | None, grid: TimeGrid) -> str:
    """Return that a quantity of a population lies beyond the follow-up of an arm that it rests on, or nothing."""
    if estimand.conditional or time is None:
        return ""
    control, treated = grid.ends
    of_arm = {
        f"{estimand.name.rpartition('_')[0]}_{arm}": end for arm, end in zip(ARMS, grid.ends, strict=True)
    }
    end = of_arm.get(estimand.name, min(control, treated))
    return f"extrapolated beyond {end:g}" if time > end else ""


def _thin(curves: Curves, keep: int) -> dict[str, np.ndarray]:
    """Return some draws of the curves at the times of display."""
    total = curves.log_hazard_ratio.shape[1]
    chosen = np.unique(np.linspace(0, total - 1, min(keep, total)).astype(int))
    shown = curves.grid.display
    return {
        "time": curves.grid.time[shown],
        "survival": curves.survival[:, :, chosen][..., shown],
        "hazard": curves.hazard[:, :, chosen][..., shown],
        "average_hazard": np.exp(curves.average_log_hazard[chosen][:, shown]),
    }


def _dataset(thinned: list[dict[str, np.ndarray]], populations: Sequence[str]) -> xr.Dataset:
    by_arm = ("population", "arm", "draw", "time")
    return xr.Dataset(
        {
            "survival": (by_arm, np.concatenate([part["survival"] for part in thinned], axis=2)),
            "hazard": (by_arm, np.concatenate([part["hazard"] for part in thinned], axis=2)),
            "average_hazard": (
                ("draw", "time"),
                np.concatenate([part["average_hazard"] for part in thinned]),
            ),
        },
        coords={"population": list(populations), "arm": list(ARMS), "time": thinned[0]["time"]},
    )


def summarise_curves(draws: xr.Dataset) -> xr.Dataset:
    """Return the median and the 95 % limits of curves, of their difference and of the hazard ratio over time, from draws.

    `survival_band` (limit, population, arm, time) is simultaneous over all times.
    """
    by_arm, of_arms = ("quantile", "population", "arm", "time"), ("quantile", "population", "time")
    survival, hazard, average = (
        draws[name].to_numpy().astype(float) for name in ("survival", "hazard", "average_hazard")
    )
    difference, ratio = survival[:, 1] - survival[:, 0], _ratio(hazard[:, 1], hazard[:, 0])
    return xr.Dataset(
        {
            "survival": (by_arm, np.quantile(survival, QUANTILES, axis=2)),
            "survival_band": (("limit", *by_arm[1:]), simultaneous_band(survival)),
            "hazard": (by_arm, np.quantile(hazard, QUANTILES, axis=2)),
            "survival_difference": (of_arms, np.quantile(difference, QUANTILES, axis=1)),
            "hazard_ratio": (of_arms, np.quantile(ratio, QUANTILES, axis=1)),
            "average_hazard": (("quantile", "time"), np.quantile(average, QUANTILES, axis=0)),
        },
        coords={
            "quantile": list(QUANTILES),
            **{name: draws[name].to_numpy() for name in ("population", "arm", "time")},
        },
        attrs=draws.attrs,
    )


def _ratio(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return ratios, NaN where both are 0: before a landmark nobody is at risk."""
    return np.divide(first, second, out=np.full_like(first, np.nan), where=second > 0)
