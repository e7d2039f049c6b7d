"""The section on radionecrosis with and without T-DM1, from the series that a study's review cites."""

import pandas as pd

from inference.published.toxicity import MAIN, Toxicity
from inference.report.content import ReportSection
from inference.report.drawings import Draw, drawn_when_asked
from inference.report.figures.toxicity import toxicity_figure
from inference.report.figures.wording import estimate_of
from inference.report.numbers import probability, share
from inference.report.section import Material, Section, figure_of
from inference.report.table import (
    PERCENT,
    PROBABILITY,
    RATIO,
    SENTENCE,
    SHARE,
    TEXT,
    Column,
    Kind,
    Table,
    frame_table,
)

EXPOSURE_WORDS = {
    "none": "without T-DM1",
    "any": "with T-DM1",
    "sequential": "T-DM1 in sequence",
    "concurrent": "T-DM1 at the same time",
}
QUANTITIES = {
    "risk_difference": "risk difference",
    "risk_ratio": "risk ratio",
    "odds_ratio": "odds ratio",
    "number_needed_to_harm": "number needed to harm",
}
CONTRASTS = {
    "drug": "with T-DM1 against without",
    "timing": "T-DM1 at the same time against in sequence",
}
TENTHS = Kind("{:.1f} ({:.1f} to {:.1f})".format, limits=True)
KINDS = {"risk_difference": SHARE, "number_needed_to_harm": TENTHS}


def toxicity_section(toxicity: Toxicity, draw: Draw = drawn_when_asked) -> ReportSection:
    """Return the section on radionecrosis with and without T-DM1."""
    historical = toxicity.evidence.historical
    figure = figure_of(
        draw,
        "toxicity",
        "Radionecrosis with and without T-DM1",
        lambda: toxicity_figure(toxicity.risks, (historical.lower, historical.upper), EXPOSURE_WORDS),
    )
    return ReportSection(
        "toxicity",
        "Radionecrosis after stereotactic radiotherapy with T-DM1",
        (*_findings(toxicity), *_readings(toxicity)),
        (_contrasts(toxicity), _risks(toxicity), _scenarios(toxicity), _priors(toxicity)),
        (figure,),
        _finding(toxicity),
        "paper",
        opens_with=None,
    )


def _finding(toxicity: Toxicity) -> str:
    main = toxicity.contrasts[toxicity.contrasts["scenario"] == MAIN].set_index(["contrast", "quantity"])
    drug = main.loc[("drug", "risk_difference")]
    return (
        f"In small series that were not randomised, T-DM1 goes with a share of radionecrosis that is higher by {share(*estimate_of(drug))}; "
        f"probability that it is higher at all {probability(drug['probability_of_harm'])}."
    )


def _findings(toxicity: Toxicity) -> list[str]:
    main = toxicity.contrasts[toxicity.contrasts["scenario"] == MAIN].set_index(["contrast", "quantity"])
    drug, timing = main.loc[("drug", "risk_difference")], main.loc[("timing", "risk_difference")]
    needed = main.loc[("drug", "number_needed_to_harm")]
    said = (
        f"One more radionecrosis for every {needed['median']:.1f} patients given the drug "
        f"({needed['lower']:.1f} to {needed['upper']:.1f})."
        if pd.notna(needed["median"])
        else "The interval of the difference holds 0, so no number needed to harm is given."
    )
    return [
        "In a typical series T-DM1 goes with a risk of radionecrosis that is higher by "
        f"{share(*estimate_of(drug))} (95 %; difference of shares); the probability that it is higher at all is "
        f"{probability(drug['probability_of_harm'])}. {said} Whether drug and radiotherapy are given together or in "
        f"sequence: a difference of {share(*estimate_of(timing))}, probability of more harm when together "
        f"{probability(timing['probability_of_harm'])}"
        + ("; the series are too small to tell." if timing["lower"] < 0 < timing["upper"] else "."),
        "These are unadjusted comparisons of small retrospective series: who got the drug was not drawn by lot, and patients "
        "who live longer, perhaps because of it, have more time to develop radionecrosis. The model is a binomial "
        "one in which each series shifts both of its arms alike, because series define radionecrosis differently; the risk "
        f"without the drug elsewhere ({toxicity.evidence.historical.id}) is its prior.",
    ]


