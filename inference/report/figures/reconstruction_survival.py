"""Survival of reconstructed cohorts by arm, with the printed points and medians on top."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from inference.report.figures.axes import survival_axis
from inference.report.figures.risk_table import Followed, above_tables, followed_patients, table_below
from inference.report.figures.style import ARM_COLOURS, OBSERVED, SMALL, WIDTH, quiet, style
from inference.report.figures.wording import time_label, wrapped

CAPTION = (
    "Thin steps are the Kaplan-Meier curves of the cohorts of pseudo-patients, one line each. Black dots are the printed "
    "survival probabilities, black bars the printed medians with their 95 % intervals. The curves were made to pass "
    "near the dots; how near, the figure of the distances says. Between them, and after the last, they differ as far as print lets them. Numbers below are "
    "means over the cohorts."
)
TITLES = {"before": "Before matching", "after": "After matching"}


@style()
def reconstruction_survival_figure(
    curves: pd.DataFrame,
    printed: pd.DataFrame,
    followed: Mapping[str, Mapping[str, Followed]],
    time_unit: str,
    labels: Mapping[str, str],
) -> Figure:
    """Return the curves of all cohorts with mean numbers at risk, one panel for each phase.

    Parameters
    ----------
    curves : DataFrame
        ``phase, arm, cohort, time, survival``, from `inference.published.cohort_differences.ensemble_curves`.
    printed : DataFrame
        ``phase, arm, kind, time, lower, upper, survival``, from `inference.published.cohort_differences.printed_points`.
    followed : mapping
        By phase and arm: of all cohorts, of which numbers are means.
    time_unit : str
    labels : mapping of str to str
        Of the arms, "treated" and "control".
    """
    phases = [phase for phase in TITLES if (curves["phase"] == phase).any()]
    cohorts = curves["cohort"].nunique()
    figure, panels = above_tables(3.0, 8, len(phases), WIDTH if len(phases) > 1 else 0.6 * WIDTH)
    for (axes, table), phase in zip(panels, phases, strict=True):
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
        first = phase == phases[0]
        table_below(axes, table, float(curves["time"].max()), followed[phase], labels, width=44, named=first)
        survival_axis(axes)
        axes.set_xlabel(time_label(time_unit))
        quiet(axes)
    last = panels[-1][0]
    panels[0][0].set_ylabel("Survival (Kaplan-Meier)")
    texts = [(wrapped(labels[arm], 60), colour) for arm, colour in ARM_COLOURS.items()]
    texts += [(f"{cohorts} cohorts of pseudo-\npatients; black: printed", OBSERVED)]
    for row, (text, colour) in enumerate(texts):
        last.text(
            0.98, 0.97 - 0.07 * row, text, transform=last.transAxes,
            fontsize=SMALL, color=colour, ha="right", va="top",
        )  # fmt: skip
    return figure


def followed_by_phase(patients: pd.DataFrame) -> dict[str, dict[str, Followed]]:
    """Return the times of the pseudo-patients of all cohorts by phase and arm, of which numbers at risk are means."""
    phases = {"before": np.ones(len(patients), dtype=bool), "after": patients["matched"] == 1}
    count, treated = patients["cohort"].nunique(), patients["treatment"] == 1
    return {
        phase: {
            arm: followed_patients(patients[inside & own], count)
            for arm, own in (("treated", treated), ("control", ~treated))
        }
        for phase, inside in phases.items()
    }
