"""One model, from the words of a command to a fit of each cohort, and on to files."""

from collections.abc import Generator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import xarray as xr

from data.study.cohort import Cohort
from data.study.pseudo_cohorts import words_for
from data.study.study import Study, load_study
from inference.adjustments import ADJUSTMENTS, Problem
from inference.diagnostics.checks.counted import withheld_checks
from inference.diagnostics.checks.result import COLUMNS, checks_table
from inference.estimands.horizon import report_times
from inference.fits.choices import member, prior_set
from inference.fits.cluster import Cluster
from inference.fits.comparators import comparators_of_cohorts
from inference.fits.fits import FitSummary, read_fit
from inference.fits.one_fit import fitted_elsewhere
from inference.fits.pooling import pool, stack_cohorts
from inference.fits.requests import FitRequest, check_effect, check_exposure, problem_of, request_of_cohort
from inference.fits.sampled_fit import sampled_fit
from inference.fits.tables import as_written
from inference.predictive.replicates.statistics import MANY
from inference.report.drawing import DRAWERS, DrawingWorkers, diagnostics_for, draw_diagnostic
from inference.storage.atomic import atomic_path
from inference.storage.cache import TREE
from models.baselines import BASELINES
from models.effects import EFFECTS
from scripts.console import Progress, part_of
from scripts.jobs import Stopwatch, manifest, ready_folder, write_json, write_table
from scripts.options import Sampling, workers_of
from scripts.patients import Patients, load_patients

PLOTTED = ("posterior", "sample_stats", "prior", "log_likelihood")  # what diagnostic plots show of a fit


@dataclass(frozen=True)
class Choice:
    """A model as a command names it: members of their families, and a prior set by path or name."""

    baseline: str
    adjustment: str
    effect: str
    priors: str

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return "-".join(
            ["fit", self.baseline, self.adjustment, *([] if self.effect == "constant" else [self.effect])]
        )


@dataclass(frozen=True, eq=False)
class Prepared:
    """A model of a study's patients, before it is fitted."""

    choice: Choice
    patients: Patients
    request: FitRequest  # for all cohorts; `requests` are those of each
    folder: Path  # where its files go
    executors: Cluster | None = None  # the workers of a cluster; None for this process

    @property
    def study(self) -> Study:
        """The study."""
        return self.patients.study

    @property
    def cohorts(self) -> tuple[Cohort, ...]:
        """Its patients."""
        return self.patients.cohorts

    @cached_property
    def requests(self) -> list[FitRequest]:
        """The request of each cohort."""
        return [request_of_cohort(self.request, number) for number in range(len(self.cohorts))]

    @cached_property
    def problems(self) -> list[Problem]:
        """What the adjustment gets of each cohort."""
        return [
            problem_of(self.study, cohort, one)
            for cohort, one in zip(self.cohorts, self.requests, strict=True)
        ]

    @cached_property
    def keys(self) -> list[str]:
        """The digest of all that decides the fit of each cohort."""
        return [sampled_fit.key(self.study.name, self.request.named, one) for one in self.problems]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model that was fitted."""

    trees: Sequence[xr.DataTree]  # the fit of each cohort
    summary: FitSummary  # over all cohorts
    comparators: Future[pd.DataFrame]  # frequentist estimates, over several cohorts pooled


def prepared(reference: str, choice: Choice, sampling: Sampling, progress: Progress) -> Prepared:
    """Return a model of a study's patients.

    Raises
    ------
    InputError
        Where the study, the patients or the model are wrong, or the folder cannot be written into: before anything is sampled.
    """
    member("--baseline", choice.baseline, BASELINES)
    member("--adjustment", choice.adjustment, ADJUSTMENTS)
    member("--effect", choice.effect, EFFECTS)
    check_effect(choice.adjustment, choice.effect)
    study = load_study(reference)
    executors, count = workers_of(sampling.cluster, study), sampling.cohorts_of(study)
    patients = load_patients(
        reference, count, sampling.seed, sampling.out, progress, [choice.priors], executors
    )
    study, cohorts = patients.study, len(patients.cohorts)
    exposure = sampling.checked_exposure(study, patients.cohort)
    check_exposure(choice.adjustment, exposure)
    report_times(study, patients.cohort)
    request = FitRequest(
        choice.baseline,
        choice.adjustment,
        choice.effect,
        prior_set(choice.priors, study, patients.cohort),
        sampling.settings(cohorts),
        sampling.designs_of_a_cohort(cohorts).get(choice.adjustment, 1),
        exposure,
    )
    made = Prepared(
        choice, patients, request, sampling.out or sampling.folder(study) / choice.folder, executors
    )
    _ = made.keys  # a request that does not suit the patients ends here
    ready_folder(made.folder)
    return made


@dataclass(frozen=True, eq=False)
class Beside:
    """What worker processes do while fits are read: diagnostic plots of the first cohort's, and frequentist estimates."""

    model: Prepared
    workers: DrawingWorkers
    copy: Path  # the file that plots are drawn from

    def begin(self, fit: xr.DataTree) -> Future[pd.DataFrame]:
        """Begin, and return the estimates to come; from here on the folder has no manifest, until all files are of one fit again."""
        one = self.model
        names = diagnostics_for(one.choice.adjustment, one.patients.cohort.counts is not None)
        (one.folder / "manifest.json").unlink(missing_ok=True)
        if names:
            self._draw(names, fit)
        return self.workers.submit(_comparators, one.patients)

    def _draw(self, names: Sequence[str], fit: xr.DataTree) -> None:
        one = self.model
        groups = {name: fit[name].to_dataset() for name in PLOTTED if name in fit.children}
        if "log_likelihood" in groups:
            groups["log_likelihood"] = groups["log_likelihood"][["time"]]
        TREE.write(xr.DataTree.from_dict(groups), self.copy)
        for name in names:
            self.workers.submit(
                draw_diagnostic,
                name,
                partial(TREE.read, self.copy),
                self.workers.folder,
                one.keys[0],
                words_for(one.study),
            )


