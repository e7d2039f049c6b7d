"""From the results of an analysis to files: tables, figures, the page and the manifest."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from data.study.pseudo_cohorts import words_for
from inference.diagnostics.checks.result import COLUMNS
from inference.fits.requests import request_of_cohort
from inference.fits.stored import StoredModel
from inference.fits.tables import as_written
from inference.report.check_tables import in_words
from inference.report.content import FigureItem, Report, ReportSection
from inference.report.diagnostic_plots import DIAGNOSTIC_TITLES, diagnostics_of, file_name
from inference.report.drawing import Drawer
from inference.report.drawings import Draw
from inference.report.figures.captions import caption_of
from inference.report.gallery import exhibits
from inference.report.journal_tables import arms_of, coefficients, described
from inference.report.live_headline import live_headline
from inference.report.live_survival import live_survival
from inference.report.page import render
from inference.report.printed_tables import printed_tables
from inference.report.priors import prior_statements
from inference.report.section import Material
from inference.report.sections import doubts, sections_of, sentences_beside_the_answer, tables_of
from inference.report.sections.untimed import limits_of_publication
from inference.storage.atomic import atomic_path, write_text
from inference.storage.folders import KEPT
from scripts.audit import write_audit
from scripts.console import Progress
from scripts.jobs import (
    write_json,
    write_table,
)
from scripts.results import MANIFEST, Analysed


def write_results(made: Analysed, progress: Progress, *, word: bool = False) -> None:
    """Write tables, figures, the page and the manifest of an analysis; and the page as a Word document."""
    results, folder, watch = made.results, made.folder, made.watch
    with watch.stage("tables"):
        write_table(as_written(results.estimands), folder / "estimands.csv")
        write_table(results.comparators, folder / "comparators.csv")
        write_table(results.checks[list(COLUMNS)], folder / "checks.csv")
        write_table(results.sensitivity, folder / "sensitivity.csv")
        if len(results.cohorts) > 1:
            write_table(results.pooling, folder / "pooling.csv")
        if made.publication is not None and made.companions is not None:
            progress("the publication", 0, 1)
            write_audit(results.study, made.publication.evidence, made.companions.findings, folder)
    with _drawer(made) as draw:
        with watch.stage("figures"):
            material = _material(made, draw)
            for name, table in tables_of(material).items():
                write_table(table, folder / f"{name}.csv")
            sections = sections_of(material)
            items = _figures(made, draw, progress)
            draw.finish(progress)
        stamped = {**results.manifest, "wall_time_seconds": dict(watch.seconds)}
        report = _report(made, items, sections, material, stamped)
        document = None
        if word:
            from inference.report.word import word_document

            document = draw.submit(word_document, report)
        write_text(folder / "report.html", render(report))
        for name, table in printed_tables(report).items():
            write_table(table, folder / "tables" / f"{name}.csv")
        if document is not None:
            with atomic_path(folder / "report.docx") as temporary:
                temporary.write_bytes(document.result())
    write_json(stamped, folder / MANIFEST)


def write_review(made: Analysed, wanted: str, progress: Progress) -> Path:
    """Write the review of a fit, named as `inference.report.review.chosen_fit` has it, and return its file."""
    from inference.report.review import chosen_fit, review
    from inference.report.review_page import render_review

    results = made.results
    request = chosen_fit(results.summaries, wanted)
    progress(f"diagnostics: {request.label}", 0, 1)
    model = StoredModel(results.study, (*results.cohorts, *results.further), request, made.folder)
    own, fit = request_of_cohort(request, 0), model.fits[0].fit.value()
    items = review(results.study, results.cohort, own, fit)
    file = made.folder / file_name(request)
    write_text(file, render_review(results.study, request.label, items, len(model.fits)))
    return file


def write_sensitivity(made: Analysed, progress: Progress) -> None:
    """Write what the effect hangs on: its tables, its figures and a manifest of their own."""
    results, folder = made.results, made.folder
    write_table(results.sensitivity, folder / "sensitivity.csv")
    with _drawer(made) as draw:
        material = replace(_material(made, draw), publication=None, companions=None)
        for name, table in tables_of(material).items():
            write_table(table, folder / f"{name}.csv")
        for exhibit in exhibits(results):
            if exhibit.group == "sensitivity":
                progress(exhibit.title_of(results), 0, 1)
                draw(exhibit.id, partial(exhibit.draw, results))
        sections_of(material)
    stamped = {**results.manifest, "wall_time_seconds": dict(made.watch.seconds)}
    write_json(stamped, folder / "sensitivity-manifest.json")


def _material(made: Analysed, draw: Draw) -> Material:
    return Material(made.results, made.computed, made.publication, made.companions, draw, made.folder / KEPT)


def _drawer(made: Analysed) -> Drawer:
    """Return what draws a figure into the folder of figures; of pseudo-patients, it calls them so."""
    return Drawer(made.folder / "figures", made.results.key, words_for(made.results.study))


def _figures(made: Analysed, draw: Draw, progress: Progress) -> list[FigureItem]:
    """Draw what has changed, and return every figure of the page; the diagnostic plots lie beside the fits."""
    results = made.results
    shown = exhibits(results)
    items = []
    for number, exhibit in enumerate(shown):
        title, caption = exhibit.title_of(results), exhibit.caption_of(results)
        progress(title, number, len(shown) + 1)
        drawing = draw(exhibit.id, partial(exhibit.draw, results))
        live = live_survival(results.main.curves) if exhibit.id == "survival" else None
        items.append(FigureItem(exhibit.id, title, caption, drawing, exhibit.group, live))
    progress("diagnostic plots", len(shown), len(shown) + 1)
    main = results.main.request
    plots = [diagnostics_of(one, shown=one.request == main) for one in results.illustrated]
    for name, drawing in plots[0].items():  # the main fit's; those of the others lie beside their fits
        named = DIAGNOSTIC_TITLES.get(name, name.replace("_", " ").capitalize())
        title = f"{named}: {in_words(main.label)}"
        caption = caption_of(f"diagnostics.{name}")
        identifier = f"diagnostics-{name.replace('_', '-')}"
        items.append(FigureItem(identifier, title, caption, drawing, "diagnostics"))
    return items


def _report(
    made: Analysed,
    items: Sequence[FigureItem],
    sections: Sequence[ReportSection],
    material: Material,
    stamped: dict[str, Any],
) -> Report:
    results = made.results
    main = results.main.request
    under_main_priors = results.estimands[results.estimands["prior_set"] == main.priors.name]
    return Report(
        study=results.study,
        arms=arms_of(results),
        main=main.named,
        estimands=under_main_priors,
        comparators=results.comparators,
        checks=results.checks,
        priors=results.priors,
        prior_statements=prior_statements(results),
        sensitivity=results.sensitivity,
        figures=items,
        caveats=sentences_beside_the_answer(material),
        doubts=doubts(material),
        choice=live_headline(results),
        described=described(results),
        coefficients=coefficients(results, made.folder / KEPT),
        limits=[] if made.publication is None else limits_of_publication(made.publication.evidence),
        sections=sections,
        cohorts=len(results.cohorts),
        reviews={
            one.request.label: file_name(one.request)
            for one in results.summaries
            if (made.folder / file_name(one.request)).is_file()
        },
        manifest=stamped,
    )
