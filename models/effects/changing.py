r"""A hazard ratio that jumps at cut points: the treated patient's cumulative hazard from the untreated one's.

With :math:`h_1(t) = r_k h_0(t)` in interval k, the treated patient's cumulative hazard is piecewise linear in that of the
same patient untreated, with slopes r and knots at the cut points s:

.. math:: H_1 = r_k H_0 + b_k, \qquad b_1 = 0, \quad b_{k+1} = b_k + (r_k - r_{k+1}) H_0(s_k)

so that one pass over patients gives it, for any baseline, and its inverse is as simple.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.arrays import of_prefix, running_sum, under_prefix
from models.baselines.baseline import Baseline
from models.components import Values
from models.intervals import interval_of

if TYPE_CHECKING:
    from models.effects.effect import Effect

END, START, CUTPOINT = "at_end", "at_start", "at_cutpoint"
LAST = "effect_interval"
FIRST = "effect_interval_at_start"


@dataclass(frozen=True, eq=False)
class ChangingRatio:
    """The line of each interval.

    Attributes
    ----------
    ratio, intercept : array (..., interval)
        r and b.
    at_cutpoints : array (..., cut point)
        Untreated cumulative hazard at the cut points.
    """

    ratio: Any
    intercept: Any
    at_cutpoints: Any

    @classmethod
    def of(cls, log_ratio: Any, at_cutpoints: Any, cuts: int, xp: Any) -> ChangingRatio:
        """Return the lines from log ratios (..., interval) and the untreated cumulative hazard (..., cut point) at so many cuts."""
        ratio = xp.exp(log_ratio)
        steps = (ratio[..., :-1] - ratio[..., 1:]) * at_cutpoints
        return cls(ratio, running_sum(steps, cuts, xp), at_cutpoints)

    @classmethod
    def of_draws(cls, effect: Effect, baseline: Baseline, parameters: Values) -> ChangingRatio:
        """Return the lines of many draws; without cut points there is one, through 0."""
        cuts = baseline.basis(np.asarray(effect.cutpoints, dtype=float))
        at_cutpoints = baseline.cumulative_hazard(parameters, cuts, np)
        return cls.of(effect.log_ratios(parameters), at_cutpoints, len(effect.cutpoints), np)

    def treated(self, untreated: Any, interval: Any) -> Any:
        """Return the treated patient's cumulative hazard (..., time) from the untreated one's, by interval (time,)."""
        return self.ratio[..., interval] * untreated + self.intercept[..., interval]

    def untreated(self, treated: np.ndarray) -> np.ndarray:
        """Return the untreated patient's cumulative hazard (draw, time) from the treated one's: the inverse."""
        knots = self.ratio[..., :-1] * self.at_cutpoints + self.intercept[..., :-1]
        interval = (treated[..., None] > knots[..., None, :]).sum(axis=-1)
        intercept = np.take_along_axis(self.intercept, interval, axis=-1)
        return (treated - intercept) / np.take_along_axis(self.ratio, interval, axis=-1)


def changing_arrays(
    cutpoints: tuple[float, ...], baseline: Baseline, start: np.ndarray, end: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what `treated_hazard` and `log_hazard_ratio` read of times under treatment; nothing without cut points.

    Parameters
    ----------
    cutpoints : tuple of float
        Where the hazard ratio may jump.
    baseline : Baseline
        Hazard of an untreated patient.
    start, end : ndarray (patient,)
        Limits of the time under treatment, or of the time at risk of who is not treated.
    """
    if not cutpoints:
        return {}
    later = bool(np.any(start > 0))
    at_start = {FIRST: interval_of(start, cutpoints), **under_prefix(START, baseline.basis(start))}
    return {
        LAST: interval_of(end, cutpoints),
        **under_prefix(END, baseline.basis(end)),
        **under_prefix(CUTPOINT, baseline.basis(np.asarray(cutpoints, dtype=float))),
        **(at_start if later else {}),
    }


def treated_hazard(
    effect: Effect, baseline: Baseline, parameters: Values, content: Mapping[str, Any], xp: Any
) -> Any:
    """Return the hazard cumulated between start and end, of the treated at the hazard ratio, of the others at the baseline.

    Parameters
    ----------
    effect : Effect
        Gives the log hazard ratios by interval.
    baseline : Baseline
        Hazard of an untreated patient.
    parameters : mapping of str to array
        Draws come first.
    content : mapping of str to array
        `changing_arrays`, and `treated`.
    xp : module
        numpy or pytensor.tensor.

    Returns
    -------
    array (..., patient)
    """

    def cumulated(prefix: str) -> Any:
        return baseline.cumulative_hazard(parameters, of_prefix(prefix, content), xp)

    cuts = len(effect.cutpoints)
    lines = ChangingRatio.of(effect.log_ratios(parameters), cumulated(CUTPOINT), cuts, xp)
    treated = content["treated"]

    def until(prefix: str, interval: Any) -> Any:
        untreated = cumulated(prefix)
        return untreated + treated * (lines.treated(untreated, interval) - untreated)

    at_end = until(END, content[LAST])
    return at_end - until(START, content[FIRST]) if FIRST in content else at_end
