"""Harm with and without a drug in series that define harm differently: a hierarchical binomial model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy.special import logit

from data.published.toxicity import CountReading, HistoricalRange
from models.priors import Prior

# Expected range of n independent standard normal values, n = 2 to 6 (doi 10.1093/biomet/17.3-4.364).
EXPECTED_RANGE = {2: 1.128, 3: 1.693, 4: 2.059, 5: 2.326, 6: 2.534}
TIMING = {"none": 0.0, "any": 0.0, "sequential": -0.5, "concurrent": 0.5}

MEANINGS = {
    "typical_log_odds": "log odds of harm in a typical series, without the drug",
    "between_series_sd": "standard deviation of the log odds between series, which define harm differently",
    "drug_effect": "log odds ratio of harm with the drug, timing mixed",
    "timing_effect": "log odds ratio of harm with the drug given at the same time as radiotherapy, against in sequence",
}


@dataclass(frozen=True, eq=False)
class ToxicityArms:
    """The arms of all series, one row an arm.

    Attributes
    ----------
    series : ndarray of int (arm,)
        Which series.
    cases, size : ndarray of int (arm,)
    exposed : ndarray (arm,)
        1 with the drug, else 0.
    timing : ndarray (arm,)
        +1/2 where drug and radiotherapy are given together, -1/2 in sequence, 0 where there is no drug or both occur.
    """

    series: np.ndarray
    cases: np.ndarray
    size: np.ndarray
    exposed: np.ndarray
    timing: np.ndarray


def arms_of(readings: list[CountReading]) -> ToxicityArms:
    """Return the arms of one reading a series."""
    listed = [(place, arm) for place, reading in enumerate(readings) for arm in reading.arms]
    return ToxicityArms(
        series=np.array([place for place, _ in listed]),
        cases=np.array([arm.cases for _, arm in listed]),
        size=np.array([arm.size for _, arm in listed]),
        exposed=np.array([float(arm.exposure != "none") for _, arm in listed]),
        timing=np.array([TIMING[arm.exposure] for _, arm in listed]),
    )


def toxicity_priors(historical: HistoricalRange) -> dict[str, Prior]:
    """Return the priors, those of the level from the historical range of the risk without the drug.

    The range of n values is so many standard deviations wide on average (Tippett 1925,
    doi 10.1093/biomet/17.3-4.364): that gives the spread between series. The mean of n series would be known to that
    over the root of n; it is doubled, because their sizes are not printed and not all are of these patients.
    """
    low, high = logit(historical.lower), logit(historical.upper)
    between = float((high - low) / EXPECTED_RANGE[min(max(historical.series, 2), 6)])
    spread = 2 * between / np.sqrt(max(historical.series, 1))
    percent = f"{100 * historical.lower:g} to {100 * historical.upper:g} %"
    return {
        "typical_log_odds": Prior(
            "Normal",
            {"mu": round(float((low + high) / 2), 3), "sigma": round(float(spread), 3)},
            f"the middle of {percent} ({historical.id}), its uncertainty twice that of a mean of {historical.series} series",
        ),
        "between_series_sd": Prior(
            "LogNormal",
            {"mu": round(float(np.log(between)), 3), "sigma": 0.6},
            f"{between:.2f}, which makes {historical.series} series span {percent} on average; within a factor of 3.2 (95 %)",
        ),
        "drug_effect": Prior(
            "Normal",
            {"mu": 0.0, "sigma": 1.0},
            "no direction preferred; odds ratio 0.14 to 7.1 (95 %)",
        ),
        "timing_effect": Prior(
            "Normal",
            {"mu": 0.0, "sigma": 0.7},
            "no direction preferred; giving both at once changes the odds at most fourfold (95 %)",
        ),
    }


def toxicity_content(arms: ToxicityArms, priors: Mapping[str, Prior]) -> dict[str, Any]:
    """Return the data of the model: all that can be swapped without compiling it again."""
    arguments = {
        f"{name}_{key}": np.asarray(value, dtype=float)
        for name, prior in priors.items()
        for key, value in prior.arguments.items()
    }
    return {
        "cases": arms.cases.astype(np.int32),
        "size": arms.size.astype(np.int32),
        "exposed": arms.exposed,
        "timing": arms.timing,
        **arguments,
    }


def build_toxicity_model(arms: ToxicityArms, priors: Mapping[str, Prior]) -> pm.Model:
    """Return the model: logit risk = typical + series + exposed * drug + timing * timing_effect.

    A series shifts the log odds of both of its arms alike: it counts what it calls harm in both. The effect of the
    drug is one for all series, because so few series cannot tell effects that differ from chance.

    Parameters
    ----------
    arms : ToxicityArms
    priors : mapping of str to Prior
        Those of `toxicity_priors`.
    """
    content = toxicity_content(arms, priors)
    with pm.Model() as model:
        # With known lengths no code is compiled that checks them, and writes what it found.
        shared = {name: pm.Data(name, value, shape=np.shape(value)) for name, value in content.items()}
        drawn = {
            name: prior.family.pymc(name, **{key: shared[f"{name}_{key}"] for key in prior.arguments})
            for name, prior in priors.items()
        }
        standard = pm.Normal("series_standard", 0.0, 1.0, shape=int(arms.series.max()) + 1)
        shift = pm.Deterministic("series_shift", drawn["between_series_sd"] * standard)
        log_odds = (
            drawn["typical_log_odds"]
            + pt.take(shift, arms.series)
            + shared["exposed"] * drawn["drug_effect"]
            + shared["timing"] * drawn["timing_effect"]
        )
        pm.Binomial("harmed", n=shared["size"], logit_p=log_odds, observed=shared["cases"])
    return model
