"""The survival figures of a paper on pseudo-patients: curves of every cohort, and the points that the paper prints."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from data.published.evidence import Evidence
from data.published.printed import Printed
from inference.published.reanalysis.lines import PHASE_WORDS, PseudoPatients
from inference.published.reanalysis.normal_median import GroupCurve
from inference.published.reanalysis.subgroup_lines import members

CURVE_COLUMNS = pd.Index(["figure", "panel", "group", "cohort", "time", "survival"])
POINT_COLUMNS = pd.Index(["figure", "panel", "group", "kind", "time", "lower", "upper", "survival"])
GRID_POINTS = 240


def cohort_curves(pseudo: PseudoPatients, evidence: Evidence, end: float) -> pd.DataFrame:
    """Return the Kaplan-Meier curves of one cohort: by arm, by subgroup and arm, by group without printed size.

    Parameters
    ----------
    pseudo : PseudoPatients
    evidence : Evidence
    end : float
        Last time of the figures, the same for all cohorts.

    Returns
    -------
    DataFrame
        ``figure`` ("arms" or the name of an analysis)``, panel, group, cohort, time, survival``; each curve to the last
        time of its pseudo-patients.
    """
    grid = np.linspace(0, end, GRID_POINTS)
    parts = []
    for figure, panel, group, inside in curve_groups(pseudo, evidence):
        time, event = pseudo.cohort.time[inside], pseudo.cohort.event[inside]
        if not len(time):
            continue
        shown = grid[grid <= time.max()]
        named = {"figure": figure, "panel": panel, "group": group, "cohort": pseudo.number}
        parts.append(pd.DataFrame({**named, "time": shown, "survival": GroupCurve(time, event).at(shown)}))
    return pd.concat(parts, ignore_index=True)[CURVE_COLUMNS]


def curve_groups(pseudo: PseudoPatients, evidence: Evidence) -> Iterator[tuple[str, str, str, np.ndarray]]:
    """Yield figure, panel, group and its members for every curve."""
    for phase in evidence.phases:
        for arm in ("treated", "control"):
            yield "arms", PHASE_WORDS[phase], arm, pseudo.inside(phase, arm)
    for row in evidence.subgroups:
        inside = members(pseudo, evidence, row)
        if inside is not None:
            yield (row.analysis, *_panel(evidence, row.subgroup, row.arm), inside)


def _panel(evidence: Evidence, subgroup: str, arm: str) -> tuple[str, str]:
    """Return panel and group: arms within a subgroup that a covariate marks, else the groups in one panel."""
    return (subgroup, arm) if subgroup in evidence.names.subgroups.columns else ("", subgroup)


def curve_points(evidence: Evidence) -> pd.DataFrame:
    """Return the printed survival probabilities and medians.

    Returns
    -------
    DataFrame
        ``figure, panel, group, kind`` ("survival" or "median")``, time, lower, upper`` (ends of a median's interval, else the
        time itself)``, survival`` (a share; one half for a median).
    """
    rows = []
    for row in evidence.survival:
        if row.arm not in ("treated", "control"):
            continue
        place = ("arms", PHASE_WORDS[row.phase], row.arm)
        if row.time is not None:
            share = row.number.value / 100 if row.number.unit == "percent" else row.number.value
            rows.append((*place, "survival", row.time, row.time, row.time, share))
        elif row.quantity == "median_os":
            rows.append((*place, *_median(row.number)))
    rows += [
        (row.analysis, *_panel(evidence, row.subgroup, row.arm), *_median(row.median))
        for row in evidence.subgroups
    ]
    return pd.DataFrame(rows, columns=POINT_COLUMNS)


def _median(number: Printed) -> tuple[str, float, float, float, float]:
    lower, upper = number.interval or (number.value, number.value)
    return "median", number.value, lower, upper, 0.5
