"""How near reconstructed cohorts come to every printed number."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.style import (
    OBSERVED,
    POSTERIOR,
    REFERENCE_LINE,
    SMALL,
    WARNING,
    canvas,
    narrow,
    quiet,
    style,
)
from inference.report.figures.wording import wrapped

CAPTION = (
    "Each dot is one printed number in one cohort of pseudo-patients: how far the cohort is from print, in units of the "
    "tolerance stated for that kind of number. The grey band holds what is within tolerance; where only a bound is "
    "printed, everything inside it is 0. The right column names the number that is farthest off."
)

LIMIT = 1.6  # dots beyond are drawn at the edge
BIN = 0.04  # dots of one bin are stacked


@style()
def reconstruction_targets_figure(targets: pd.DataFrame) -> Figure:
    """Return the deviations from print by family of targets.

    Parameters
    ----------
    targets : DataFrame
        ``target, family, printed, tolerance, cohort, value, z`` of a reconstruction.
    """
    families = list(targets["family"].drop_duplicates())
    figure = canvas((0.5 if narrow() else 0.36) * len(families) + 0.9)
    axes, names = figure.subplots(1, 2, sharey=True, width_ratios=[1, 1] if narrow() else [3, 2])
    axes.axvspan(-1, 1, color="#EEEEEE", linewidth=0)
    axes.axvline(0, color=REFERENCE_LINE, linewidth=0.6)
    labels = []
    for row, family in enumerate(families):
        of_family = targets[targets["family"] == family]
        z = of_family["z"].to_numpy()
        place = np.clip(z, -LIMIT, LIMIT)
        height = row + 0.38 - 0.76 * _stacked(place)
        colours = np.where(np.abs(z) > 1, WARNING, POSTERIOR)
        axes.scatter(place, height, s=2.5, c=colours, linewidths=0, rasterized=True)
        count = of_family["target"].nunique()
        labels.append(wrapped(f"{family} ({count})", 16 if narrow() else 40))
        worst = of_family.loc[of_family["z"].abs().idxmax()]
        text = "all exact" if np.all(z == 0) and (of_family["tolerance"] == 0.5).all() else None
        text = text or (
            "all within the bound" if np.all(z == 0) else f"{worst['target']}: {signed(worst['z'])}"
        )
        names.text(0, row, wrapped(text, 30 if narrow() else 52), fontsize=6, va="center", color=OBSERVED)
    axes.set_yticks(range(len(families)), labels=labels)
    axes.set_ylim(len(families) - 0.4, -0.6)
    axes.set_xlim(-LIMIT - 0.1, LIMIT + 0.1)
    axes.set_xlabel("(cohort − printed) / tolerance")
    axes.set_title(f"{targets['cohort'].nunique()} cohorts of pseudo-patients against print")
    names.set_title("Farthest", fontsize=SMALL)
    names.set_axis_off()
    quiet(axes, left=False)
    return figure


def signed(z: float) -> str:
    """Return a deviation with its sign."""
    return f"{z:+.2f}".replace("-", "−")


def _stacked(place: np.ndarray) -> np.ndarray:
    """Return heights from 0 to 1: dots of one bin stand on each other, the highest bin fills the row."""
    bins = np.round(place / BIN).astype(int)
    heights = np.zeros(len(place))
    counts = pd.Series(bins).groupby(bins).cumcount().to_numpy()
    highest = max(counts.max(initial=0), 8)
    heights[:] = counts / highest
    return heights
