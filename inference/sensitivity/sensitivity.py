"""What a sensitivity analysis states: to which analyses it applies, what it computes of each cohort, and how that is pooled and checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data.study.cohort import Cohort
from data.study.imputed_cohorts import Imputation
from data.study.study import Study
from inference.diagnostics.checks.result import CheckResult, at_most
from inference.fits.executor import Chunk
from inference.fits.requests import FitRequest
from inference.storage.cache import Cached, Deferred
from models.specification import ModelSpec, outcome_spec

PART = 5  # cohorts in a chunk
CLOSE = 0.1  # of a posterior sd: how far a normal approximation may be off before it is said


@dataclass(frozen=True)
class MainAnalysis:
    """The analysis of which something is varied.

    Attributes
    ----------
    study : Study
    cohorts : tuple of Cohort
    main : FitRequest
        The main model: its priors, sampler settings and exposure.
    imputation : Imputation or None
        Where cells of covariates were missing and imputed.
    """

    study: Study
    cohorts: tuple[Cohort, ...]
    main: FitRequest
    imputation: Imputation | None = None

    @property
    def naive(self) -> bool:
        """Whether exposure is ever against never: what an unknown start, or an unmeasured confounder, is built upon."""
        return self.main.exposure == "naive" and self.cohorts[0].treatment_start is None

    @cached_property
    def spec(self) -> ModelSpec:
        """The main baseline with a constant effect and no propensity score."""
        return outcome_spec(self.study, self.cohorts[0], self.main.baseline, "constant", "absent")


@dataclass(frozen=True)
class Sensitivity[T]:
    """A sensitivity analysis.

    Attributes
    ----------
    name : str
        In the family.
    label : str
        Shown as progress.
    applies : callable
        Whether an analysis allows it.
    compute : Cached
        Of one cohort: gives a Dataset.
    arguments : callable
        Gives the arguments of `compute`, for each of the cohorts that are computed.
    pool : callable
        Gives the result over all cohorts.
    checks : callable
        Gives the checks of a result.
    """

    name: str
    label: str
    applies: Callable[[MainAnalysis], bool]
    compute: Cached[..., xr.Dataset]
    arguments: Callable[[MainAnalysis], Sequence[tuple[Any, ...]]]
    pool: Callable[[Sequence[xr.Dataset]], T]
    checks: Callable[[T], list[CheckResult]]

    def result(self, analysis: MainAnalysis, folder: Path) -> T:
        """Return the result over all cohorts, computing what is not kept in the folder."""
        return self.pool([self.compute(folder, *given) for given in self.arguments(analysis)])

    def chunks(self, analysis: MainAnalysis, folder: Path) -> list[Chunk]:
        """Return what is not in the folder yet, in chunks of `PART` cohorts."""
        if not self.applies(analysis):
            return []
        results = [self.compute.deferred(folder, *given) for given in self.arguments(analysis)]
        missing = [one for one in results if not one.held()]
        parts = [missing[first : first + PART] for first in range(0, len(missing), PART)]
        return [Chunk(self.label, partial(_compute_all, part), len(part)) for part in parts]


def evenly_spaced(count: int, most: int) -> list[int]:
    """Return at most so many of `count` positions, from the first to the last."""
    return sorted({int(place) for place in np.linspace(0, count - 1, most)})


def approximation_checks(subject: str, off: Mapping[str, float]) -> list[CheckResult]:
    """Return how far a normal approximation is from draws, by what is compared: in posterior standard deviations."""
    text = "largest distance of the normal approximation from draws, in posterior standard deviations"
    return [
        at_most("convergence", f"{subject}, {what}", distance, CLOSE, text, "warn")
        for what, distance in off.items()
    ]


def _compute_all(results: Sequence[Deferred[xr.Dataset]]) -> None:
    for one in results:
        one.value()
