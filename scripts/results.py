"""From a command to the results of an analysis."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from data.errors import InputError, NotEstimableError
from data.study.cohort import Cohort
from data.study.study import Study, load_study
from inference.adjustments.adjusted import silent
from inference.diagnostics.checks.counted import withheld_checks
from inference.diagnostics.checks.imputation import imputation_checks
from inference.estimands.horizon import report_times
from inference.fits.analysis import summaries_of
from inference.fits.cluster import Cluster
from inference.fits.comparators import frequentist_analysis
from inference.fits.executor import WORKERS, Chunk
from inference.fits.fits import FitSummary
from inference.fits.plan import AnalysisSettings, Plan, plan
from inference.fits.requests import FitRequest, cohorts_of, problem_of
from inference.fits.stored import StoredModel
from inference.report.diagnostic_plots import plots_after
from inference.report.publication import (
    Companions,
    Publication,
    companion_chunks,
    companions_of,
    sampled_meanwhile,
)
from inference.report.results import Results
from inference.sensitivity.computed import NOTHING, Computed, sensitivity_chunks, sensitivity_of
from inference.sensitivity.effects import changing_effects
from inference.sensitivity.sensitivity import MainAnalysis
from inference.storage.folders import KEPT
from scripts.console import Progress
from scripts.jobs import Stopwatch, manifest, prior_sets, ready_folder
from scripts.options import Sampling, workers_of
from scripts.patients import Patients, load_patients, with_further

MANIFEST = "manifest.json"
MADE_BY = ("command", "commit", "clean")
WRITING = ("tables", "figures")  # stages of a report too


@dataclass(frozen=True, eq=False)
class Analysed:
    """An analysis that was made."""

    results: Results
    folder: Path  # where its files are
    watch: Stopwatch
    publication: Publication | None = None  # what stands behind pseudo-patients
    companions: Companions | None = None  # what is computed from the publication
    # feedback, treatment timing and unmeasured confounding; a quick look has none of it
    computed: Computed = NOTHING


def analysed(
    reference: str, priors: str, sampling: Sampling, progress: Progress, given: Sequence[str] | None = None
) -> Analysed:
    """Return the analysis of a study, by its name, file or folder, under a main prior set, fitting what is missing.

    `given` are further prior sets of a sensitivity analysis. A quick one has the main model under all sets and nothing else.
    """
    watch, named = Stopwatch(), load_study(reference)
    executors = workers_of(sampling.cluster, named)
    with watch.stage("patients"), sampled_meanwhile(named, sampling.seed, sampling.folder(named) / KEPT):
        patients = load_patients(
            reference,
            sampling.cohorts_of(named),
            sampling.seed,
            sampling.out,
            progress,
            [priors, *(given or ())],
            executors,
        )
    with watch.stage("read"):
        study, count = patients.study, len(patients.cohorts)
        counted = patients.cohort.counts is not None
        exposures = sampling.exposures(study, patients.cohort)
        main, *others = prior_sets(study, patients.cohort, priors, given or ())
        settings = AnalysisSettings(
            priors=priors,
            given=list(given or ()),
            sampler=sampling.settings(count),
            designs=sampling.designs_of_a_cohort(count),
            quick=sampling.quick,
            exposures=exposures,
            effects=[] if sampling.quick or counted else changing_effects(study, patients.cohort),
            cohorts=count,
            interaction_cohorts=sampling.interaction_cohorts(study, count),
            prior_sets_alone=given is not None and sampling.quick,
            score_given=study.propensity.score is not None,
            counted=counted,
        )
        planned = plan(main, others, settings)
        _refuse_what_cannot_be_fitted(study, patients.cohorts, planned.requests)
        folder = ready_folder(sampling.folder(study))
    with watch.stage("further patients"):
        count = _pooled(planned)
        patients = with_further(patients, reference, count, sampling.seed, folder, progress, executors)
        _refuse_what_cannot_be_fitted(patients.study, patients.every, planned.requests)
    models = _models(patients, planned, folder)
    return _gathered(patients, planned, models, folder, settings, watch, progress, executors)


def _refuse_what_cannot_be_fitted(
    study: Study, cohorts: Sequence[Cohort], requests: Sequence[FitRequest]
) -> None:
    """Raise InputError where the report's times or a request do not suit the patients: before anything is written."""
    for cohort in cohorts:
        report_times(study, cohort)
    for request in requests:
        for cohort in cohorts_of(request, cohorts):
            try:
                problem_of(study, cohort, request)
            except NotEstimableError:
                if request is requests[0]:  # others become a row with the reason
                    raise


