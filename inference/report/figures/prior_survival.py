"""What the priors alone say about survival, before any patient is looked at."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from inference.report.figures.axes import survival_axis
from inference.report.figures.style import (
    DASHED,
    OBSERVED,
    PRIOR,
    REFERENCE_LINE,
    SMALL,
    WIDTH,
    canvas,
    quiet,
    style,
)
from inference.report.figures.survival import label_at_right
from inference.report.figures.wording import time_label

CAPTION = (
    "Survival of an untreated patient with average covariates as the priors alone have it: the median and "
    "the intervals in which it lies with 50 % and 95 % probability. Curves that a clinician would call "
    "impossible should lie outside the bands, all others inside."
)


@style()
def prior_survival_figure(
    times: ArrayLike, survival: ArrayLike, cohort_span: float, time_unit: str
) -> Figure:
    """Return the prior predictive survival of an untreated average patient.

    Parameters
    ----------
    times : (time,) array
        Increasing from 0.
    survival : (draw, time) array
        Prior draws of the survival, such as those of `inference.predictive.prior_draws.prior_survival`.
    cohort_span : float
        Last follow-up of the cohort, marked by a line.
    time_unit : str
        For the axis.
    """
    times, survival = np.asarray(times, dtype=float), np.asarray(survival, dtype=float)
    figure = canvas(3.2, 0.8 * WIDTH)
    axes = figure.subplots()
    end = float(max(times.max(), cohort_span))
    ends: list[tuple[float, str, str]] = []
    for share in (0.95, 0.5):
        low, high = np.quantile(survival, [0.5 - share / 2, 0.5 + share / 2], axis=0)
        axes.fill_between(times, low, high, color=PRIOR, alpha=0.25, linewidth=0)
        ends.append((float(high[-1]), f"{100 * share:.0f} %", "#555555"))
    middle = np.median(survival, axis=0)
    axes.plot(times, middle, color=OBSERVED)
    ends.append((float(middle[-1]), "median", OBSERVED))
    if 0 < cohort_span < end:
        axes.axvline(cohort_span, **DASHED)
        axes.annotate(
            "last follow-up",
            (cohort_span, 1.0),
            xytext=(-3, 0),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=SMALL,
            color=REFERENCE_LINE,
        )
    axes.set_xlim(0, end)
    survival_axis(axes)
    label_at_right(axes, *zip(*ends, strict=True), line=0.055)
    axes.set_ylabel("Survival under the priors")
    axes.set_xlabel(time_label(time_unit))
    quiet(axes)
    return figure
