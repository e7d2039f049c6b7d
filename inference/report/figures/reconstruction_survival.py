"""Survival of reconstructed cohorts by arm, with the printed points and medians on top."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from inference.report.figures.style import ARM_COLOURS, OBSERVED, SMALL, WIDTH, beside, quiet, style
from inference.report.figures.wording import time_label, wrapped

CAPTION = (
    "Thin steps are the Kaplan-Meier curves of the cohorts of pseudo-patients, one line each. Black dots are the printed "
    "survival probabilities, black bars the printed medians with their 95 % intervals. The curves were made to pass "
    "near the dots; how near, the figure of the distances says. Between them, and after the last, they differ as far as print lets them."
)
TITLES = {"before": "Before matching", "after": "After matching"}


@style()
def reconstruction_survival_figure(
    curves: pd.DataFrame, printed: pd.DataFrame, time_unit: str, labels: Mapping[str, str]
) -> Figure:
    """Return the curves of all cohorts, one panel for each phase.

    Parameters
    ----------
    curves : DataFrame
        ``phase, arm, cohort, time, survival``, from `inference.published.cohort_differences.ensemble_curves`.
    printed : DataFrame
        ``phase, arm, kind, time, lower, upper, survival``, from `inference.published.cohort_differences.printed_points`.
    time_unit : str
    labels : mapping of str to str
        Of the arms, "treated" and "control".
    """
    phases = [phase for phase in TITLES if (curves["phase"] == phase).any()]
    cohorts = curves["cohort"].nunique()
    figure, panels = beside(3.3, len(phases), WIDTH if len(phases) > 1 else 0.6 * WIDTH, sharey=True)
    for axes, phase in zip(panels, phases, strict=True):
        for arm, colour in ARM_COLOURS.items():
            own = curves[(curves["phase"] == phase) & (curves["arm"] == arm)]
            for _, curve in own.groupby("cohort"):
                axes.step(
                    curve["time"], curve["survival"], where="post", color=colour,
                    linewidth=0.6, alpha=max(0.12, min(0.7, 6 / cohorts)),
                )  # fmt: skip
            points = printed[(printed["phase"] == phase) & (printed["arm"] == arm)]
            dots = points[points["kind"] == "survival"]
            axes.plot(dots["time"], dots["survival"], "o", color=OBSERVED, markersize=3.5, zorder=4)
            for place, row in enumerate(points[points["kind"] == "median"].itertuples()):
                height = 0.5 + 0.012 * (1 if arm == "treated" else -1) + 0.02 * place
                axes.hlines(height, row.lower, row.upper, color=OBSERVED, linewidth=1.1, zorder=4)
                axes.plot(row.time, height, "|", color=OBSERVED, markersize=7, zorder=4)
        axes.set_title(TITLES[phase] if len(phases) > 1 else "")
        axes.set_xlim(0, curves["time"].max())
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel(time_label(time_unit))
        quiet(axes)
    panels[0].set_ylabel("Survival (Kaplan-Meier)")
    texts = [(labels[arm], colour) for arm, colour in ARM_COLOURS.items()]
    texts += [(f"{cohorts} cohorts of pseudo-patients; black: printed", OBSERVED)]
    for row, (text, colour) in enumerate(texts):
        panels[-1].text(
            0.98, 0.97 - 0.07 * row, wrapped(text, 60), transform=panels[-1].transAxes,
            fontsize=SMALL, color=colour, ha="right", va="top",
        )  # fmt: skip
    return figure