def reported(reference: str, folder: Path | None) -> Analysed:
    """Return an analysis that was made before, from its saved fits.

    What made the numbers, and how long it took, is as the analysis said; what makes the page again stands beside it, under "report".

    Raises
    ------
    InputError
        Where there is no analysis, or fits are missing.
    """
    study = load_study(reference)
    place = folder if folder is not None else Path("outputs") / study.name
    again = f"run `rtsurv analyse {reference}` first"
    try:
        made = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        settings, lacking = AnalysisSettings.from_manifest(made), made["not_estimable"]
        numbers, times = {key: made[key] for key in MADE_BY}, dict(made["wall_time_seconds"])
        seed = settings.sampler.seed
        patients = load_patients(reference, settings.cohorts, seed, place, silent)
        main, *others = prior_sets(study, patients.cohort, settings.priors)
        planned = plan(main, others, settings)
        patients = with_further(patients, reference, _pooled(planned), seed, place, silent)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{place}: must hold an analysis, but found no {MANIFEST} of one; {again}"
        ) from error
    models = _models(patients, planned, place)
    missing = [
        model.request.label
        for model in models
        if model.request.label not in lacking and not all(one.fit.held() for one in model.missing.values())
    ]
    if missing:
        raise InputError(
            f"{place}: must hold the fits of this study, these priors and this version, but found none of "
            f"{'; '.join(missing)}; {again}"
        )
    found = _gathered(patients, planned, models, place, settings, Stopwatch(), silent)
    again = {key: found.results.manifest[key] for key in MADE_BY}
    stamped = {**found.results.manifest, **numbers, "report": again}
    watch = Stopwatch()
    watch.seconds |= {stage: time for stage, time in times.items() if stage not in WRITING}
    return replace(found, results=replace(found.results, manifest=stamped), watch=watch)


def _pooled(planned: Plan) -> int:
    """Return how many cohorts the fits of an analysis pool at most."""
    return max(request.cohorts or 1 for request in planned.requests)


def _models(patients: Patients, planned: Plan, folder: Path) -> list[StoredModel]:
    return [StoredModel(patients.study, patients.every, request, folder) for request in planned.requests]


def _gathered(
    patients: Patients,
    planned: Plan,
    models: Sequence[StoredModel],
    folder: Path,
    settings: AnalysisSettings,
    watch: Stopwatch,
    progress: Progress,
    executors: Cluster | None = None,
) -> Analysed:
    study, cohorts = patients.study, patients.cohorts
    kept, seed, behind = folder / KEPT, settings.sampler.seed, patients.publication
    analysis = MainAnalysis(study, cohorts, planned.main, patients.imputation)
    printed = (behind.evidence, behind.matched) if behind is not None else (None, None)
    frequentist = frequentist_analysis(kept, study, cohorts, *printed)
    with watch.stage("fits"):
        others = [] if frequentist.held() else [Chunk("Cox models", frequentist.value)]
        if behind is not None:
            others += companion_chunks(study, behind, seed, kept, settings.quick)
        if not (settings.quick or settings.counted):
            others += sensitivity_chunks(analysis, kept)
        after = partial(plots_after, planned.illustrated)
        workers = WORKERS if executors is None else executors.workers
        found = summaries_of(models, progress, after, others, executors, workers)
    summaries = {one.request.label: one for one in found if isinstance(one, FitSummary)}
    lacking = [
        (model, one) for model, one in zip(models, found, strict=True) if isinstance(one, NotEstimableError)
    ]
    if lacking and lacking[0][0] is models[0]:
        raise lacking[0][1]
    fitted = [model for model in models if model.request.label in summaries]

    def of(requests: Sequence[FitRequest]) -> tuple[FitSummary, ...]:
        return tuple(summaries[request.label] for request in requests if request.label in summaries)

    results = Results(
        study,
        cohorts,
        of(planned.models),
        of(planned.exposures),
        of(planned.effects),
        of(planned.prior_sets),
        of(planned.prior_sets_cut),
        comparators=frequentist.value(),
        main_fit=models[0].fits[0].fit.value(),
        manifest=manifest(
            study,
            cohorts,
            [settings.priors, *settings.given],
            seed=seed,
            **settings.manifest,
            fits={model.request.label: model.keys if len(cohorts) > 1 else model.keys[0] for model in fitted},
            not_estimable=[model.request.label for model, _ in lacking],
        ),
        illustrated=tuple(model for model in fitted if model.request in planned.illustrated),
        further=patients.further,
        imputation=patients.imputation,
        not_estimable=tuple((model.request, str(error)) for model, error in lacking),
    )
    with watch.stage("sensitivity"):
        computed = NOTHING if settings.quick or settings.counted else sensitivity_of(analysis, kept)
    trace = {} if patients.imputation is None else patients.imputation.trace
    beside = (*imputation_checks(trace), *computed.checks, *withheld_checks(patients.withheld))
    results = replace(results, beside=beside)
    if behind is None:
        return Analysed(results, folder, watch, computed=computed)
    with watch.stage("publication"):
        progress("the publication", len(found), len(found) + 1)
        companions = companions_of(results, behind, seed, kept, settings.quick)
    results = replace(results, beside=(*results.beside, *companions.checks))
    return Analysed(results, folder, watch, behind, companions, computed)
