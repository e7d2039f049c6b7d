"""Tables of a replication: what a paper prints beside what pseudo-patients give."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from data.published.evidence import Evidence
from inference.published.reanalysis.baseline_lines import COUNTS, TESTS, count_name, p_name, variables_with_p
from inference.published.reanalysis.cox_lines import FAMILY as COX
from inference.published.reanalysis.cox_lines import row_name
from inference.published.reanalysis.lines import PHASE_WORDS, arm_words
from inference.report.numbers import MISSING, number
from inference.report.table import Cell, Column, Row, Table, sort_key

SMALL_P = 1e-4
type Lines = Mapping[tuple[str, str], pd.Series]


def indexed(summary: pd.DataFrame) -> dict[tuple[str, str], pd.Series]:
    """Return the rows of a summary by family and line."""
    return {(str(row["family"]), str(row["line"])): row for _, row in summary.iterrows()}


def written(value: float, printed: str, unit: str) -> str:
    """Return a computed number with the digits of the printed one; small P values as bounds.

    Examples
    --------
    >>> written(57.1714, "57.2", "months"), written(0.00002, "<0.001", "P"), written(151.25, "135", "pairs")
    ('57.2', '< 0.0001', '151.2')
    """
    if math.isnan(value) or math.isinf(value):
        return number(value)
    if unit == "P":
        if value < SMALL_P:
            return "< 0.0001"
        return f"{value:.2g}" if value < 0.001 else f"{value:.3f}"
    decimals = len(printed.partition(".")[2]) if printed else 3
    if decimals == 0 and not float(value).is_integer():
        decimals = 1
    return f"{value:.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def range_words(row: pd.Series) -> str:
    """Return the range over cohorts, one number where all agree."""
    low, high = (
        written(float(row[name]), row["printed"], row["unit"]) for name in ("computed_low", "computed_high")
    )
    return low if low == high else f"{low} to {high}"


def lines_table(name: str, caption: str, summary: pd.DataFrame) -> Table:
    """Return lines one below the other: printed, mean and range over cohorts, share of cohorts that would print the same."""
    rows = []
    for _, row in summary.iterrows():
        mean = float(row["computed_mean"])
        agreeing = float(row["agreeing"])
        cells = (
            Cell(str(row["line"])),
            Cell(str(row["printed"]) or MISSING),
            Cell(written(mean, row["printed"], row["unit"]), sort_key(mean)),
            Cell(range_words(row)),
            Cell(str(row["unit"])),
            Cell(MISSING if math.isnan(agreeing) else f"{100 * agreeing:.0f} %", sort_key(agreeing)),
        )
        rows.append(Row(cells, "warn" if outside(row) else ""))
    headings = (
        Column("Number", wide=True),
        Column("Printed", numeric=True),
        Column("Pseudo-patients, mean", numeric=True),
        Column("Range over cohorts"),
        Column("Unit"),
        Column("Cohorts that would print the same", numeric=True),
    )
    return Table(name, caption, headings, tuple(rows))


def outside(row: pd.Series, share: float = 0.05) -> bool:
    """Return whether print lies outside the range over cohorts, by more than a share of it and more than its rounding."""
    text = str(row["printed"])
    try:
        printed = float(text.lstrip("<"))
    except ValueError:
        return False
    if text.startswith("<"):
        return bool(row["computed_low"] > printed)
    half_digit = 0.5 * 10.0 ** -len(text.partition(".")[2])
    nearest = min(max(printed, float(row["computed_low"])), float(row["computed_high"]))
    return bool(abs(nearest - printed) > max(share * abs(printed), half_digit))


def baseline_table(evidence: Evidence, lines: Lines) -> Table:
    """Return Table 1 of the paper on pseudo-patients: counts by arm and phase, and P values, printed and computed."""
    phases = evidence.phases
    columns = [(arm, phase) for phase in phases for arm in ("treated", "control")]
    tested = {(name, phase): listed for (name, phase), listed in variables_with_p(evidence).items()}
    by_level: dict[tuple[str, str], dict[tuple[str, str], Cell]] = {}
    for row in evidence.counts:
        if row.level != "n":
            found = lines[COUNTS, count_name(evidence, row)]
            by_level.setdefault((row.variable, row.level), {})[row.arm, row.phase] = _count_cell(found)
    rows, told = [], set()
    for (variable, level), cells in by_level.items():
        name = variable if (variable, phases[0]) in tested else f"{variable}, {level}"
        first = name not in told
        told.add(name)
        p_cells = [
            cell
            for phase in phases
            for cell in (_p_cells(lines, name, phase) if first else (Cell(""), Cell("")))
        ]
        rows.append(
            Row(
                (
                    Cell(variable),
                    Cell(level),
                    *(cells.get(column, Cell(MISSING)) for column in columns),
                    *p_cells,
                )
            )
        )
    headings = (
        Column("Variable"),
        Column("Level"),
        *(Column(f"{arm_words(evidence, arm)} {PHASE_WORDS[phase]}", numeric=True) for arm, phase in columns),
        *(
            Column(f"P {PHASE_WORDS[phase]}, {what}", numeric=True)
            for phase in phases
            for what in ("printed", "chi-square")
        ),
    )
    caption = (
        "Table 1 of the publication on pseudo-patients: counts (those that differ from print say so), and the P values of a "
        "chi-square test of two unpaired arms beside the printed ones"
    )
    return Table("replicated-baseline", caption, headings, tuple(rows))


def _count_cell(row: pd.Series) -> Cell:
    mean, low, high = (float(row[name]) for name in ("computed_mean", "computed_low", "computed_high"))
    printed = float(row["printed"])
    if low == high == printed:
        return Cell(f"{printed:.0f}", printed)
    return Cell(f"{mean:.1f} (printed {printed:.0f})", mean)


def _p_cells(lines: Lines, name: str, phase: str) -> tuple[Cell, Cell]:
    row = lines.get((TESTS, p_name(name, phase, "chi-square")))
    if row is None:
        return Cell(MISSING), Cell(MISSING)
    mean = float(row["computed_mean"])
    return Cell(str(row["printed"]) or MISSING), Cell(written(mean, row["printed"], "P"), sort_key(mean))


def cox_table(evidence: Evidence, lines: Lines) -> Table:
    """Return Table 2 of the paper on pseudo-patients: hazard ratios, intervals and P values, printed and computed."""
    rows = []
    for printed in evidence.cox:
        name = row_name(printed)
        p = lines.get((COX, f"{name}, P"))
        if p is None:
            continue  # a reference level
        ratio = [lines.get((COX, f"{name}, {what}")) for what in ("hazard ratio", "lower end", "upper end")]
        differs = any(one is not None and outside(one) for one in ratio)
        rows.append(
            Row(
                (
                    Cell(printed.model.replace("_text", " (text)")),
                    Cell(name.partition(", ")[2]),
                    Cell(_interval(str(one["printed"]) for one in ratio if one is not None)),
                    Cell(
                        _interval(
                            written(float(one["computed_mean"]), str(one["printed"]), "")
                            for one in ratio
                            if one is not None
                        )
                    ),
                    Cell(range_words(ratio[0]) if ratio[0] is not None else MISSING),
                    Cell(str(p["printed"]) or MISSING),
                    Cell(
                        written(float(p["computed_mean"]), str(p["printed"]), "P"),
                        sort_key(p["computed_mean"]),
                    ),
                ),
                "warn" if differs else "",
            )
        )
    headings = (
        Column("Model"),
        Column("Term", wide=True),
        Column("Printed hazard ratio (95 %)"),
        Column("Pseudo-patients, mean (95 %)"),
        Column("Range of the hazard ratio"),
        Column("Printed P"),
        Column("Mean P", numeric=True),
    )
    caption = (
        "Table 2 of the publication on pseudo-patients (Cox, Efron ties; mean over cohorts of estimate and interval). Marked "
        "rows: print is more than 5 % outside the range of all cohorts"
    )
    return Table("replicated-cox", caption, headings, tuple(rows))


def _interval(texts: Iterable[str]) -> str:
    listed = list(texts)
    if not listed:
        return MISSING
    return listed[0] if len(listed) < 3 else f"{listed[0]} ({listed[1]} to {listed[2]})"
