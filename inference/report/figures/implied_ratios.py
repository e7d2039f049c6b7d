"""Hazard ratios that medians or survival of two groups imply, series by series, and not pooled."""

import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.forest import ForestRow, forest_figure
from inference.report.figures.style import COMPARATOR, style
from inference.report.figures.wording import estimate_of, interval, wrapped

CAPTION = (
    "Hazard ratios that the printed medians or survival probabilities of two groups imply if hazards are constant; the "
    "intervals follow from the printed P values. Every row compares something else, so there is no pooled row. These are "
    "effects of drugs in patients with brain metastases, not the effect of radiotherapy; only randomised rows compare "
    "like with like."
)


@style()
def implied_ratios_figure(ratios: pd.DataFrame) -> Figure:
    """Return a forest of implied hazard ratios.

    Parameters
    ----------
    ratios : DataFrame
        ``study, treatment, comparator, hazard_ratio, lower, upper``; rows without a ratio are left out, an interval may
        be missing.
    """
    shown = ratios[ratios["hazard_ratio"].notna()]
    rows = []
    for _, ratio in shown.iterrows():
        numbers = estimate_of(ratio, "hazard_ratio")
        written = interval(*numbers, ratio=True) if pd.notna(ratio["lower"]) else f"{numbers[0]:.2f}"
        label = f"{ratio['study']}: {ratio['treatment']} against {ratio['comparator']}"
        rows.append(
            ForestRow(wrapped(label, 46), *numbers, colour=COMPARATOR, marker="s", columns=(written,))
        )
    return forest_figure(
        rows,
        "Implied hazard ratio of death (below 1: longer survival)",
        reference=1.0,
        log=True,
        headers=("Implied hazard ratio (95 %)",),
        widths=(130,),
        around=0.9,
    )
