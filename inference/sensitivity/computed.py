"""What takes a while of the sensitivity analyses: jobs for workers, each kept on disk, and what they say together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from data.cohort import Cohort
from data.evidence import load_evidence
from data.study import Study
from inference.checks import CheckResult
from inference.requests import FitRequest
from inference.sensitivity.confounding import (
    ConfoundingGrid,
    confounding_checks,
    confounding_kept,
    confounding_of,
)
from inference.sensitivity.feedback import RUNS, feedback_key, feedback_of_cohort, pooled_feedback
from inference.sensitivity.feedback_checks import feedback_convergence
from inference.sensitivity.left_out import (
    Groups,
    effect_without_key,
    effect_without_of_cohort,
    left_out_checks,
    pooled_effect_without,
    shortened,
)
from inference.sensitivity.surface import Surface, pooled_surface, surface_checks
from inference.sensitivity.timing import (
    TimingSettings,
    timing_key,
    timing_of_cohort,
    timing_settings,
    why_no_scenarios,
)
from inference.sensitivity.timing_and_confounding import draws_of_cohort, surface_key, surface_of_cohort
from inference.sensitivity.timing_pooled import Timing, pooled_timing, timing_checks
from inference.store import Store
from models.specification import outcome_spec

PART = 5  # cohorts in a job


@dataclass(frozen=True)
class Asked:
    """Of what the sensitivity analyses are.

    Attributes
    ----------
    study : Study
    cohorts : tuple of Cohort
    main : FitRequest
        The main model: its priors, sampler settings and exposure.
    folder : Path
        Where results are kept.
    """

    study: Study
    cohorts: tuple[Cohort, ...]
    main: FitRequest
    folder: Path

    @property
    def naive(self) -> bool:
        """Whether exposure is ever against never: what a hidden start, or a hidden confounder, is built upon."""
        return self.main.exposure == "naive" and self.cohorts[0].treatment_start is None

    @property
    def timing(self) -> TimingSettings:
        """How much of each cohort's start-time scenarios is computed."""
        return timing_settings(len(self.cohorts), self.main.settings)

    @property
    def feedback_cohorts(self) -> list[int]:
        """The cohorts in which feedback is looked at, evenly spaced: a few show what it does."""
        return sorted({int(place) for place in np.linspace(0, len(self.cohorts) - 1, RUNS)})

    @property
    def left_out(self) -> Groups:
        """Covariates of unknown timing by group, without which the main model is fitted again; none where none is named."""
        published = self.naive and self.study.cohort.source == "reconstruction"
        return load_evidence(self.study).names.timing.unknown if published else {}

    @property
    def designs(self) -> int:
        """Designs of each of these cohorts for each exponent of the feedback."""
        return -(-RUNS // len(self.feedback_cohorts))


@dataclass(frozen=True)
class SensitivityJob:
    """One of the analyses, over all cohorts or some of them.

    Attributes
    ----------
    label : str
        What a person is told.
    run : callable
        Computes what is not kept yet.
    kept : callable
        Whether all of it is.
    """

    label: str
    run: Callable[[], object]
    kept: Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Computed:
    """What the analyses say; None for those that a study does not allow.

    Attributes
    ----------
    timing : Timing or None
    why_no_timing : str
        A sentence, where start-time scenarios would be asked for and cannot be had.
    feedback : DataFrame or None
        From `pooled_feedback`.
    confounding : ConfoundingGrid or None
    surface : Surface or None
        Delay and confounding together.
    left_out : DataFrame or None
        From `pooled_effect_without`.
    """

    timing: Timing | None = None
    why_no_timing: str = ""
    feedback: pd.DataFrame | None = None
    confounding: ConfoundingGrid | None = None
    surface: Surface | None = None
    left_out: pd.DataFrame | None = None

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Whether what was sampled or approximated can be relied upon."""
        found = [] if self.confounding is None else confounding_checks(self.confounding)
        if self.feedback is not None:
            found += feedback_convergence(self.feedback)
        if self.left_out is not None:
            found += left_out_checks(self.left_out)
        if self.timing is not None:
            found += timing_checks(self.timing)
        if self.surface is not None:
            found += surface_checks(self.surface)
        return tuple(check.of("sensitivity") for check in found)


NOTHING = Computed()


def sensitivity_jobs(asked: Asked) -> tuple[SensitivityJob, ...]:
    """Return the analyses that a study allows, the longest first; that in parts can be shared by workers."""
    jobs = []
    if asked.naive:
        jobs.append(("unmeasured confounding", _confounding, _confounding_kept, asked))
    if asked.cohorts[0].propensity.terms:
        jobs.append(("feedback, from cut to joint", _feedback, _feedback_kept, asked))
    numbers = list(range(len(asked.cohorts)))
    for part in [numbers[first : first + PART] for first in numbers[::PART]]:
        if _has_timing(asked):
            jobs.append(("start-time scenarios", _timing, _timing_kept, asked, part))
            jobs.append(("delay and confounding together", _surface, _surface_kept, asked, part))
        if asked.left_out:
            jobs.append(("covariates left out", _left_out, _left_out_kept, asked, part))
    return tuple(
        SensitivityJob(label, partial(run, *asked_of), partial(kept, *asked_of))
        for label, run, kept, *asked_of in jobs
    )


def sensitivity_of(asked: Asked) -> Computed:
    """Return what the analyses say, computing what is not kept."""
    why = why_no_scenarios(asked.study, asked.cohorts) if asked.naive else ""
    return Computed(
        pooled_timing(_timing(asked, range(len(asked.cohorts)))) if _has_timing(asked) else None,
        why,
        pooled_feedback(_feedback(asked)) if asked.cohorts[0].propensity.terms else None,
        _confounding(asked) if asked.naive else None,
        pooled_surface(_surface(asked, range(len(asked.cohorts)))) if _has_timing(asked) else None,
        pooled_effect_without(_left_out(asked, range(len(asked.cohorts)))) if asked.left_out else None,
    )


def _has_timing(asked: Asked) -> bool:
    return asked.naive and not why_no_scenarios(asked.study, asked.cohorts)


def _timing(asked: Asked, numbers: Sequence[int]) -> list:
    how = asked.main.priors, asked.timing
    return [
        timing_of_cohort(asked.study, asked.cohorts[number], number, *how, asked.folder) for number in numbers
    ]


def _timing_kept(asked: Asked, numbers: Sequence[int]) -> bool:
    how = asked.main.priors, asked.timing
    return _held(asked, [timing_key(asked.study, asked.cohorts[number], number, *how) for number in numbers])


def _surface(asked: Asked, numbers: Sequence[int]) -> list:
    how = asked.main.priors, asked.timing.sampler, draws_of_cohort(len(asked.cohorts))
    return [
        surface_of_cohort(asked.study, asked.cohorts[number], number, *how, asked.folder)
        for number in numbers
    ]


def _surface_kept(asked: Asked, numbers: Sequence[int]) -> bool:
    how = asked.main.priors, asked.timing.sampler, draws_of_cohort(len(asked.cohorts))
    return _held(asked, [surface_key(asked.study, asked.cohorts[number], number, *how) for number in numbers])


def _feedback(asked: Asked) -> list:
    how = asked.main.priors, asked.main.settings, asked.designs
    return [
        feedback_of_cohort(asked.study, asked.cohorts[number], number, *how, asked.folder)
        for number in asked.feedback_cohorts
    ]


def _feedback_kept(asked: Asked) -> bool:
    how = asked.main.priors, asked.main.settings, asked.designs
    return _held(
        asked,
        [feedback_key(asked.study, asked.cohorts[number], number, *how) for number in asked.feedback_cohorts],
    )


def _left_out(asked: Asked, numbers: Sequence[int]) -> list:
    how = shortened(asked.main, len(asked.cohorts)), asked.left_out, asked.folder
    return [effect_without_of_cohort(asked.study, asked.cohorts[number], number, *how) for number in numbers]


def _left_out_kept(asked: Asked, numbers: Sequence[int]) -> bool:
    how = shortened(asked.main, len(asked.cohorts)), asked.left_out
    return _held(
        asked, [effect_without_key(asked.study, asked.cohorts[number], number, *how) for number in numbers]
    )


def _confounding(asked: Asked) -> ConfoundingGrid:
    spec = outcome_spec(asked.study, asked.cohorts[0], asked.main.baseline, asked.main.effect, "absent")
    return confounding_of(asked.cohorts, spec, asked.main.priors, asked.folder, settings=asked.main.settings)


def _confounding_kept(asked: Asked) -> bool:
    spec = outcome_spec(asked.study, asked.cohorts[0], asked.main.baseline, asked.main.effect, "absent")
    return confounding_kept(
        asked.cohorts, spec, asked.main.priors, asked.folder, settings=asked.main.settings
    )


def _held(asked: Asked, keys: Sequence[str]) -> bool:
    return all(Store(asked.folder).holds(key) for key in keys)
