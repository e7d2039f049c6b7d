"""One-to-one matching without replacement, within a caliper: greedy, and optimal.

Papers rarely say how they matched. Two things move the pairs most: the scale of the caliper (SPSS matches on the
propensity itself, within 0.02 unless told otherwise; the literature advises 0.2 standard deviations of its logit), and
whether pairs are taken one after the other (greedy) or all at once (optimal).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import expit
from statsmodels.discrete.discrete_model import Logit

from inference.frequentist.cox_model import independent_columns

Scale = Literal["probability", "logit", "logit_sd"]
Method = Literal["greedy", "optimal"]
SCALES: dict[str, str] = {
    "probability": "of the propensity",
    "logit": "of its logit",
    "logit_sd": "standard deviations of its logit",
}
CALIPER = 0.02
ALIKE = (
    1e-9  # logits that differ by less are one: arms with the same covariates have a score without a spread
)
DENSE = 25_000_000  # distances that are held at once (200 MB); of more, only those within the caliper
LEAVE_TREATED, PAIR, LEAVE_CONTROL = range(3)


@dataclass(frozen=True)
class Matching:
    """Pairs of one treated and one control patient.

    Attributes
    ----------
    treated, control : ndarray of int (pair,)
        Positions of the patients in the cohort; nobody occurs twice.
    distance : ndarray (pair,)
        Between the two, on the caliper's scale; at most the caliper.
    """

    treated: NDArray[np.int64]
    control: NDArray[np.int64]
    distance: NDArray[np.float64]

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return len(self.treated)

    def patients(self, size: int) -> NDArray[np.bool_]:
        """Return which of `size` patients are in a pair."""
        inside = np.zeros(size, dtype=bool)
        inside[self.treated] = inside[self.control] = True
        return inside


def logit_propensity(columns: ArrayLike, treatment: ArrayLike) -> NDArray[np.float64]:
    """Return the linear predictor of a logistic regression of treatment on covariates, for every patient.

    Parameters
    ----------
    columns : (patient, term) array
        Of the treatment model; those that others determine are left out, as in the regression of a paper.
    treatment : (patient,) array of bool
    """
    columns, treatment = np.asarray(columns, dtype=float), np.asarray(treatment, dtype=float)
    kept = columns[:, independent_columns(columns)] if columns.shape[1] else columns
    design = np.column_stack([np.ones(len(treatment)), kept])
    fitted = Logit(treatment, design).fit(method="newton", disp=False)
    return design @ np.asarray(fitted.params)


def on_scale(logit: ArrayLike, treatment: ArrayLike, scale: Scale) -> NDArray[np.float64]:
    """Return the score on the scale on which distances are measured.

    Parameters
    ----------
    logit : (patient,) array
        Linear predictor of treatment.
    treatment : (patient,) array of bool
    scale : {"probability", "logit", "logit_sd"}
        The propensity; its logit; its logit in units of the pooled standard deviation, the root of the mean of the
        arms' variances (Austin 2011, doi 10.1002/pst.433).
    """
    logit, treatment = np.asarray(logit, dtype=float), np.asarray(treatment, dtype=bool)
    if scale == "probability":
        return expit(logit)
    if scale == "logit":
        return logit
    if scale == "logit_sd":
        if np.ptp(logit) < ALIKE:
            return np.zeros_like(logit)
        return logit / np.sqrt((logit[treatment].var(ddof=1) + logit[~treatment].var(ddof=1)) / 2)
    raise ValueError(f"scale must be one of {', '.join(SCALES)}, but found {scale}")


def match(score: ArrayLike, treatment: ArrayLike, caliper: float, method: Method = "greedy") -> Matching:
    """Return 1:1 pairs without replacement, no further apart than the caliper.

    Parameters
    ----------
    score : (patient,) array
        On the caliper's scale.
    treatment : (patient,) array of bool
    caliper : float
        Above 0; infinity for none.
    method : {"greedy", "optimal"}
        greedy: treated patients from the highest score down, each takes the nearest control that is left (Austin 2014,
        doi 10.1002/sim.6004); optimal: as many pairs as can be, and of those the smallest sum of distances (Rosenbaum 1989,
        doi 10.1080/01621459.1989.10478868).
    """
    score, treatment = np.asarray(score, dtype=float), np.asarray(treatment, dtype=bool)
    if not caliper > 0:
        raise ValueError(f"caliper must be above 0, but found {caliper:g}")
    if method not in ("greedy", "optimal"):
        raise ValueError(f"method must be greedy or optimal, but found {method}")
    treated, control = np.flatnonzero(treatment), np.flatnonzero(~treatment)
    chosen = (greedy_pairs if method == "greedy" else optimal_pairs)(score[treated], score[control], caliper)
    one, other = treated[chosen[:, 0]], control[chosen[:, 1]]
    return Matching(one, other, np.abs(score[one] - score[other]))


def greedy_pairs(treated: NDArray, control: NDArray, caliper: float) -> NDArray[np.int64]:
    """Return positions (pair, 2) among treated and controls, from their scores, taken one after the other."""
    left = np.asarray(control, dtype=float).copy()
    pairs = []
    for position in np.argsort(-np.asarray(treated), kind="stable"):
        if not len(left):
            break
        distance = np.abs(left - treated[position])
        nearest = int(np.argmin(distance))
        if distance[nearest] <= caliper:
            pairs.append((int(position), nearest))
            left[nearest] = np.inf  # taken
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def optimal_pairs(treated: NDArray, control: NDArray, caliper: float) -> NDArray[np.int64]:
    """Return positions (pair, 2) among treated and controls, from their scores: most pairs, then the nearest."""
    if len(treated) * len(control) > DENSE:
        return ordered_pairs(treated, control, caliper)
    distance = np.abs(np.asarray(treated)[:, None] - np.asarray(control)[None, :])
    allowed = distance <= caliper
    if not allowed.any():
        return np.empty((0, 2), dtype=np.int64)
    # A pair too far apart costs more than any set of allowed pairs, so that one is never saved by distance.
    forbidden = 2 * (distance[allowed].max() + 1e-12) * min(distance.shape) + 1.0
    rows, columns = linear_sum_assignment(np.where(allowed, distance, forbidden))
    inside = allowed[rows, columns]
    return np.column_stack([rows[inside], columns[inside]]).astype(np.int64)


def ordered_pairs(treated: NDArray, control: NDArray, caliper: float) -> NDArray[np.int64]:
    r"""Return optimal pairs as `optimal_pairs` does, in time and memory of the pairs within the caliper.

    Two pairs that cross, :math:`a < a'` with partners :math:`b' < b`, can swap partners: neither the sum of distances nor the larger
    of the two grows. So some optimal set of pairs keeps the order of the scores, and a dynamic programme over both sorted lists finds it:
    the best of the first i treated and the first j controls either leaves out one of the last two, or pairs them. Patients outside the
    caliper of a treated patient need no place in the table.

    Parameters
    ----------
    treated, control : ndarray (patient of the arm,)
        Scores.
    caliper : float
    """
    order, other = np.argsort(treated, kind="stable"), np.argsort(control, kind="stable")
    above, below = np.asarray(treated, dtype=float)[order], np.asarray(control, dtype=float)[other]
    width = caliper if np.isfinite(caliper) else np.ptp(np.concatenate([above, below]))
    prize = 1.0 + width * min(len(above), len(below))  # of a pair: more than all distances together
    best = np.zeros(len(below) + 1)  # of the treated so far and the first j controls
    reach, table = 0, []  # best[reach:] are all the same, and written when they are needed
    for score in above:
        first, end = np.searchsorted(below, score - caliper), np.searchsorted(below, score + caliper, "right")
        # Rounding of score +- caliper may differ from that of the distance, which decides.
        while first > 0 and score - below[first - 1] <= caliper:
            first -= 1
        while end < len(below) and below[end] - score <= caliper:
            end += 1
        best[reach + 1 : end + 1] = best[reach]
        reach = max(reach, end)
        distance = np.abs(score - below[first:end])
        paired = np.where(distance <= caliper, best[first:end] + prize - distance, -np.inf)
        unpaired = best[first + 1 : end + 1].copy()
        here = np.maximum(paired, unpaired)
        reached = np.maximum.accumulate(here)
        choices = np.where(reached > here, LEAVE_CONTROL, np.where(paired > unpaired, PAIR, LEAVE_TREATED))
        table.append((first, choices.astype(np.int8)))
        best[first + 1 : end + 1] = reached
    pairs, left = [], len(below)
    for row in range(len(above) - 1, -1, -1):
        first, choices = table[row]
        left_here = min(left, first + len(choices))
        while left_here > first and choices[left_here - first - 1] == LEAVE_CONTROL:
            left_here -= 1
        if left_here > first and choices[left_here - first - 1] == PAIR:
            pairs.append((order[row], other[left_here - 1]))
            left = left_here - 1
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