def _readings(toxicity: Toxicity) -> list[str]:
    """Say how percentages became counts, and where that is doubtful."""
    said = []
    for series in toxicity.evidence.series:
        reading = series.readings[0]
        if all(arm.exposure != "none" for arm in reading.arms):
            said.append(
                f"Both groups of {series.study} had the drug: it speaks of the drug only against other series, and of timing."
            )
        counts = " and ".join(
            f"{arm.cases} of {arm.size} ({arm.percent.text} %, {arm.treatment})" for arm in reading.arms
        )
        if series.certain:
            said.append(
                f"{series.study} ({series.id}): the printed percentages of {series.total} patients mean {counts}, "
                "the only whole numbers that fit."
            )
            continue
        verb = "is" if reading.left_out == 1 else "are"
        missing = f"{reading.left_out} of {series.total} patients {verb} then in neither group"
        others = len(series.readings) - 1
        said.append(
            f"{series.study} ({series.id}): group sizes are not printed. Taken is {counts}; {missing}. "
            f"{others} other reading{'s' if others != 1 else ''} would also fit, and leave out more: see the table of readings."
        )
    note = toxicity.evidence.historical.note
    said.append(
        f"The range without the drug ({toxicity.evidence.historical.id}) is of {toxicity.evidence.historical.endpoint}; "
        "whether the series with the drug count only symptomatic cases is not printed"
        + (f". Note on it: {note}." if note else ".")
    )
    return said


def _contrasts(toxicity: Toxicity) -> Table:
    """Return differences and ratios of the risk in a typical series."""
    main = toxicity.contrasts[toxicity.contrasts["scenario"] == MAIN]
    undefined = (main["quantity"] == "number_needed_to_harm") & main["median"].isna()
    frame = main.assign(
        contrast=main["contrast"].map(CONTRASTS),
        named=main["quantity"].map(QUANTITIES),
        kind=[KINDS.get(quantity, RATIO) for quantity in main["quantity"]],
        note=["undefined: the difference may be 0" if one else "" for one in undefined],
        mark=["main" if quantity == "risk_difference" else "" for quantity in main["quantity"]],
    )
    columns = (
        Column("Contrast", SENTENCE, "contrast"),
        Column("Quantity", TEXT, "named"),
        Column("Median (95 %)", RATIO, "median", kinds="kind"),
        Column("P(more harm)", PROBABILITY, "probability_of_harm"),
    )
    caption = (
        "Radionecrosis in a typical series. The number needed to harm is the inverse of the risk difference; where "
        "the interval of the difference holds 0 it is undefined, and the probability says what is known"
    )
    return Table("toxicity-contrasts", caption, columns, frame, "mark")


def _risks(toxicity: Toxicity) -> Table:
    """Return the risk in every arm, as counted and as modelled."""
    risks = toxicity.risks
    counted = [
        None if pd.isna(row["crude"]) else f"{row['cases']:.0f} of {row['size']:.0f}"
        for row in risks.to_dict("records")
    ]
    frame = risks.assign(
        named=[name or "a typical series" for name in risks["series"]],
        arm=risks["exposure"].map(EXPOSURE_WORDS),
        counted=counted,
        mark=["" if name else "main" for name in risks["series"]],
    )
    columns = (
        Column("Series", TEXT, "named"),
        Column("Arm", TEXT, "arm"),
        Column("Radionecrosis", TEXT, "counted"),
        Column("As counted, percent (exact 95 %)", PERCENT, "crude"),
        Column("Model, percent (95 %)", PERCENT, "median"),
    )
    return Table("toxicity-risks", "Risk of radionecrosis by series and arm", columns, frame, "mark")


def _scenarios(toxicity: Toxicity) -> Table:
    """Return the risk difference under every reading of the printed percentages."""
    contrasts = toxicity.contrasts
    chosen = contrasts[(contrasts["quantity"] == "risk_difference") & (contrasts["contrast"] == "drug")]
    columns = (
        Column("Reading", SENTENCE, "text"),
        Column("Risk difference (95 %)", SHARE, "median"),
        Column("P(more harm)", PROBABILITY, "probability_of_harm"),
    )
    caption = "With T-DM1 against without, under other readings of what is printed, and other priors"
    marks = ["main" if name == MAIN else "" for name in chosen["scenario"]]
    return Table("toxicity-readings", caption, columns, chosen.assign(mark=marks), "mark")


def _priors(toxicity: Toxicity) -> Table:
    """Return the priors of the toxicity model."""
    columns = ("parameter", "prior", "reason", "meaning")
    return frame_table(
        "toxicity-priors", "Priors of the toxicity model", toxicity.priors, columns, columns[2:]
    )


def _sections(material: Material) -> list[ReportSection]:
    companions = material.companions
    if material.publication is None or companions is None or companions.toxicity is None:
        return []
    return [toxicity_section(companions.toxicity, material.draw)]


SECTION = Section(_sections)
