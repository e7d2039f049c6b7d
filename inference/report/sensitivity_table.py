"""The effect under each prior set, with the power scaling of prior and likelihood."""

from inference.report.content import Report
from inference.report.numbers import lone_ratio, number
from inference.report.table import PROBABILITY, RATIO, SENTENCE, SHORT, SPAN, TEXT, Column, Table
from inference.report.vocabulary import vocabulary


def sensitivity_table(report: Report) -> Table | None:
    """Return the effect under each prior set, the main one marked; None where it was not computed."""
    frame = report.sensitivity
    if frame is None or frame.empty:
        return None
    unit, horizon = str(frame["unit"].iloc[0]), float(frame["horizon"].iloc[0])
    columns = (
        Column("Prior set", TEXT, "prior_set"),
        Column("Hazard ratio, conditional (95 %)", RATIO, "hazard_ratio"),
        Column("Without feedback (cut)", RATIO, "cut_hazard_ratio"),
        Column("P(benefit)", PROBABILITY, "probability_of_benefit"),
        Column(f"RMST difference to {number(horizon)} {unit}, {unit} (95 %)", SPAN, "rmst_difference"),
        Column("Sensitivity to the prior", SHORT, "prior_sensitivity"),
        Column("Sensitivity to the likelihood", SHORT, "likelihood_sensitivity"),
        Column("Reading", SENTENCE, "diagnosis"),
        Column("Prior of the log hazard ratio, and why", SENTENCE, "why"),
    )
    shown = frame.assign(
        why=frame["prior"] + ". " + frame["reason"],
        mark=["main" if name == report.main["prior_set"] else "" for name in frame["prior_set"]],
    )
    caption = (
        f"The main model under each prior set, with the same {vocabulary(report.study).patients}. Sensitivities are ArviZ's power "
        "scaling: how far the effect moves when the prior, or the likelihood, counts a little more or "
        "less (below 0.05: hardly)"
    )
    return Table("sensitivity", caption, columns, shown, "mark")


def sensitivity_in_words(report: Report) -> str:
    """Return in how many prior sets the prior of the effect matters, and how; empty where they were not computed."""
    frame = report.sensitivity
    if frame is None or len(frame) < 2:
        return ""
    sets = frame.groupby("diagnosis", sort=False)["prior_set"].agg(", ".join)
    low, high = frame["hazard_ratio"].min(), frame["hazard_ratio"].max()
    said = "; ".join(f"{diagnosis} ({names})" for diagnosis, names in sets.items())
    return f"Between the prior sets the hazard ratio lies between {lone_ratio(low)} and {lone_ratio(high)}. By power scaling {said}."
