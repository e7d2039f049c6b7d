"""Tables of effects: by model and adjustment, by population, by arm, and of every estimand."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from inference.report.content import FIT_COLUMNS, Report, card_id, companion, estimand_row, fit_rows, fits
from inference.report.exposure_words import since
from inference.report.figures.wording import POPULATION_NAMES, capitalised, words
from inference.report.numbers import number
from inference.report.sentences import horizon_of
from inference.report.table import (
    LONG,
    NUMBER,
    PERCENT,
    PROBABILITY,
    RATIO,
    SHARE,
    SHORT,
    SPAN,
    TEXT,
    Column,
    Table,
    heading,
    numbers_of,
)
from inference.report.vocabulary import vocabulary

POPULATIONS = ("all", "treated", "overlap", "matched")
BENEFIT = "probability_of_benefit"


def arm_name(arm: object, report: Report) -> str:
    """Return the label of an arm as the study file names it."""
    return report.study.treatment.labels.get(
        str(arm), "Both arms" if pd.isna(arm) or not str(arm) else str(arm)
    )


def arms_table(report: Report) -> Table:
    """Return patients, events and follow-up by arm."""
    said = vocabulary(report.study)
    titles = {
        "patients": capitalised(said.patients),
        "events": capitalised(said.events),
        "median_follow_up": f"Median follow-up, {report.study.time_unit} (reverse Kaplan-Meier)",
    }
    columns = [Column(title, NUMBER, name) for name, title in titles.items() if name in report.arms]
    frame = report.arms.assign(arm=[arm_name(arm, report) for arm in report.arms["arm"]])
    return Table("arms", f"The {said.patients}", (Column("Arm", TEXT, "arm"), *columns), frame)


def effects_table(report: Report) -> Table:
    """Return the effect under each fit, the main one first: hazard ratios and difference in restricted mean."""
    estimands = report.estimands
    naming, unit, to = _naming(estimands), report.study.time_unit, _to_horizon(report)
    cards, rows = {table.id for section in report.sections for table in section.tables}, []
    for position, fit in enumerate(fits(estimands, report.main)):
        of_fit = fit_rows(estimands, fit)
        own = _own_population(of_fit)
        hazard = estimand_row(of_fit, "hazard_ratio", own or "conditional")
        row = {column: heading(words(fit[column])) for column in naming}
        for column in naming:
            card = card_id(column, fit[column])
            row[f"{column}_card"] = f"table-{card}" if card in cards else ""
        whose = POPULATION_NAMES[own] if own and own != "all" else ""
        row |= {"mark": "" if position else "main"}
        row |= _contrast(hazard, "hazard", "marginal" if own else "")
        row |= _contrast(estimand_row(of_fit, "marginal_hazard_ratio", own or "all"), "average", whose)
        row |= _contrast(estimand_row(of_fit, "rmst_difference", own or "all"), "mean", whose)
        if hazard is None and (of_fit["estimand"] == "hazard_ratio").any():
            row["hazard_note"] = "varies, see every estimand"
        rows.append(row)
    columns = (
        *(Column(heading(column), TEXT, column, link=f"{column}_card") for column in naming),
        Column("Hazard ratio, conditional (95 %)", RATIO, "hazard"),
        Column("P(benefit)", PROBABILITY, "hazard_benefit"),
        Column(f"Average hazard ratio{to} (95 %)", RATIO, "average"),
        Column("P(benefit)", PROBABILITY, "average_benefit"),
        Column(f"RMST difference{to}, {unit} (95 %)", SPAN, "mean"),
        Column("P(benefit)", PROBABILITY, "mean_benefit"),
    )
    caption = (
        "Effect of treatment under each baseline hazard and adjustment; averages are over all patients where no population is named, and the main "
        "fit is marked"
    )
    return Table("effects", caption, columns, pd.DataFrame(rows), "mark")


def _own_population(of_fit: pd.DataFrame) -> str:
    """Return the one population that the hazard ratio of weights or pairs is of; empty for a fit that conditions on covariates."""
    found = set(of_fit.loc[of_fit["estimand"] == "hazard_ratio", "population"])
    return str(found.pop()) if len(found) == 1 and found != {"conditional"} else ""


def _naming(estimands: pd.DataFrame) -> list[str]:
    return [c for c in FIT_COLUMNS if c in ("baseline", "adjustment") or estimands[c].nunique() > 1]


def _contrast(row: pd.Series | None, name: str, remark: str = "") -> dict[str, Any]:
    """Return a contrast and its probability of benefit under a name; the remark stands beside a number alone, not beside the reason why there is none."""
    found = numbers_of(row, name) | {f"{name}_benefit": None if row is None else row[BENEFIT]}
    if row is not None and pd.notna(found[name]):
        found[f"{name}_note"] = ", ".join(filter(None, [found[f"{name}_note"], remark]))
    return found


def _to_horizon(report: Report) -> str:
    horizon = horizon_of(report.estimands)
    return f" to {number(horizon)} {report.study.time_unit}" if horizon else ""


def populations_table(report: Report) -> Table:
    """Return the difference in restricted mean of every fit, averaged over each population."""
    estimands = report.estimands
    populations = [name for name in POPULATIONS if name in set(estimands["population"])]
    rows = []
    for position, fit in enumerate(fits(estimands, report.main)):
        of_fit = fit_rows(estimands, fit)
        row = {"fit": fit_name(fit, estimands), "mark": "" if position else "main"}
        for name in populations:
            row |= numbers_of(estimand_row(of_fit, "rmst_difference", name), name)
        rows.append(row)
    columns = (
        Column("Fit", TEXT, "fit"),
        *(Column(heading(POPULATION_NAMES[name]), SPAN, name) for name in populations),
    )
    caption = f"Difference in restricted mean{_to_horizon(report)}, by population, in {report.study.time_unit} (95 % interval)"
    return Table("populations", caption, columns, pd.DataFrame(rows), "mark")


def fit_name(fit: Mapping[str, str], estimands: pd.DataFrame) -> str:
    """Return a fit in words: baseline and adjustment, and whatever else differs between the fits."""
    return heading(", ".join(words(fit[column]) for column in _naming(estimands)))


def outcomes_table(report: Report) -> Table:
    """Return survival, restricted mean and median by arm, of the main fit and its companion."""
    unit, said = report.study.time_unit, vocabulary(report.study)
    rows = []
    for fit in [dict(report.main), *filter(None, [companion(report)])]:
        of_fit = fit_rows(report.estimands, fit)
        for quantity in ("survival", "rmst", "median"):
            listed = of_fit[(of_fit["estimand"] == f"{quantity}_treated") & (of_fit["population"] == "all")]
            for time in listed["time"]:
                at = None if pd.isna(time) else float(time)
                row: dict[str, Any] = {
                    "quantity": quantity_name(quantity, at, unit, said.outcome),
                    "adjustment": heading(words(fit["adjustment"])),
                    "kind": PERCENT if quantity == "survival" else SPAN,
                    "mark": "main" if fit == report.main else "",
                }
                for part in ("treated", "control", "difference"):
                    row |= _contrast(estimand_row(of_fit, f"{quantity}_{part}", "all", at), part)
                rows.append(row)
    treatment = report.study.treatment
    columns = (
        Column("Quantity", TEXT, "quantity"),
        Column("Adjustment", TEXT, "adjustment"),
        Column(f"{treatment.treated_label} (95 %)", SPAN, "treated", kinds="kind"),
        Column(f"{treatment.control_label} (95 %)", SPAN, "control", kinds="kind"),
        Column("Difference (95 %)", SPAN, "difference", kinds="kind"),
        Column("P(benefit)", PROBABILITY, "difference_benefit"),
    )
    caption = (
        f"Averages over all {said.patients}, had everybody been in the one arm{since(report.main['exposure'], unit)} or in the other; "
        f"means are restricted{_to_horizon(report)}, differences of percentages are percentage points"
    )
    return Table("outcomes", caption, columns, pd.DataFrame(rows), "mark")


def quantity_name(quantity: str, time: float | None, unit: str, outcome: str = "survival") -> str:
    """Return a quantity in words with its time and unit; `outcome` is what is survived."""
    at = "" if time is None or pd.isna(time) else f"{number(time)} {unit}"
    names = {
        "survival": f"{capitalised(outcome)} at {at}, %",
        "rmst": f"Mean {outcome}, {unit}",
        "rmst_difference": f"Difference in mean {outcome}, {unit}",
        "median": f"Median {outcome}, {unit}",
    }
    return names.get(quantity, heading(quantity) + (f" at {at}" if at else ""))


def estimands_tables(report: Report) -> list[Table]:
    """Return every estimand of every fit, one table a fit, with Monte Carlo errors and convergence."""
    return [
        _estimands_of(fit, position, report)
        for position, fit in enumerate(fits(report.estimands, report.main))
    ]


def _estimands_of(fit: dict[str, str], position: int, report: Report) -> Table:
    of_fit = fit_rows(report.estimands, fit)
    subgroups = of_fit["subgroup"].fillna("").astype(str)
    kinds = {"ratio": RATIO, "probability": SHARE}
    frame = of_fit.assign(
        subgroup=subgroups,
        estimand=of_fit["estimand"].map(heading),
        population=of_fit["population"].map(lambda name: POPULATION_NAMES.get(str(name), str(name))),
        kind=[kinds.get(str(unit), SPAN) for unit in of_fit["unit"]],
        ess_bulk=of_fit["ess_bulk"].round(),
        ess_tail=of_fit["ess_tail"].round(),
    )
    columns = (
        Column("Estimand", TEXT, "estimand"),
        Column("Population", TEXT, "population"),
        *([Column("Subgroup", TEXT, "subgroup")] if (subgroups != "").any() else []),
        Column(f"Time, {report.study.time_unit}", NUMBER, "time"),
        Column("Median (95 %)", SPAN, "median", kinds="kind"),
        Column("Unit", TEXT, "unit"),
        Column("Mean", NUMBER, "mean"),
        Column("SD", SHORT, "sd"),
        Column("P(benefit)", PROBABILITY, BENEFIT),
        Column("MCSE", SHORT, "mcse"),
        Column("Bulk ESS", NUMBER, "ess_bulk"),
        Column("Tail ESS", NUMBER, "ess_tail"),
        Column("R-hat", LONG, "rhat"),
    )
    caption = f"Every estimand of the fit {fit_name(fit, report.estimands)}"
    if report.cohorts > 1:
        caption += "; Monte Carlo errors (MCSE) hold the chance of drawing these cohorts and no others, effective sample sizes are of the chains alone"
    return Table(f"estimands-{position}", caption, columns, frame)
