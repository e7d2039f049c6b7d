"""The sections that every page has, from the tables of its report."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import pandas as pd

from inference.calibration.card import load_card
from inference.report import checklists_section
from inference.report.calibration_words import calibration_words
from inference.report.check_tables import (
    Check,
    check_table,
    counts_sentence,
    families_table,
    fits_table,
    ordered_checks,
    passed_tables,
)
from inference.report.comparator_tables import comparators_table, other_comparators_table
from inference.report.content import PARTS, Report, ReportSection, estimand_row, fit_rows, fits
from inference.report.effect_tables import (
    arms_table,
    effects_table,
    estimands_tables,
    outcomes_table,
    populations_table,
)
from inference.report.exposure_words import exposure_of, pairing_sentence
from inference.report.figures.wording import estimate_of
from inference.report.journal_tables import balance_sentence, cox_table, patients_table
from inference.report.numbers import lone_ratio, number, percent, ratio
from inference.report.own_matching_table import own_matching_table
from inference.report.provenance_tables import command_line, manifest_tables, tree_warning
from inference.report.pseudo import figure_of_pseudo_patients, section_of_pseudo_patients
from inference.report.sensitivity_table import sensitivity_in_words, sensitivity_table
from inference.report.sentences import limits, reading_guide
from inference.report.table import SENTENCE, TEXT, Column, Table, frame_table
from inference.report.vocabulary import MEANS_OVER_COHORTS, vocabulary

SHORT_TABLE = 12  # rows with which a section may open
PRIOR_COLUMNS = ("parameter", "term", "prior", "reason", "meaning")


@lru_cache(maxsize=1)
def sections_of_page(report: Report) -> list[ReportSection]:
    """Return all sections of a page as `sections_in_order` does; page, Word document and files of tables share them."""
    return sections_in_order(report, ordered_checks(report))


def sections_in_order(report: Report, checks: Sequence[Check]) -> list[ReportSection]:
    """Return all sections of a page, part by part: in each those that every page has, then those of this study."""
    if report.pseudo:
        report = replace(report, figures=[figure_of_pseudo_patients(item) for item in report.figures])
    of_patients = [
        _effects(report),
        _curves(report),
        _patients(report),
        _comparators(report),
        _checks(report, checks),
        _diagnostics(report, checks),
    ]
    if report.pseudo:
        of_patients = [section_of_pseudo_patients(section) for section in of_patients]
    methods = [_reading(report), _priors(report), _limits(report)]
    every = [*of_patients, _sensitivity(report), *report.sections, *methods]
    reproduce = _reproduce(report)
    anchors = [("answer", PARTS["answer"]), *((one.id, one.title) for one in [*every, reproduce])]
    every += [checklists_section.checklists_section(report, anchors), reproduce]
    return [section for part in PARTS for section in every if section.part == part]


def _effects(report: Report) -> ReportSection:
    found = [
        row
        for fit in fits(report.estimands, report.main)
        if fit["exposure"] == report.main["exposure"]
        and (row := estimand_row(fit_rows(report.estimands, fit), "hazard_ratio", "conditional")) is not None
    ]
    middle = [float(row["median"]) for row in found if pd.notna(row["median"])]
    return ReportSection(
        "effects",
        "Effect under each model",
        ("If the answer hangs on one row of these tables, it is the row that needs a defence.",),
        (effects_table(report), populations_table(report), *estimands_tables(report)),
        tuple(item for item in report.of_group("answer") if item.id != "survival"),
        _range_of_ratios(middle, alike=report.estimands["exposure"].nunique() > 1),
        "answer",
    )


def _range_of_ratios(middle: Sequence[float], *, alike: bool) -> str:
    """Return between what hazard ratios of models lie; alike: of those alone that count exposure as the main model does."""
    if not middle:
        return "No fit gives the effect as one hazard ratio."
    counted = " and count exposure as the main one does" if alike else ""
    if len(middle) == 1:
        which = f"in the one model that estimates it{counted.replace('count', 'counts')}"
    else:
        which = f"over the {len(middle)} models that estimate one{counted}"
    low, high = (lone_ratio(end(middle)) for end in (min, max))
    return f"The conditional hazard ratio {f'is {low}' if low == high else f'lies between {low} and {high}'} {which}."


def _curves(report: Report) -> ReportSection:
    rows, unit = fit_rows(report.estimands, report.main), report.study.time_unit
    times = rows.loc[(rows["estimand"] == "survival_treated") & (rows["population"] == "all"), "time"]
    said = []
    for time in times:
        arms = [estimand_row(rows, f"survival_{arm}", "all", float(time)) for arm in ("treated", "control")]
        values = [percent(*estimate_of(arm)) for arm in arms if arm is not None]
        said.append(f"at {number(time)} {unit} {' against '.join(values)} %")
    finding = (
        f"Adjusted {vocabulary(report.study).outcome}, treated against not: {'; '.join(said)}."
        if said
        else ""
    )
    return ReportSection(
        "curves",
        "Survival and hazard over time",
        (),
        (outcomes_table(report),),
        tuple(report.of_group("curves")),
        finding,
        "answer",
        "outcomes",
    )


def _patients(report: Report) -> ReportSection:
    tables = [] if report.described is None else [patients_table(report, report.described)]
    finding = (
        balance_sentence(report.described) if report.described is not None else "No covariate was recorded."
    )
    title = f"The {vocabulary(report.study).patients}, and how alike the arms are"
    return ReportSection("patients", title, (), (*tables, arms_table(report)), (), finding, "trust", "arms")


EVER = " (ever against never treated)"
"""What is said of a naive Cox model where the main fit counts exposure in another way; the names of all others say it."""


OF_MOST = (
    "Over several cohorts a check has the status that most of them have; one of convergence, or of a second mode of the score, that of the "
    "worst. The meaning of each check counts how many pass, warn and fail."
)


def _comparators(report: Report) -> ReportSection:
    people = vocabulary(report.study).patients
    cox = report.comparators[report.comparators["statistic"] == "hazard_ratio"]
    exposure = report.main["exposure"]
    cox = cox[cox["estimate"].notna()].assign(counted=cox["method"].map(exposure_of))
    said = [
        f"{row['method'].partition(';')[0]} {ratio(row['estimate'], row['lower'], row['upper'])}"
        f"{EVER if row['counted'] == 'naive' != exposure else ''}"
        for row in sorted(cox.to_dict("records"), key=lambda row: row["counted"] != exposure)
    ]
    return ReportSection(
        "comparators",
        "Frequentist analysis",
        (
            f"The same {people}, analysed as most papers would. {pairing_sentence(exposure)}",
            *([MEANS_OVER_COHORTS] if report.pseudo and report.cohorts > 1 else []),
        ),
        (
            *([] if report.coefficients is None else [cox_table(report, report.coefficients)]),
            comparators_table(report),
            *own_matching_table(report),
            other_comparators_table(report),
        ),
        (),
        f"Hazard ratio by frequentist models: {'; '.join(said)}."
        if said
        else "No Cox model gave a hazard ratio.",
        "trust",
        "own-matching" if report.coefficients is None or len(report.coefficients) <= SHORT_TABLE else None,
    )


def _checks(report: Report, checks: Sequence[Check]) -> ReportSection:
    people = vocabulary(report.study).patients
    shown = [check for check in checks if check.status != "pass"]
    return ReportSection(
        "checks",
        "Checks",
        (
            "Convergence says whether the sampler can be believed; predictive, whether the model could have produced these "
            f"{people}; overlap, whether the arms can be compared; feedback, how far the outcomes bent the propensity score. "
            "Among many predictive checks, up to one in twenty warns by chance alone.",
            *([OF_MOST] if report.cohorts > 1 else []),
        ),
        (
            families_table(checks),
            check_table("checks-shown", "Checks that failed, warn or inform, failures first", shown),
            *passed_tables(checks),
        ),
        tuple(report.of_group("checks")),
        counts_sentence(checks),
        "trust",
        "check-families",
    )


def _diagnostics(report: Report, checks: Sequence[Check]) -> ReportSection:
    plots, table = tuple(report.of_group("diagnostics")), fits_table(checks, report.reviews)
    several = report.cohorts > 1
    count = (
        f"{len(plots)} {'plot' if len(plots) == 1 else 'plots'} of the sampler and the posterior, for reviewers"
        f"{', of the main fit to the first cohort' if several else ''}."
    )
    finding, review = count if plots else "No diagnostic plot was made.", ()
    if len(table.frame):
        worst = table.frame.iloc[0]
        pooled = " over all cohorts" if several else ""
        finding += (
            f" Chains agree least in the fit {worst['fit']} (R-hat {number(worst['R-hat'], 4)}{pooled})."
        )
        review = (
            f"That fit is reviewed plot by plot by: rtsurv report {report.study.name} --diagnostics worst",
        )
    return ReportSection("diagnostics", "Diagnostics", review, (table,), plots, finding, "trust", None)


def _sensitivity(report: Report) -> ReportSection:
    table, name = sensitivity_table(report), report.study.name
    alone = table is None or len(table.frame) < 2
    missing = (
        f"Other prior sets are not computed yet. rtsurv sensitivity {name} fits the main model under every prior set, and the "
        f"next rtsurv report {name} shows it here."
    )
    figures = tuple(report.of_group("sensitivity"))
    finding = missing if alone else sensitivity_in_words(report)
    return ReportSection(
        "sensitivity", "Other priors", (), () if table is None else (table,), figures, finding
    )


def _reading(report: Report) -> ReportSection:
    frame = pd.DataFrame(reading_guide(report), columns=pd.Index(["term", "meaning"]))
    columns = (Column("Term", TEXT, "term"), Column("Meaning", SENTENCE, "meaning"))
    table = Table("words", "Words of this page", columns, frame)
    finding = "What the words and numbers of this page mean."
    return ReportSection("reading", "How to read this", (), (table,), (), finding, "methods", None)


def _priors(report: Report) -> ReportSection:
    people = vocabulary(report.study).patients
    caption, wide = "Priors of the main fit", ("reason", "meaning")
    return ReportSection(
        "priors",
        "Priors",
        (*report.prior_statements,),
        (frame_table("priors", caption, report.priors, PRIOR_COLUMNS, wide),),
        tuple(report.of_group("priors")),
        f"What was assumed before the {people} were seen, in prior set “{report.main['prior_set']}”. Each has a reason that can be disputed.",
        "methods",
    )


def _limits(report: Report) -> ReportSection:
    said = limits(report)
    return ReportSection("limits", "Limits", tuple(said[1:]), (), (), said[0], "methods")


def _reproduce(report: Report) -> ReportSection:
    manifest = report.manifest
    command, warning = command_line(manifest), tree_warning(manifest)
    empty = "" if manifest else "The manifest is empty: nothing says where these numbers came from."
    held = "This page is one file and fetches nothing. It holds no row of a single patient."
    said = [f"Command: {command}" if command else "", warning, empty, calibration_words(load_card())]
    tables = tuple(manifest_tables(manifest))
    return ReportSection(
        "reproduce", "How to reproduce", tuple(filter(None, said)), tables, (), held, "methods", None
    )
