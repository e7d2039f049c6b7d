"""A published Kaplan-Meier curve of one arm: the points read from the figure, the numbers at risk under it, its censor marks."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class PublishedCurve:
    """What a figure shows of one arm.

    Attributes
    ----------
    curve, source : str
        Name of the curve, shared by the arms of one figure; where it is printed.
    arm, phase : str
        "treated" or "control"; "before" or "after" matching.
    subgroup : str
        Empty for everybody, else ``column=level``.
    time, survival : ndarray of float (point,)
        The points read, by time, in the study's unit and as survival probabilities. A reading may rise.
    time_resolution, survival_resolution : float
        Smallest differences that the reading tells apart, as a pixel does; in the same units.
    at_risk_time, at_risk : ndarray of float (column,)
        The printed numbers at risk, by time; empty where none are printed.
    events, censored : ndarray of float (column,)
        Cumulative events and censorings printed beside them; nan where not printed.
    at_risk_counts : str
        "before": those whose time is the column's time or later; "at": later only; empty where it is not stated.
    censor_marks : ndarray of float (mark,)
        Times of the marks on the curve; empty where none were read.
    """

    curve: str
    source: str
    arm: str
    phase: str
    subgroup: str
    time: np.ndarray
    survival: np.ndarray
    time_resolution: float
    survival_resolution: float
    at_risk_time: np.ndarray
    at_risk: np.ndarray
    events: np.ndarray
    censored: np.ndarray
    at_risk_counts: str
    censor_marks: np.ndarray
