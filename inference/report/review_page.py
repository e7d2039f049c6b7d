"""The review of one fit as an HTML page that opens without a network."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace

import pandas as pd
from markupsafe import Markup

from data.study.pseudo_cohorts import words_for
from data.study.study import Study
from inference.report.check_tables import in_words
from inference.report.figures.rendering import reword, svg_text
from inference.report.figures.style import one_column
from inference.report.page import asset, environment
from inference.report.review import Reviewed
from inference.report.svg import embedded_svg
from inference.report.table import SENTENCE, TEXT, Column, Table

VERDICTS = {"pass": "good", "warn": "look at it", "fail": "not good", "info": "not judged"}


def render_review(study: Study, label: str, items: Sequence[Reviewed], cohorts: int = 1) -> str:
    """Return the page.

    Parameters
    ----------
    study : Study
    label : str
        Of the fit.
    items : sequence of Reviewed
    cohorts : int
        Of the analysis; the fit is to the first of them.
    """
    say = words_for(study) or (lambda text: text)
    numbering = Counter[str]()

    def numbered(kind: str) -> str:
        numbering[kind] += 1
        return f"{kind} {numbering[kind]}"

    def svg(one: Reviewed, *, narrow: bool = False) -> Markup:
        name = f"{one.name.replace('_', '-')}{'-narrow' if narrow else ''}"
        with one_column() if narrow else nullcontext():
            figure = one.draw()
        drawn = svg_text(reword(figure, say) if words_for(study) else figure, name)
        return Markup(embedded_svg(drawn, name, one.title))

    return (
        environment()
        .get_template("review.html.j2")
        .render(
            label=in_words(label),
            title=study.title,
            sentence=summary_sentence(items, cohorts),
            table=_table(items, say),
            items=[_said(one, say) for one in items],
            verdicts=VERDICTS,
            numbered=numbered,
            svg=svg,
            css=asset("report.css"),
        )
    )


def summary_sentence(items: Sequence[Reviewed], cohorts: int) -> str:
    """Return how many plots are good, which are not, and of which cohort."""
    judged = [one for one in items if one.status != "info"]
    others = [one.title.lower() for one in judged if one.status != "pass"]
    rest = f"; look at {', '.join(others)}" if others else ""
    first = f" The fit is that to the first of {cohorts} cohorts." if cohorts > 1 else ""
    return f"{len(judged) - len(others)} of {len(judged)} plots are as they should be{rest}.{first}"


def _table(items: Sequence[Reviewed], say: Callable[[str], str]) -> Table:
    frame = pd.DataFrame(
        {
            "plot": [one.title for one in items],
            "verdict": [VERDICTS[one.status] for one in items],
            "found": [one.found for one in items],
            "anchor": [one.name for one in items],
            "mark": [one.status for one in items],
        }
    )
    columns = (
        Column("Plot", TEXT, "plot", link="anchor"),
        Column("Verdict", TEXT, "verdict"),
        Column("What it shows", SENTENCE, "found"),
    )
    return Table("verdicts", "Each plot, judged by a number", columns, frame, "mark", sortable=False).said(
        say
    )


def _said(one: Reviewed, say: Callable[[str], str]) -> Reviewed:
    return replace(
        one, title=say(one.title), caption=say(one.caption), good=say(one.good), found=say(one.found)
    )
