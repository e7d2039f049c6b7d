"""The effect by the power of the outcome's likelihood in the propensity model: from the cut to the joint posterior."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from inference.fits.pooled_checks import WORST_RHAT
from inference.report.figures.axes import ratio_axis
from inference.report.figures.style import CYCLE, DASHED, POSTERIOR, beside, narrow, quiet, style

CAPTION = (
    "First panel: hazard ratio of treatment, median and 95 % interval, against the power to which the outcome's likelihood counts "
    "for the propensity score: 0 is the cut, 1 the joint posterior. Second panel: how far the "
    "coefficient of the treatment model that moves most has moved by then, in posterior standard deviations of the treatment "
    "model alone. A flat line in the first says that feedback makes no difference here; "
    "where the outcome model holds the covariates as well, it hardly can, and says little of what feedback would do without them. "
    "Where the score stands alone, the log hazard is a natural cubic spline of it. Open marks: chains from different starts ended in "
    "different scores (R-hat above 1.05), so that the number is their mixture by chance."
)
LABELS = {
    "covariates": "outcome model: covariates and score",
    "score": "outcome model: score alone, as a spline",
}


@style()
def feedback_figure(table: pd.DataFrame) -> Figure:
    """Return the two panels.

    Parameters
    ----------
    table : DataFrame
        From `inference.sensitivity.feedback.pooled_feedback`.
    """
    figure, (effect, shift) = beside(2.9, 2)
    eta = np.unique(table["eta"].to_numpy(dtype=float))
    effect.axhline(1.0, **DASHED)
    for (outcome, rows), colour, offset in zip(
        table.groupby("outcome", sort=False), (POSTERIOR, CYCLE[1]), (0.0, 0.02), strict=False
    ):
        middle, below, above = (
            rows[name].to_numpy(dtype=float) for name in ("hazard_ratio", "lower", "upper")
        )
        label = LABELS[str(outcome)]
        effect.errorbar(
            eta + offset,
            middle,
            [middle - below, above - middle],
            fmt="o-",
            color=colour,
            linewidth=1.2,
            markersize=4,
            label=label,
        )
        moved = np.abs(rows["largest_shift"].to_numpy(dtype=float))
        shift.plot(eta, moved, "s-", color=colour, linewidth=1.2, markersize=4)
        apart = rows["score_rhat"].to_numpy(dtype=float) > WORST_RHAT
        for axes, at, height, mark in ((effect, eta + offset, middle, "o"), (shift, eta, moved, "s")):
            axes.plot(
                at[apart], height[apart], mark, color=colour, markerfacecolor="white", markersize=4, zorder=4
            )
    if table["outcome"].nunique() > 1:
        figure.legend(
            *effect.get_legend_handles_labels(),
            loc="outside upper left",
            ncols=1 if narrow() else 2,
            frameon=False,
        )
    lower, upper = table["lower"], table["upper"]
    low, high = float(lower.min()) * 0.95, max(float(upper.max()), 1.0) * 1.05
    ratio_axis(effect, "y", low, high)
    effect.set_ylim(low, high)
    effect.set_ylabel("Conditional hazard ratio")
    shift.set_ylim(0.0, max(0.6, 1.1 * float(table["largest_shift"].abs().max())))
    shift.axhline(0.5, **DASHED)
    shift.set_ylabel("Largest shift of a coefficient, sd")
    for axes in (effect, shift):
        axes.set_xlabel("Power of the outcome's likelihood, η")
        axes.set_xticks(eta, ["0\ncut", *(f"{one:g}" for one in eta[1:-1]), "1\njoint"])
        quiet(axes)
    return figure
