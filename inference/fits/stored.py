"""Fits, their summaries and pooled summaries on disk: each is decided by what it rests on, and computed where it is missing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import xarray as xr

from data.errors import NotEstimableError
from data.study.cohort import Cohort
from data.study.study import Study
from inference.fits.fits import FitSummary, read_fit
from inference.fits.pooling import pool
from inference.fits.requests import FitRequest, cohorts_of, problem_of, request_of_cohort
from inference.fits.sampled_fit import sampled_fit
from inference.fits.summary_tree import summary_from_tree, summary_to_tree
from inference.storage.cache import TREE, Deferred, cached
from inference.storage.folders import FITS, KEPT


@cached(TREE)
def summary_of_fit(
    study: Study, cohort: Cohort, request: FitRequest, fit: Deferred[xr.DataTree]
) -> xr.DataTree:
    """Return the summary of a fit."""
    return summary_to_tree(read_fit(study, cohort, request, fit.value()))


@cached(TREE)
def pooled_summary(request: FitRequest, parts: Sequence[Deferred[xr.DataTree]]) -> xr.DataTree:
    """Return the summaries of one model, pooled over cohorts."""
    return summary_to_tree(pool([summary_from_tree(part.value(), request, part.content) for part in parts]))


@dataclass(frozen=True, eq=False)
class StoredFit:
    """A fit of one cohort and its summary."""

    fit: Deferred[xr.DataTree]
    summary: Deferred[xr.DataTree]

    def held(self) -> bool:
        """Return whether both are there, as they were written."""
        return self.fit.held() and self.summary.held()

    def make(self) -> None:
        """Sample and summarise what is missing."""
        if not self.fit.held():
            self.fit.value()
        if not self.summary.held():
            self.summary.value()


@dataclass(frozen=True, eq=False)
class StoredModel:
    """The fits of one model to the cohorts that its request pools.

    Attributes
    ----------
    study : Study
    cohorts : sequence of Cohort
        Of the analysis; of a request that states fewer, the first ones count.
    request : FitRequest
    folder : Path
        Of the analysis.
    """

    study: Study
    cohorts: Sequence[Cohort]
    request: FitRequest
    folder: Path

    @cached_property
    def fits(self) -> tuple[StoredFit, ...]:
        """Those of each cohort."""
        return tuple(
            self._of_cohort(number, cohort)
            for number, cohort in enumerate(cohorts_of(self.request, self.cohorts))
        )

    @cached_property
    def keys(self) -> list[str]:
        """Keys of the fits."""
        return [one.fit.content for one in self.fits]

    @cached_property
    def pooled(self) -> Deferred[xr.DataTree]:
        """The summary over all cohorts."""
        first, *others = parts = [one.summary for one in self.fits]
        return pooled_summary.deferred(self.folder / KEPT, self.request, parts) if others else first

    def pool(self) -> None:
        """Pool the summaries; those of single cohorts, which take more room than the fits that give them again, are then removed."""
        self.pooled.value()
        for one in self.fits if len(self.fits) > 1 else ():
            one.summary.discard()

    def possible(self) -> bool:
        """Return whether there are patients to fit: at a landmark, events in both arms of those left."""
        try:
            return bool(self.fits)
        except NotEstimableError:
            return False

    def held(self) -> bool:
        """Return whether the summary and every fit behind it are there, as they were written."""
        return self.pooled.held() and all(one.fit.held() for one in self.fits)

    @cached_property
    def missing(self) -> dict[int, StoredFit]:
        """By cohort, the fits that were not there with their summaries when this was first asked."""
        if not self.possible() or self.held():
            return {}
        return {cohort: one for cohort, one in enumerate(self.fits) if not one.held()}

    def summary(self) -> FitSummary:
        """Return the summary over all cohorts."""
        return summary_from_tree(self.pooled.value(), self.request, self.pooled.content)

    def _of_cohort(self, number: int, cohort: Cohort) -> StoredFit:
        own = replace(request_of_cohort(self.request, number), cohorts=None)
        problem = problem_of(self.study, cohort, own)
        # Priors and log likelihoods of one cohort serve those who look at the fits; of many cohorts they would fill a disk.
        whole = number == 0 and own.left_out
        fit = sampled_fit.deferred(self.folder / FITS, self.study.name, own.named, problem, whole=whole)
        return StoredFit(fit, summary_of_fit.deferred(self.folder / KEPT, self.study, cohort, own, fit))
