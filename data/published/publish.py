"""Patients of one arm as a figure publishes them: pixels of a Kaplan-Meier curve and a risk table at even times."""

import math

import numpy as np
from scipy.stats import CensoredData, ecdf

from data.published.published_curves import PublishedCurve

CM_PER_INCH = 2.54
HEIGHT = 0.75
"""Of the width of a figure."""
TICKS = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Distances between the marks of an axis, times a power of ten."""


def axis_end(last: float, intervals: int = 6) -> float:
    """Where an axis of even marks at round numbers ends, beyond a last time.

    Examples
    --------
    >>> axis_end(87.4), axis_end(60.0), axis_end(0.031)
    (90.0, 72.0, 0.036)
    """
    apart = last / intervals
    power = 10.0 ** math.floor(math.log10(apart))
    return next(round(intervals * tick * power, 12) for tick in (*TICKS, 12.0) if tick * power > apart)


def publish_curve(
    time: np.ndarray,
    event: np.ndarray,
    *,
    curve: str = "figure",
    arm: str = "treated",
    axis: float | None = None,
    size_cm: float = 10.0,
    dpi: float = 300.0,
    columns: int = 7,
    marks: bool = False,
) -> PublishedCurve:
    """The Kaplan-Meier curve of some patients as a reader of the figure has it.

    A reading is the pixel row of the curve in each pixel column up to that of the last time of the arm. Numbers at risk, where
    printed, count those whose time is the column's time or later.

    Parameters
    ----------
    time, event : ndarray (patient,)
        Time of event or censoring; 1 or true for an event.
    curve, arm : str
        Of the curve returned.
    axis : float, optional
        Where the axis of time ends; else in a round number beyond the last time of this arm. Arms of one figure share it.
    size_cm, dpi : float
        Width of the figure between the ends of the axis of time, and its pixels an inch; survival from 0 to 1 is
        `HEIGHT` times as high.
    columns : int
        Of the risk table, at even times from 0 to the end of the axis; 0 for none.
    marks : bool
        Whether censored patients are marked on the curve, in whole pixel columns.
    """
    time, event = np.asarray(time, float), np.asarray(event).astype(bool)
    end = axis_end(float(time.max()), max(columns - 1, 1)) if axis is None else axis
    wide = round(size_cm / CM_PER_INCH * dpi)
    high = round(wide * HEIGHT)
    pixel = end / wide
    at = np.arange(round(time.max() / pixel) + 1) * pixel
    kaplan_meier = ecdf(CensoredData.right_censored(time, ~event)).sf
    # the last column of pixels holds the end of the curve, with a fall at the very end
    row = np.round(kaplan_meier.evaluate(np.append(at[:-1], max(at[-1], time.max()))) * high) / high
    ticks = np.linspace(0, end, columns)
    at_risk = len(time) - np.searchsorted(np.sort(time), ticks, side="left")
    return PublishedCurve(
        curve=curve,
        source=f"{size_cm:g} cm at {dpi:g} dpi",
        arm=arm,
        phase="before",
        subgroup="",
        time=at,
        survival=row,
        time_resolution=pixel,
        survival_resolution=1 / high,
        at_risk_time=ticks,
        at_risk=at_risk.astype(float),
        events=np.full(columns, np.nan),
        censored=np.full(columns, np.nan),
        at_risk_counts="before" if columns else "",
        censor_marks=np.unique(np.round(time[~event] / pixel)) * pixel if marks else np.empty(0),
    )
