"""From a command to the results of an analysis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from data.errors import InputError
from data.study.cohort import Cohort
from data.study.study import Study, load_study
from inference.estimands.horizon import report_times
from inference.fits.analysis import Plan, plan, summaries_of
from inference.fits.comparators import frequentist_analysis
from inference.fits.requests import FitRequest, fit_keys
from inference.fits.workers import Beside
from inference.report.diagnostic_plots import plots_after
from inference.report.publication import (
    Companions,
    Publication,
    companion_jobs,
    companions_of,
    sampled_meanwhile,
)
from inference.report.results import Results
from inference.sampling.engine import SamplerSettings
from inference.sensitivity import MainAnalysis
from inference.sensitivity.computed import NOTHING, Computed, sensitivity_jobs, sensitivity_of
from inference.sensitivity.effects import changing_effects
from inference.storage.store import Store
from models.priors import PriorSet
from scripts.console import Progress
from scripts.jobs import (
    Stopwatch,
    manifest,
    prior_sets,
    ready_folder,
)
from scripts.options import FITS, Sampling
from scripts.patients import Patients, load_patients, with_further

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
    computed : Computed
        Feedback, treatment timing and unmeasured confounding; a quick look has none of it.
    """

    results: Results
    folder: Path
    watch: Stopwatch
    publication: Publication | None = None
    companions: Companions | None = None
    computed: Computed = NOTHING


def analysed(
    reference: str, priors: str, sampling: Sampling, progress: Progress, given: Sequence[str] | None = None
) -> Analysed:
    """Return the analysis of a study, fitting what is missing.

    Parameters
    ----------
    reference : str
        A bundled study's name, a study file or its folder.
    priors : str
        The main prior set.
    sampling : Sampling
    progress : callable
        Called with what is being done, how much is ready, and of how much.
    given : sequence of str or None
        Of a sensitivity analysis: further prior sets. A quick one has the main model under all sets and nothing else.
    """
    watch, named = Stopwatch(), load_study(reference)
    store = Store(sampling.folder(named) / FITS)
    with watch.stage("patients"), sampled_meanwhile(named, sampling.seed, store):
        patients = load_patients(
            reference,
            sampling.count("cohorts"),
            sampling.seed,
            sampling.out,
            progress,
            [priors, *(given or ())],
        )
    with watch.stage("read"):
        study, count = patients.study, len(patients.cohorts)
        exposures = sampling.exposures(study, patients.cohort)
        main, *others = prior_sets(study, patients.cohort, priors, given or ())
        how = {
            "priors": priors,
            "given": list(given or ()),
            "designs": sampling.designs_of_a_cohort(count),
            "quick": sampling.quick,
            "exposures": exposures,
            "effects": [] if sampling.quick else changing_effects(study, patients.cohort),
            "cohorts": count,
            "interaction_cohorts": sampling.interaction_cohorts(count),
        }
        planned = _plan(main, others, sampling.settings(count), how)
        if given is not None and sampling.quick:
            # Other prior sets are what is asked for, however many cohorts there are.
            everything = _plan(main, others, sampling.settings(count), how, repeated=True)
            planned = replace(everything, models=everything.models[:1], illustrated=())
        _refuse_what_cannot_be_fitted(study, patients.cohorts, planned.requests)
        folder = ready_folder(sampling.folder(study))
    with watch.stage("further patients"):
        patients = with_further(patients, reference, _pooled(planned), sampling.seed, folder, progress)
        _refuse_what_cannot_be_fitted(patients.study, patients.every, planned.requests)
    return _gathered(patients, planned, folder, how, watch, progress)


