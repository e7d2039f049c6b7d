"""The report as one HTML page that opens without a network."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from data.study.pseudo_cohorts import of_pseudo_patients
from inference.report.check_tables import ordered_checks
from inference.report.content import PARTS, FigureItem, Report, ReportSection
from inference.report.headline import headline
from inference.report.provenance_tables import is_quick
from inference.report.sentences import answer, no_evidence
from inference.report.standard_sections import sections_of_page
from inference.report.svg import embedded_svg
from inference.report.table import Table
from inference.report.vocabulary import vocabulary

HERE = Path(__file__).parent
LISTED = 8  # failed checks named below the first screen; the table of checks names all


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

    def numbered(kind: str) -> str:
        numbering[kind] += 1
        return f"{kind} {numbering[kind]}"

    checks = ordered_checks(report)
    failures = [check for check in checks if check.status == "fail"]
    sections = sections_of_page(report)
    caveats = [of_pseudo_patients(one) for one in report.caveats] if report.pseudo else report.caveats
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            study=report.study,
            parts=parts_of(sections),
            first=headline(report, checks),
            curves=next((item for item in report.figures if item.id == "survival"), None),
            numbered=numbered,
            svg=_drawing,
            is_table=lambda exhibit: isinstance(exhibit, Table),
            folded=_folded,
            css=asset("report.css"),
            script=Markup("\n").join(asset(name) for name in ("report.js", "live.js")),
            json=_json,
            answer=answer(report),
            no_evidence=no_evidence(report),
            caveats=caveats,
            people=vocabulary(report.study).patients,
            link=citation_link(report.study.citation),
            failures=failures,
            of_main=[check for check in failures if check.of_main],
            listed=failures[:LISTED],
            warned=[
                check.subject for check in checks if check.status == "warn" and check.fit and check.of_main
            ],
            quick=is_quick(report.manifest),
        )
    )


def parts_of(sections: list[ReportSection]) -> list[tuple[str, list[ReportSection]]]:
    """Return the titles of the parts of the page with their sections; parts without any are left out."""
    by_part = {title: [one for one in sections if one.part == part] for part, title in PARTS.items()}
    return [(title, own) for title, own in by_part.items() if own]


def _folded(section: ReportSection) -> str:
    """Return what is folded in a section, in words; empty where nothing is."""
    figures = sum(isinstance(one, FigureItem) for one in section.rest)
    tables = len(section.rest) - figures
    said = [
        f"{count} {kind}{'' if count == 1 else 's'}"
        for count, kind in ((figures, "figure"), (tables, "table"))
        if count
    ]
    return ", ".join([*(["how to read it, and details"] if section.folded else []), *said])


def citation_link(citation: str) -> str:
    """Return the address of a citation that is or holds a DOI, "" for another.

    Examples
    --------
    >>> citation_link("doi:10.1200/JCO.1994.12.10.2086")
    'https://doi.org/10.1200/JCO.1994.12.10.2086'
    """
    found = re.search(r"\b(10\.\d{4,9}/[^\s\"'<>]+)", citation)
    return f"https://doi.org/{found[1].rstrip('.,;)')}" if found else ""


def _drawing(figure: FigureItem, *, narrow: bool = False) -> Markup:
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", f"{'narrow' if narrow else 'svg'}-{figure.id}")
    text = figure.drawing.narrow if narrow else figure.drawing.wide
    return (
        Markup(embedded_svg(text(), prefix, figure.title, named=figure.live is not None))
        if text is not None
        else Markup()
    )


def _json(data: Mapping[str, Any]) -> Markup:
    """Return data as JSON that cannot end the element in which it stands."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    return Markup(_bound(text.replace("<", "\\u003c")))


def asset(name: str) -> Markup:
    """Return a style sheet or a script."""
    return Markup((HERE / "assets" / name).read_text(encoding="utf-8"))


def _finalised(value: object) -> object:
    return _bound(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _bound(text: str) -> str:
    """Keep "95 %" and "> 0.999" on one line."""
    return re.sub(r"(?<=\d) (?=%)|(?<=[<>]) (?=\d)", "\N{NO-BREAK SPACE}", text)


@cache
def environment() -> Environment:
    """Return where templates are found, and how they are filled in."""
    return Environment(
        finalize=_finalised,
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
