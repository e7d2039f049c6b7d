"""Tables of a replication: what a paper prints beside what pseudo-patients give."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from data.published.evidence import Evidence
from inference.published.reanalysis.baseline_lines import COUNTS, TESTS, count_name, p_name, variables_with_p
from inference.published.reanalysis.cox_lines import FAMILY as COX
from inference.published.reanalysis.cox_lines import row_name
from inference.published.reanalysis.lines import PHASE_WORDS, arm_words
from inference.report.numbers import MISSING, number
from inference.report.table import PERCENTAGE, PRINTED, SENTENCE, TEXT, Column, Table

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
    found = [row for _, row in summary.iterrows()]
    frame = summary.assign(
        line=summary["line"].astype(str),
        printed=[str(row["printed"]) or MISSING for row in found],
        computed=[written(float(row["computed_mean"]), row["printed"], row["unit"]) for row in found],
        range=[range_words(row) for row in found],
        mark=["warn" if outside(row) else "" for row in found],
    )
    columns = (
        Column("Number", SENTENCE, "line"),
        Column("Printed", PRINTED, "printed"),
        Column("Pseudo-patients, mean", PRINTED, "computed", by="computed_mean"),
        Column("Range over cohorts", TEXT, "range"),
        Column("Unit", TEXT, "unit"),
        Column("Cohorts that would print the same", PERCENTAGE, "agreeing"),
    )
    return Table(name, caption, columns, frame, "mark")


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
    pairs = [(arm, phase) for phase in phases for arm in ("treated", "control")]
    tested = variables_with_p(evidence)
    by_level: dict[tuple[str, str], dict[str, Any]] = {}
    for row in evidence.counts:
        if row.level != "n":
            found = lines[COUNTS, count_name(evidence, row)]
            by_level.setdefault((row.variable, row.level), {}).update(_count(found, f"{row.arm}_{row.phase}"))
    rows, said = [], set()
    for (variable, level), counted in by_level.items():
        name = variable if (variable, phases[0]) in tested else f"{variable}, {level}"
        tests = [_p_values(lines, name, phase) if name not in said else {} for phase in phases]
        said.add(name)
        rows.append(
            {
                "variable": variable,
                "level": level,
                **counted,
                **{k: v for one in tests for k, v in one.items()},
            }
        )
    frame = pd.DataFrame(rows)
    of_tests = [f"{what}_{phase}" for phase in phases for what in ("printed", "computed")]
    frame = frame.reindex(columns=list(dict.fromkeys([*frame.columns, *of_tests]))).fillna(
        dict.fromkeys(of_tests, "")
    )
    columns = (
        Column("Variable", TEXT, "variable"),
        Column("Level", TEXT, "level"),
        *(
            Column(
                f"{arm_words(evidence, arm)} {PHASE_WORDS[phase]}",
                PRINTED,
                f"{arm}_{phase}",
                f"{arm}_{phase}_mean",
            )
            for arm, phase in pairs
        ),
        *(
            Column(f"P {PHASE_WORDS[phase]}, {words}", PRINTED, f"{what}_{phase}")
            for phase in phases
            for what, words in (("printed", "printed"), ("computed", "chi-square"))
        ),
    )
    caption = (
        "Table 1 of the publication on pseudo-patients: counts (those that differ from print say so), and the P values of a "
        "chi-square test of two unpaired arms beside the printed ones"
    )
    return Table("replicated-baseline", caption, columns, frame)


def _count(row: pd.Series, name: str) -> dict[str, Any]:
    mean, low, high = (float(row[name]) for name in ("computed_mean", "computed_low", "computed_high"))
    printed = float(row["printed"])
    exact = low == high == printed
    return {name: f"{printed:.0f}" if exact else f"{mean:.1f} (printed {printed:.0f})", f"{name}_mean": mean}


def _p_values(lines: Lines, name: str, phase: str) -> dict[str, Any]:
    row = lines.get((TESTS, p_name(name, phase, "chi-square")))
    if row is None:
        return {f"printed_{phase}": MISSING, f"computed_{phase}": MISSING}
    return {
        f"printed_{phase}": str(row["printed"]) or MISSING,
        f"computed_{phase}": written(float(row["computed_mean"]), row["printed"], "P"),
    }


def cox_table(evidence: Evidence, lines: Lines) -> Table:
    """Return Table 2 of the paper on pseudo-patients: hazard ratios, intervals and P values, printed and computed."""
    rows = []
    for printed in evidence.cox:
        name = row_name(printed)
        p = lines.get((COX, f"{name}, P"))
        if p is None:
            continue  # a reference level
        ratio = [lines.get((COX, f"{name}, {what}")) for what in ("hazard ratio", "lower end", "upper end")]
        known = [one for one in ratio if one is not None]
        rows.append(
            {
                "model": printed.model.replace("_text", " (text)"),
                "term": name.partition(", ")[2],
                "printed": _interval(str(one["printed"]) for one in known),
                "computed": _interval(
                    written(float(one["computed_mean"]), str(one["printed"]), "") for one in known
                ),
                "range": range_words(ratio[0]) if ratio[0] is not None else MISSING,
                "printed_p": str(p["printed"]) or MISSING,
                "p": written(float(p["computed_mean"]), str(p["printed"]), "P"),
                "p_mean": float(p["computed_mean"]),
                "mark": "warn" if any(outside(one) for one in known) else "",
            }
        )
    columns = (
        Column("Model", TEXT, "model"),
        Column("Term", SENTENCE, "term"),
        Column("Printed hazard ratio (95 %)", TEXT, "printed"),
        Column("Pseudo-patients, mean (95 %)", TEXT, "computed"),
        Column("Range of the hazard ratio", TEXT, "range"),
        Column("Printed P", TEXT, "printed_p"),
        Column("Mean P", PRINTED, "p", by="p_mean"),
    )
    caption = (
        "Table 2 of the publication on pseudo-patients (Cox, Efron ties; mean over cohorts of estimate and interval). Marked "
        "rows: print is more than 5 % outside the range of all cohorts"
    )
    return Table("replicated-cox", caption, columns, pd.DataFrame(rows), "mark")


def _interval(texts: Iterable[str]) -> str:
    listed = list(texts)
    if not listed:
        return MISSING
    return listed[0] if len(listed) < 3 else f"{listed[0]} ({listed[1]} to {listed[2]})"
