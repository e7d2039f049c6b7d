"""Notes on estimands that a table of numbers cannot hold."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from inference.adjustments.adjusted import AdjustedSample
from inference.diagnostics.checks.result import CheckResult
from models.effects import ConstantEffect


def median_notes(not_reached: Mapping[str, float]) -> list[CheckResult]:
    """Return how often the median of an arm lies beyond the follow-up, where it ever does.

    Parameters
    ----------
    not_reached : mapping of str to float
        Share of draws by arm.
    """
    text = "the median lies beyond the last follow-up of the arm in {:.2g} % of the draws"
    return [
        CheckResult("estimand", f"median not reached, {arm}", "info", share, None, text.format(100 * share))
        for arm, share in not_reached.items()
        if share > 0
    ]


def extrapolation_checks(table: pd.DataFrame, time_unit: str) -> list[CheckResult]:
    """Return a warning for each end of follow-up that reported quantities lie beyond.

    Parameters
    ----------
    table : DataFrame
        Of estimands; `note` says beyond what.
    time_unit : str
    """
    checks = []
    for note, rows in table[table["note"] != ""].groupby("note", sort=False):
        names = ", ".join(rows["estimand"].drop_duplicates().str.replace("_", " "))
        text = (
            f"{names} to {rows['time'].max():g} {time_unit} are {note}: nobody of an arm was followed as long, the model alone "
            "says what would follow; choose an earlier horizon and times"
        )
        last, limit = float(rows["time"].max()), float(str(note).split()[-1])
        checks.append(CheckResult("estimand", str(note), "warn", last, limit, text))
    return checks


def time_ratio_note(adjusted: AdjustedSample) -> list[CheckResult]:
    r"""Return a Weibull fit's effect read as acceleration: treatment stretches all times by one factor. Only where the effect is constant.

    .. math:: \text{time ratio} = \text{HR}^{-1 / \text{shape}}

    (Carroll 2003, doi 10.1016/S0197-2456(03)00072-2).
    """
    first = adjusted.designs[0]
    assert first.posterior.spec is not None, "the outcome model is asked for"
    if "weibull_shape" not in first.parameters or not isinstance(first.posterior.spec.effect, ConstantEffect):
        return []
    ratios = np.concatenate(
        [
            np.exp(-design.parameters["treatment_effect"] / design.parameters["weibull_shape"]).ravel()
            for design in adjusted.designs
        ]
    )
    low, middle, high = np.quantile(ratios, [0.025, 0.5, 0.975])
    text = f"treatment stretches times by the factor {middle:.2f} ({low:.2f} to {high:.2f}): HR^(-1 / shape)"
    return [CheckResult("estimand", "time ratio", "info", float(middle), 1.0, text)]
