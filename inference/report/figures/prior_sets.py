"""How the answer moves under other priors: effect, RMST difference and probability of benefit."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.forest import ForestRow, draw_forest, forest_height, positions
from inference.report.figures.style import BACKED, POSTERIOR, SMALL, beside, narrow, quiet, style
from inference.report.figures.table_rows import first_unit, whole_cohort
from inference.report.figures.wording import estimate_of, interval, probability, words, wrapped

CAPTION = (
    "The same patients under other beliefs about the effect: posterior median and 95 % interval under "
    "each prior set (blue), with what that prior held before the patients were seen (thin grey line "
    "above, 95 %). An answer that stays on one side of the dashed lines under the sceptical prior keeps "
    "its direction where little was expected; its size still moves with the prior, and the table says where prior and data disagree."
)


@style()
def prior_sets_figure(
    estimands: pd.DataFrame, prior_intervals: Mapping[str, tuple[float, float]] | None = None
) -> Figure:
    """Return three aligned panels by prior set: hazard ratio, RMST difference, probability of benefit.

    Parameters
    ----------
    estimands : DataFrame
        Columns of estimands.csv, of one model under several prior sets; used are ``hazard_ratio`` and, for
        the population all, ``rmst_difference``. The probability is that of the hazard ratio.
    prior_intervals : mapping of str to (lower, upper), optional
        95 % prior interval of the hazard ratio by prior set.
    """
    intervals = prior_intervals or {}
    ratios = whole_cohort(estimands, ["hazard_ratio"]).drop_duplicates("prior_set").set_index("prior_set")
    means = whole_cohort(estimands, ["rmst_difference"])
    means = means[means["population"] == "all"].drop_duplicates("prior_set").set_index("prior_set")
    names = [str(name) for name in ratios.index]
    figure, (left, middle, right) = beside(
        forest_height(2 * len(names), 1.0), 3, width_ratios=[1.25, 1.1, 0.8]
    )
    draw_forest(
        left,
        [_row(name, ratios.loc[name], intervals.get(name)) for name in names],
        reference=1.0,
        log=True,
    )
    left.set_xlabel("Hazard ratio (log scale)")
    left.set_title("Effect")
    unit = first_unit(means)
    draw_forest(
        middle,
        [_row(name, means.loc[name]) if name in means.index else ForestRow("") for name in names],
        reference=0.0,
        labels=False,
    )
    horizon = f" to {means['time'].iloc[0]:g} {unit}" if len(means) else ""
    middle.set_xlabel(f"Difference ({unit})")
    middle.set_title(f"Restricted mean{horizon}")
    benefit = ratios["probability_of_benefit"].to_numpy(dtype=float)
    rows = np.arange(len(names))
    right.plot(benefit, rows, "o", color=POSTERIOR, markersize=5, clip_on=False)
    right.hlines(rows, 0, benefit, color=POSTERIOR, linewidth=0.8)
    for row, value in zip(rows, benefit, strict=True):
        right.text(0.02, row - 0.3, probability(value), fontsize=SMALL, va="center")
    right.set_xlim(0, 1)
    right.set_xticks([0, 0.5, 1], labels=["0", "0.5", "1"])
    right.set_ylim(len(names) - 0.4, -0.6)
    right.set_yticks(rows, labels=names if narrow() else [""] * len(names))
    right.set_xlabel("Probability")
    right.set_title("P(benefit)")
    quiet(right, left=False)
    heights = positions([ForestRow(wrapped(words(name), 18)) for name in names])
    for axes, table in ((left, ratios), (middle, means)):
        for row, name in zip(heights, names, strict=True):
            if name in table.index:
                text = interval(*estimate_of(table.loc[name]), ratio=axes is left)
                axes.text(
                    1.0 if narrow() else 0.0,
                    row - 0.85 if narrow() else row + 0.34,
                    text,
                    transform=axes.get_yaxis_transform(),
                    ha="right" if narrow() else "left",
                    fontsize=SMALL,
                    va="center",
                    color="#333333",
                    bbox=BACKED,
                )
    return figure


def _row(name: str, row: pd.Series, behind: tuple[float, float] | None = None) -> ForestRow:
    return ForestRow(wrapped(words(name), 18), *estimate_of(row), behind=behind)
