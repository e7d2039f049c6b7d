"""Risks, risk differences and ratios from draws of the toxicity model."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import beta

from data.published.toxicity import CountReading
from models.toxicity import TIMING

LIMITS = (0.5, 0.025, 0.975)
type Draws = Mapping[str, np.ndarray]


def risk(draws: Draws, exposure: str, series: int | None = None) -> np.ndarray:
    """Return draws of the risk of harm.

    Parameters
    ----------
    draws : mapping of str to ndarray
        Parameters of the toxicity model.
    exposure : str
        none, any, sequential or concurrent.
    series : int, optional
        Position of a series; without it a typical one, whose definition of harm is in the middle.
    """
    log_odds = draws["typical_log_odds"] + TIMING[exposure] * draws["timing_effect"]
    if exposure != "none":
        log_odds = log_odds + draws["drug_effect"]
    if series is not None:
        log_odds = log_odds + draws["series_shift"][:, series]
    return expit(log_odds)


def risk_table(studies: Sequence[str], readings: Sequence[CountReading], draws: Draws) -> pd.DataFrame:
    """Return the risk in every arm of every series, crude and modelled, and in a typical series."""
    rows = []
    for place, (study, reading) in enumerate(zip(studies, readings, strict=True)):
        for arm in reading.arms:
            low, high = exact_interval(arm.cases, arm.size)
            rows.append(
                {
                    "series": study,
                    "exposure": arm.exposure,
                    "cases": arm.cases,
                    "size": arm.size,
                    "crude": arm.cases / arm.size,
                    "crude_lower": low,
                    "crude_upper": high,
                    **_limits(risk(draws, arm.exposure, place)),
                }
            )
    rows += [
        {"series": "", "exposure": exposure, **_limits(risk(draws, exposure))}
        for exposure in ("none", "any", "sequential", "concurrent")
    ]
    return pd.DataFrame(rows)


def contrast_table(draws: Draws) -> pd.DataFrame:
    """Return differences and ratios of the risk in a typical series, for the drug and for its timing.

    The number needed to harm is the inverse of the risk difference. Where the interval of the difference holds 0 it
    runs through infinity and has neither centre nor interval (Altman 1998, doi 10.1136/bmj.317.7168.1309): it is NaN, and the
    probability of harm says what is known.
    """
    rows = []
    for contrast, arms in {"drug": ("any", "none"), "timing": ("concurrent", "sequential")}.items():
        one, other = (risk(draws, exposure) for exposure in arms)
        difference = one - other
        harm = float((difference > 0).mean())
        quantities = {
            "risk_difference": _limits(difference),
            "risk_ratio": _limits(one / other),
            "odds_ratio": _limits(one / (1 - one) / (other / (1 - other))),
            "number_needed_to_harm": _needed_to_harm(_limits(difference)),
        }
        rows += [
            {"contrast": contrast, "quantity": quantity, **limits, "probability_of_harm": harm}
            for quantity, limits in quantities.items()
        ]
    return pd.DataFrame(rows)


def _needed_to_harm(difference: Mapping[str, float]) -> dict[str, float]:
    """Return the number needed to harm with its interval, NaN where the difference may be 0 or below."""
    if difference["lower"] <= 0:
        return {"median": np.nan, "lower": np.nan, "upper": np.nan}
    return {
        "median": 1 / difference["median"],
        "lower": 1 / difference["upper"],
        "upper": 1 / difference["lower"],
    }


def _limits(values: np.ndarray) -> dict[str, float]:
    """Return median and 95 % interval of draws."""
    middle, low, high = np.quantile(values, LIMITS)
    return {"median": float(middle), "lower": float(low), "upper": float(high)}


def exact_interval(cases: int, size: int) -> tuple[float, float]:
    """Return the 95 % interval of a share that never covers less (Clopper and Pearson 1934, doi 10.1093/biomet/26.4.404)."""
    low = 0.0 if cases == 0 else float(beta.ppf(0.025, cases, size - cases + 1))
    high = 1.0 if cases == size else float(beta.ppf(0.975, cases + 1, size - cases))
    return low, high
