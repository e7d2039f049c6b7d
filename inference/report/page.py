"""The report as one HTML page that opens without a network."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from data.study.pseudo_cohorts import of_pseudo_patients
from inference.calibration import load_card
from inference.report import checklists_section
from inference.report.calibration_words import calibration_words
from inference.report.check_tables import (
    check_table,
    counts_sentence,
    families_table,
    ordered_checks,
    passed_tables,
)
from inference.report.comparator_tables import comparators_table, other_comparators_table
from inference.report.content import FigureItem, Report
from inference.report.effect_tables import (
    arms_table,
    effects_table,
    estimands_tables,
    outcomes_table,
    populations_table,
)
from inference.report.exposure_words import pairing_sentence
from inference.report.own_matching_table import own_matching_table
from inference.report.provenance_tables import command_line, is_quick, manifest_tables, tree_warning
from inference.report.pseudo import figure_of_pseudo_patients, table_of_pseudo_patients
from inference.report.sensitivity_table import sensitivity_in_words, sensitivity_table
from inference.report.sentences import answer, limits, no_evidence, reading_guide
from inference.report.svg import embedded_svg
from inference.report.table import frame_table
from inference.report.vocabulary import vocabulary

HERE = Path(__file__).parent
LISTED = 8  # failed checks named in the banner; the table of checks names all
SECTIONS = (
    ("answer", "The answer"),
    ("reading", "How to read this"),
    ("shown", "The answer in figures"),
    ("effects", "Effect under each model"),
    ("curves", "Survival and hazard over time"),
    ("comparators", "Frequentist analysis"),
    ("checks", "Checks"),
    ("priors", "Priors"),
    ("sensitivity", "Other priors"),
    ("diagnostics", "Diagnostics"),
    ("limits", "Limits"),
    (checklists_section.ID, checklists_section.TITLE),
    ("reproduce", "How to reproduce"),
)


PRIOR_COLUMNS = ("parameter", "term", "prior", "reason", "meaning")


def render(report: Report) -> str:
    """Return the page.

    Parameters
    ----------
    report : Report
        All that it says.

    Returns
    -------
    str
        HTML with style, script and drawings inside; nothing is fetched when it is opened. The same report
        gives the same text.
    """
    numbering = Counter[str]()
    say, table, figure = (
        (of_pseudo_patients, table_of_pseudo_patients, figure_of_pseudo_patients)
        if report.pseudo
        else (_same, _same, _same)
    )
    report = replace(report, figures=[figure(item) for item in report.figures])

    def numbered(kind: str) -> str:
        numbering[kind] += 1
        return f"{kind} {numbering[kind]}"

    checks = ordered_checks(report.checks, report.main)
    failures = [check for check in checks if check.status == "fail"]
    of_main = [check for check in failures if check.of_main]
    shown = [check for check in checks if check.status != "pass"]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            study=report.study,
            contents=contents(report),
            numbered=numbered,
            svg=_drawing,
            css=_asset("report.css"),
            script=_asset("report.js"),
            answer=answer(report),
            no_evidence=no_evidence(report),
            pairing=pairing_sentence(report.main["exposure"]),
            priors_said=sensitivity_in_words(report),
            caveats=[say(one) for one in report.caveats],
            guide=reading_guide(report),
            limits=limits(report),
            checklists=checklists_section.checklists_section(report, contents(report)),
            people=vocabulary(report.study).patients,
            link=citation_link(report.study.citation),
            checks=checks,
            failures=failures,
            of_main=of_main,
            listed=failures[:LISTED],
            checks_said=counts_sentence(checks),
            families=families_table(checks),
            shown_checks=table(
                check_table("checks-shown", "Checks that failed, warn or inform, failures first", shown)
            ),
            passed=[table(one) for one in passed_tables(checks)],
            arms=table(arms_table(report)),
            effects=table(effects_table(report)),
            populations=table(populations_table(report)),
            outcomes=table(outcomes_table(report)),
            every=[table(one) for one in estimands_tables(report)],
            comparators=table(comparators_table(report)),
            own_matching=[table(one) for one in own_matching_table(report)],
            comparators_rest=table(other_comparators_table(report)),
            priors=frame_table(
                "priors", "Priors of the main fit", report.priors, PRIOR_COLUMNS, ("reason", "meaning")
            ),
            sensitivity=sensitivity_table(report),
            quick=is_quick(report.manifest),
            command=command_line(report.manifest),
            tree_warning=tree_warning(report.manifest),
            manifest=manifest_tables(report.manifest),
            calibration=calibration_words(load_card()),
        )
    )


def _same[T](content: T) -> T:
    return content


def contents(report: Report) -> list[tuple[str, str]]:
    """Return anchors and headings of the page in their order, the study's own sections before the diagnostics."""
    place = [anchor for anchor, _ in SECTIONS].index("diagnostics")
    own = [(section.id, section.title) for section in report.sections]
    return [*SECTIONS[:place], *own, *SECTIONS[place:]]


def citation_link(citation: str) -> str:
    """Return the address of a citation that is or holds a DOI, "" for another.

    Examples
    --------
    >>> citation_link("doi:10.1200/JCO.1994.12.10.2086")
    'https://doi.org/10.1200/JCO.1994.12.10.2086'
    """
    found = re.search(r"\b(10\.\d{4,9}/[^\s\"'<>]+)", citation)
    return f"https://doi.org/{found[1].rstrip('.,;)')}" if found else ""


def _drawing(figure: FigureItem) -> Markup:
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", f"svg-{figure.id}")
    return Markup(embedded_svg(figure.drawing(), prefix, figure.title))


def _asset(name: str) -> Markup:
    return Markup((HERE / "assets" / name).read_text(encoding="utf-8"))


def _bound(value: object) -> object:
    """Keep "95 %" and "> 0.999" on one line."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return re.sub(r"(?<=\d) (?=%)|(?<=[<>]) (?=\d)", "\N{NO-BREAK SPACE}", value)
    return value


@cache
def _environment() -> Environment:
    return Environment(
        finalize=_bound,
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