@contextmanager
def beside_reading(one: Prepared) -> Generator[Beside]:
    """Yield what is done beside the reading of a model's fits, nothing begun; left without an error, all is done."""
    cohort = one.patients.cohort
    # reading then takes long, with two threads of its own
    busy = cohort.counts is None and cohort.size > MANY
    with (
        TemporaryDirectory() as aside,
        DrawingWorkers(one.folder / "figures", 1 if busy else DRAWERS) as workers,
    ):
        yield Beside(one, workers, Path(aside) / "fit.nc")


def fitted(one: Prepared, beside: Beside, watch: Stopwatch, progress: Progress) -> Fitted:
    """Return the fits of a model, made in this process or by the workers of a cluster."""
    if one.executors is not None:
        with watch.stage("fits"):
            trees, summaries = fitted_elsewhere(
                one.executors, one.folder, one.study, one.cohorts, one.requests, one.problems, progress
            )
        return Fitted(trees, pool(summaries), beside.begin(trees[0]))
    trees, summaries, begun, count = [], [], [], len(one.cohorts)
    for number, (cohort, problem) in enumerate(zip(one.cohorts, one.problems, strict=True)):
        part = progress if count == 1 else part_of(progress, number, count)
        with watch.stage("sampling"):
            trees.append(sampled_fit.function(one.study.name, one.request.named, problem, part))
        if number == 0:
            begun.append(beside.begin(trees[0]))
        with watch.stage("estimands and checks"):
            summaries.append(read_fit(one.study, cohort, one.requests[number], trees[-1]))
    return Fitted(trees, pool(summaries), begun[0])


def checks_of(one: Prepared, made: Fitted) -> pd.DataFrame:
    """Return the checks of a fit, and of the counts that it rests on."""
    return checks_table([*made.summary.checks, *withheld_checks(one.patients.withheld)])


def write_fit(
    one: Prepared, made: Fitted, beside: Beside, seed: int, watch: Stopwatch, progress: Progress
) -> None:
    """Write a fit, its tables, its diagnostic plots and, last, the manifest: with it, all files are of one fit."""
    folder, several = one.folder, len(one.cohorts) > 1
    with atomic_path(folder / "fit.nc") as temporary:
        TREE.write(stack_cohorts(made.trees), temporary)
    write_table(as_written(made.summary.estimands), folder / "estimands.csv")
    write_table(checks_of(one, made)[list(COLUMNS)], folder / "checks.csv")
    if several:
        write_table(made.summary.pooling, folder / "pooling.csv")
    with watch.stage("figures"):
        beside.workers.finish(progress)
    write_table(made.comparators.result(), folder / "comparators.csv")
    more = {
        "seed": seed,
        "settings": {**vars(one.request.settings), "designs": one.request.designs},
        "model": one.request.named,
        "fit": one.keys if several else one.keys[0],
        "wall_time_seconds": watch.seconds,
    }
    write_json(manifest(one.study, one.cohorts, [one.choice.priors], **more), folder / "manifest.json")


def _comparators(patients: Patients) -> pd.DataFrame:
    """Return frequentist estimates; over several cohorts pooled."""
    study, publication = patients.study, patients.publication
    times, landmarks = report_times(study, patients.cohort), study.report.landmarks
    evidence = None if publication is None else publication.evidence
    return comparators_of_cohorts.function(patients.cohorts, *times, landmarks, evidence, None)