def _refuse_what_cannot_be_fitted(
    study: Study, cohorts: Sequence[Cohort], requests: Sequence[FitRequest]
) -> None:
    """Raise InputError where the report's times or a request do not suit the patients: before anything is written."""
    for cohort in cohorts:
        report_times(study, cohort)
    for request in requests:
        fit_keys(study, cohorts, request)


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
        patients = with_further(patients, reference, _pooled(planned), settings.seed, place, _silent)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{place}: must hold an analysis, but found no {MANIFEST} of one; {again}"
        ) from error
    store = Store(place / FITS)
    missing = [
        one.label
        for one in planned.requests
        if not all(store.holds(key) for key in fit_keys(patients.study, patients.every, one))
    ]
    if missing:
        raise InputError(
            f"{place}: must hold the fits of this study, these priors and this version, but found none of "
            f"{'; '.join(missing)}; {again}"
        )
    return _gathered(patients, planned, place, how, watch, _silent)


def _plan(
    main: PriorSet,
    others: Sequence[PriorSet],
    settings: SamplerSettings,
    how: dict[str, Any],
    repeated: bool = False,
) -> Plan:
    """Return the fits of an analysis; a first look at several cohorts leaves other prior sets to `sensitivity`, unless `repeated`."""
    left = how["quick"] and how["cohorts"] > 1 and not repeated
    return plan(
        main,
        [] if left else others,
        settings,
        how["designs"],
        how["quick"],
        how["exposures"],
        how["effects"],
        how["cohorts"],
        how["interaction_cohorts"],
    )


def _pooled(planned: Plan) -> int:
    """Return how many cohorts the fits of an analysis pool at most."""
    return max(request.cohorts or 1 for request in planned.requests)


def _gathered(
    patients: Patients, planned: Plan, folder: Path, how: dict[str, Any], watch: Stopwatch, progress: Progress
) -> Analysed:
    study, cohorts, every = patients.study, patients.cohorts, patients.every
    store, seed = Store(folder / FITS), planned.main.settings.seed
    with watch.stage("fits"):
        analysis = MainAnalysis(study, cohorts, planned.main)
        jobs = [] if how["quick"] else sensitivity_jobs(analysis, store.kept)
        beside = [Beside(job.label, job.run, needed=not job.kept()) for job in jobs]
        behind = patients.publication
        printed = (behind.evidence, behind.matched) if behind is not None else (None, None)
        frequentist = partial(frequentist_analysis, study, cohorts, store.kept, *printed)
        if behind is not None:
            beside += [
                *companion_jobs(study, behind, seed, store, how["quick"]),
                Beside("Cox models", frequentist),
            ]
        after = partial(plots_after, study, cohorts[0], planned.illustrated, store)
        summaries = summaries_of(study, every, planned.requests, store, progress, after, beside)
    with watch.stage("comparators"):
        table = frequentist()
    keys = {request.label: fit_keys(study, every, request) for request in planned.requests}
    main_fit = store.load(keys[planned.main.label][0])
    assert main_fit is not None, "the main fit was made just now"
    ordered = iter(summaries)
    models, exposures, effects, repeated, repeated_cut = (
        tuple(islice(ordered, len(group)))
        for group in (
            planned.models,
            planned.exposures,
            planned.effects,
            planned.prior_sets,
            planned.prior_sets_cut,
        )
    )
    kept = manifest(
        study,
        cohorts,
        [how["priors"], *how["given"]],
        seed=seed,
        settings=vars(planned.main.settings),
        analysis=how,
        fits=keys if len(cohorts) > 1 else {label: listed[0] for label, listed in keys.items()},
    )
    results = Results(
        study,
        cohorts,
        models,
        exposures,
        effects,
        repeated,
        repeated_cut,
        table,
        main_fit,
        kept,
        planned.illustrated,
        further=patients.further,
    )
    with watch.stage("sensitivity"):
        computed = NOTHING if how["quick"] else sensitivity_of(analysis, store.kept)
    results = replace(results, beside=computed.checks)
    if patients.publication is None:
        return Analysed(results, folder, watch, computed=computed)
    with watch.stage("publication"):
        progress("the publication", len(summaries), len(summaries) + 1)
        companions = companions_of(results, patients.publication, seed, store, how["quick"])
    results = replace(results, beside=(*results.beside, *companions.checks))
    return Analysed(results, folder, watch, patients.publication, companions, computed)


def _silent(what: str, part: int, parts: int) -> None:
    """Take no notice of progress."""
