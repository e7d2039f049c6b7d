"""From a command to the results of an analysis, and from them to files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from data.errors import InputError
from data.study import load_study
from inference.analysis import Plan, plan, readings_of
from inference.atomic import write_text
from inference.drawing import drawn
from inference.engine import SamplerSettings
from inference.figures.captions import CAPTIONS
from inference.frequentist import frequentist_analysis
from inference.gallery import exhibits, prior_statements
from inference.horizon import report_times
from inference.publication import (
    Companions,
    Publication,
    companion_jobs,
    companions_of,
    publication_sections,
)
from inference.report.content import FigureItem, Report, ReportSection
from inference.report.page import render
from inference.requests import fit_key
from inference.results import Results
from inference.sensitivity_sections import honest_sentences, sensitivity_sections
from inference.store import Store
from inference.workers import diagnostics_of
from models.priors import PriorSet
from scripts.audit import write_audit
from scripts.console import Told
from scripts.jobs import (
    Stopwatch,
    manifest,
    prior_sets,
    ready_folder,
    write_json,
    write_table,
)
from scripts.options import Sampling
from scripts.patients import Patients, load_patients

MANIFEST = "manifest.json"


@dataclass(frozen=True, eq=False)
class Analysed:
    """An analysis that was made.

    Attributes
    ----------
    results : Results
    folder : Path
        Where its files are.
    watch : Stopwatch
    publication : Publication or None
        What stands behind pseudo-patients.
    companions : Companions or None
        What is computed from the publication.
    """

    results: Results
    folder: Path
    watch: Stopwatch
    publication: Publication | None = None
    companions: Companions | None = None


def analysed(reference: str, priors: str, sampling: Sampling, told: Told) -> Analysed:
    """Return the analysis of a study, fitting what is missing."""
    watch = Stopwatch()
    with watch.stage("patients"):
        patients = load_patients(
            reference, sampling.count("cohorts"), sampling.seed, sampling.out, told, [priors]
        )
    with watch.stage("read"):
        study, count = patients.study, len(patients.cohorts)
        exposures = sampling.exposures(study, patients.cohort)
        main, *others = prior_sets(study, patients.cohort, priors)
        how = {
            "priors": priors,
            "designs": sampling.designs_of_a_cohort(count),
            "quick": sampling.quick,
            "exposures": exposures,
            "cohorts": count,
        }
        planned = _plan(main, others, sampling.settings(count), how)
        for cohort in patients.cohorts:
            report_times(study, cohort)
            for request in planned.requests:
                fit_key(study, cohort, request)
        folder = ready_folder(sampling.folder(study))
    return _gathered(patients, planned, folder, how, watch, told)


def reported(reference: str, folder: Path | None) -> Analysed:
    """Return an analysis that was made before, from its saved fits.

    Raises
    ------
    InputError
        Where there is no analysis, or fits are missing.
    """
    watch = Stopwatch()
    study = load_study(reference)
    place = folder if folder is not None else Path("outputs") / study.name
    again = f"run `rtsurv analyse {reference}` first"
    try:
        kept = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        how, settings = kept["analysis"], SamplerSettings(**kept["settings"])
        patients = load_patients(reference, how["cohorts"], settings.seed, place, _silent)
        main, *others = prior_sets(study, patients.cohort, how["priors"])
        planned = _plan(main, others, settings, how)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{place}: must hold an analysis, but found no {MANIFEST} of one; {again}"
        ) from error
    store = Store(place / "fits")
    missing = [
        one.label
        for one in planned.requests
        if not all(store.holds(fit_key(patients.study, cohort, one)) for cohort in patients.cohorts)
    ]
    if missing:
        raise InputError(
            f"{place}: must hold the fits of this study, these priors and this version, but found none of "
            f"{'; '.join(missing)}; {again}"
        )
    return _gathered(patients, planned, place, how, watch, _silent)


def _plan(main: PriorSet, others: Sequence[PriorSet], settings: SamplerSettings, how: dict[str, Any]) -> Plan:
    """Return the fits of an analysis; a first look at several cohorts leaves other prior sets to `sensitivity`."""
    repeated = [] if how["quick"] and how["cohorts"] > 1 else others
    return plan(main, repeated, settings, how["designs"], how["quick"], how["exposures"], how["cohorts"])


def _gathered(
    patients: Patients, planned: Plan, folder: Path, how: dict[str, Any], watch: Stopwatch, told: Told
) -> Analysed:
    study, cohorts = patients.study, patients.cohorts
    store, seed = Store(folder / "fits"), planned.main.settings.seed
    with watch.stage("fits"):
        beside = (
            () if patients.publication is None else companion_jobs(study, patients.publication, seed, store)
        )
        readings = readings_of(study, cohorts, planned.requests, store, told, planned.illustrated, beside)
    with watch.stage("comparators"):
        behind = patients.publication
        table = frequentist_analysis(
            study,
            cohorts,
            store,
            behind.evidence if behind is not None else None,
            behind.matched if behind is not None else None,
        )
    keys = {
        request.label: [fit_key(study, cohort, request) for cohort in cohorts] for request in planned.requests
    }
    main_fit = store.load(keys[planned.main.label][0])
    assert main_fit is not None, "the main fit was made just now"
    models = len(planned.models)
    prior_sets_from = models + len(planned.exposures)
    kept = manifest(
        study,
        cohorts,
        [how["priors"]],
        seed=seed,
        settings=vars(planned.main.settings),
        analysis=how,
        fits=keys if len(cohorts) > 1 else {label: listed[0] for label, listed in keys.items()},
    )
    results = Results(
        study,
        cohorts,
        tuple(readings[:models]),
        tuple(readings[models:prior_sets_from]),
        tuple(readings[prior_sets_from:]),
        table,
        main_fit,
        kept,
        planned.illustrated,
    )
    if patients.publication is None:
        return Analysed(results, folder, watch)
    with watch.stage("publication"):
        told("the publication", len(readings), len(readings) + 1)
        companions = companions_of(study, patients.publication, seed, store)
    results = replace(results, beside=companions.checks)
    return Analysed(results, folder, watch, patients.publication, companions)


def write_results(made: Analysed, told: Told) -> None:
    """Write tables, figures, the page and the manifest of an analysis."""
    results, folder, watch = made.results, made.folder, made.watch
    with watch.stage("tables"):
        write_table(results.estimands, folder / "estimands.csv")
        write_table(results.comparators, folder / "comparators.csv")
        write_table(results.checks, folder / "checks.csv")
        write_table(results.sensitivity, folder / "sensitivity.csv")
        if len(results.cohorts) > 1:
            write_table(results.pooling, folder / "pooling.csv")
    with watch.stage("sections"):
        sections = _sections(made, told)
    with watch.stage("figures"):
        items = _draw(results, folder, told)
    stamped = {**results.manifest, "wall_time_seconds": dict(watch.seconds)}
    write_text(folder / "report.html", render(_report(results, items, sections, stamped)))
    write_json(stamped, folder / MANIFEST)


def _sections(made: Analysed, told: Told) -> list[ReportSection]:
    """Return the sections on what the effect hangs on, and on the publication, whose audit and replication it writes."""
    results, publication, companions = made.results, made.publication, made.companions

    def draw(name: str, figure: Callable[[], Figure]) -> str:
        return drawn(name, made.folder / "figures", results.mark, figure)

    sections = sensitivity_sections(results, draw)
    if publication is None or companions is None:
        return sections
    told("the publication", 0, 1)
    write_audit(results.study, publication.evidence, companions.findings, made.folder)
    write_table(companions.replication.summary, made.folder / "replicate.csv")
    return [*sections, *publication_sections(results, publication, companions, draw)]


def _draw(results: Results, folder: Path, told: Told) -> list[FigureItem]:
    """Draw what has changed, and return every figure of the page; the diagnostic plots lie beside the fits."""
    shown = list(exhibits(results))
    items = []
    for number, exhibit in enumerate(shown):
        told(exhibit.title, number, len(shown) + 1)
        svg = drawn(exhibit.id, folder / "figures", results.mark, exhibit.draw)
        items.append(FigureItem(exhibit.id, exhibit.title, exhibit.caption, svg, exhibit.group))
    told("diagnostic plots", len(shown), len(shown) + 1)
    main = results.main.request
    store = Store(folder / "fits")
    drawings = [
        diagnostics_of(results.study, results.cohort, request, store, _silent)
        for request in results.illustrated
    ]
    plots = drawings[0]  # the main fit's; those of the others lie beside their fits
    for name, svg in plots.items():
        title = f"{name.replace('_', ' ').capitalize()}: {main.label}"
        caption = CAPTIONS[f"diagnostics_{name}"]
        items.append(FigureItem(f"diagnostics-{name.replace('_', '-')}", title, caption, svg, "diagnostics"))
    return items


def _report(
    results: Results, items: Sequence[FigureItem], sections: Sequence[ReportSection], stamped: dict[str, Any]
) -> Report:
    table = results.comparators
    arms = (
        table[table["statistic"].isin(["patients", "events", "median_follow_up"])]
        .pivot_table(index="arm", columns="statistic", values="estimate", aggfunc="first")
        .reset_index()
    )
    main = results.main.request
    under_main_priors = results.estimands[results.estimands["prior_set"] == main.priors.name]
    return Report(
        study=results.study,
        arms=arms,
        main=main.named,
        estimands=under_main_priors,
        comparators=table,
        checks=results.checks,
        priors=results.priors,
        prior_statements=prior_statements(results),
        sensitivity=results.sensitivity,
        figures=items,
        caveats=honest_sentences(results),
        sections=sections,
        cohorts=len(results.cohorts),
        manifest=stamped,
    )


def _silent(what: str, part: int, parts: int) -> None:
    """Take no notice of progress."""
