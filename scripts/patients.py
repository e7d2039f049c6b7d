"""The patients that a command works on: a cohort, or cohorts of pseudo-patients where a study publishes none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from data.aggregate.cohort import load_aggregate
from data.aggregate.table import Withheld
from data.published.evidence import load_evidence
from data.study.cohort import Cohort
from data.study.imputed_cohorts import Imputation, load_cohorts
from data.study.pseudo_cohorts import pseudo_cohorts, settle
from data.study.study import Study, load_study
from models.prior_files import read_prior_set
from models.specification import known_parameters
from scripts.console import Progress
from scripts.jobs import ready_folder

if TYPE_CHECKING:
    from inference.fits.executor import Executors
    from inference.report.publication import Publication


FURTHER = "further"


@dataclass(frozen=True, eq=False)
class Patients:
    """A study and its patients."""

    study: Study
    cohorts: tuple[Cohort, ...]  # one, but for a reconstruction and for imputed covariates
    publication: Publication | None = None  # what stands behind pseudo-patients
    imputation: Imputation | None = None  # where cells of covariates were missing and imputed
    # of pseudo-patients, after `cohorts`: for requests that pool more of them
    further: tuple[Cohort, ...] = ()
    withheld: tuple[Withheld, ...] = ()  # of an aggregate: what each site withholds

    @property
    def every(self) -> tuple[Cohort, ...]:
        """All cohorts."""
        return (*self.cohorts, *self.further)

    @property
    def cohort(self) -> Cohort:
        """The first cohort: for what all have in common."""
        return self.cohorts[0]


def load_patients(
    reference: str,
    cohorts: int,
    seed: int,
    out: Path | None,
    progress: Progress,
    priors: Sequence[str] = (),
    executors: Executors | None = None,
) -> Patients:
    """Return a study and its patients, reconstructing them where none is published and it was not done before.

    `cohorts` and `seed` are of a reconstruction, or of imputations; a reconstruction is kept in `out`, instead of
    outputs/<study>, and drawn by `executors`, instead of worker processes of this machine. The prior sets that will be asked
    for are read first, because reconstructing takes a while.
    """
    study = load_study(reference)
    if study.cohort.source == "aggregate":
        cohort, settled, withheld = load_aggregate(study)
        return Patients(settled, (cohort,), withheld=withheld)
    if study.cohort.source != "reconstruction":
        completed, imputation = load_cohorts(study, cohorts, seed)
        return Patients(study, completed, imputation=imputation)
    from inference.published.cohort_cache import COHORTS, ensemble_of
    from inference.report.publication import Publication

    evidence = load_evidence(study)
    for one in priors:
        read_prior_set(one, known_parameters(), study.folder)
    folder = ready_folder(out if out is not None else Path("outputs") / study.name)
    done = partial(progress, "reconstructing cohorts of pseudo-patients")
    made = ensemble_of(study, evidence, cohorts, seed, folder, done, executors=executors)
    pseudo = pseudo_cohorts(made.patients, study, str(folder / COHORTS))
    publication = Publication(evidence, made, pseudo.matched)
    return Patients(settle(study, pseudo.cohorts), pseudo.cohorts, publication)


def with_further(
    patients: Patients,
    reference: str,
    count: int,
    seed: int,
    folder: Path,
    progress: Progress,
    executors: Executors | None = None,
) -> Patients:
    """Return patients of a reconstruction with further cohorts, so that there are `count` in all; as they are where there are as many.

    The first cohorts stay what they are. Intervals, horizon and times that the study file leaves open are settled anew, so that all
    cohorts can be pooled. Further cohorts are kept in a folder in that of the analysis.
    """
    known = len(patients.cohorts)
    if count <= known:
        return patients
    from inference.published.cohort_cache import COHORTS, ensemble_of

    assert patients.publication is not None, "further cohorts are reconstructed"
    study, own = load_study(reference), ready_folder(folder / FURTHER)
    done = partial(progress, "reconstructing further cohorts of pseudo-patients")
    evidence = patients.publication.evidence
    made = ensemble_of(study, evidence, count - known, seed, own, done, known + 1, executors)
    further = pseudo_cohorts(made.patients, study, str(own / COHORTS)).cohorts
    return replace(patients, study=settle(study, (*patients.cohorts, *further)), further=further)
