"""The main job: which fits it needs, and how they are made side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from data.study.cohort import Cohort
from data.study.study import Study
from inference.adjustments import ADJUSTMENTS
from inference.fits.fits import FitSummary
from inference.fits.requests import TIME_SPLIT, FitRequest, cohorts_of, landmark_of, request_of_cohort
from inference.fits.summaries import kept_pool, pooled_summary, summary_of
from inference.fits.workers import After, Beside, Job, nothing_after, side_by_side
from inference.sampling.engine import SamplerSettings
from inference.storage.store import Store
from models.effects import BySubgroup
from models.priors import PriorSet

MAIN_BASELINE = "piecewise_exponential"
MAIN_ADJUSTMENT = "joint"
MAIN_ADJUSTMENTS = (MAIN_ADJUSTMENT, "cut", "none", "iptw", "overlap", "matched")
QUICK_ADJUSTMENTS = (MAIN_ADJUSTMENT, "cut")
MAIN_EFFECT = "constant"
CUT = "cut"  # without feedback: of effects that change, and beside the main model under every prior set
Done = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Plan:
    """The fits of an analysis.

    Attributes
    ----------
    models : tuple of FitRequest
        Baselines x adjustments under the main prior set; the first is the pre-stated main model.
    exposures : tuple of FitRequest
        The main model, and that without feedback, with exposure counted in other ways.
    effects : tuple of FitRequest
        The main baseline with an effect that changes over time, or between subgroups.
    prior_sets : tuple of FitRequest
        The main model under every other prior set.
    prior_sets_cut : tuple of FitRequest
        The same without feedback; not in a quick look.
    illustrated : tuple of FitRequest
        Fits of which the diagnostic plots are drawn.
    """

    models: tuple[FitRequest, ...]
    exposures: tuple[FitRequest, ...]
    effects: tuple[FitRequest, ...]
    prior_sets: tuple[FitRequest, ...]
    prior_sets_cut: tuple[FitRequest, ...]
    illustrated: tuple[FitRequest, ...]

    @property
    def main(self) -> FitRequest:
        """The pre-stated main model."""
        return self.models[0]

    @property
    def requests(self) -> tuple[FitRequest, ...]:
        """All fits."""
        return (*self.models, *self.exposures, *self.effects, *self.prior_sets, *self.prior_sets_cut)


def plan(
    priors: PriorSet,
    others: Sequence[PriorSet],
    settings: SamplerSettings,
    designs: Mapping[str, int],
    quick: bool = False,
    exposures: Sequence[str] = ("naive",),
    effects: Sequence[str] = (),
    cohorts: int = 1,
    interaction_cohorts: int | None = None,
) -> Plan:
    """Return the fits of the main job; a quick look has one baseline, `joint` and `cut`, and fewer plots.

    Parameters
    ----------
    priors : PriorSet
        The main prior set.
    others : sequence of PriorSet
        Sets under which the main model is repeated.
    settings : SamplerSettings
        How long to sample.
    designs : mapping of str to int
        Propensity draws of each adjustment that takes several.
    quick : bool
        For a first look.
    exposures : sequence of str
        How exposure to treatment is counted in time; under the others the main baseline alone is fitted. Where the first is
        time_split, weights and pairs are fitted at the landmarks.
    effects : sequence of str
        Shapes other than the constant effect; a quick look has none of them.
    cohorts : int
        How many are pooled: the diagnostic plots of one of several say little, and only the main model's are drawn.
    interaction_cohorts : int or None
        How many are pooled for the effect by subgroup, of which a publication says less than of the effect of all; None for
        as many as for all else.
    """
    main, *others_of_time = exposures

    def request(baseline: str, adjustment: str, used: PriorSet, exposure: str = main) -> FitRequest:
        count = designs.get(adjustment, 1)
        # Scores of left-out patients take more than half as long as sampling; of several cohorts, only where baselines are compared.
        left_out = cohorts == 1 or adjustment == MAIN_ADJUSTMENT
        return FitRequest(
            baseline,
            adjustment,
            MAIN_EFFECT,
            used,
            settings,
            count,
            exposure,
            left_out=left_out,
            cohorts=cohorts,
        )

    def effect_alone(one: FitRequest, **changed: Any) -> FitRequest:
        return replace(one, predictive=False, left_out=False, **changed)

    baselines = [MAIN_BASELINE] if quick else [MAIN_BASELINE, "weibull"]
    adjustments = QUICK_ADJUSTMENTS if quick else MAIN_ADJUSTMENTS
    designed = [name for name in adjustments if ADJUSTMENTS[name].population]
    if main == TIME_SPLIT:  # weights and pairs are of who is treated at a landmark
        adjustments = tuple(name for name in adjustments if name not in designed)
    stated = [request(baseline, name, priors) for baseline in baselines for name in adjustments]
    repeated, cut = (
        tuple(
            effect_alone(request(MAIN_BASELINE, adjustment, other))
            for other in others
            if other.name != priors.name
        )
        for adjustment in (MAIN_ADJUSTMENT, CUT)
    )
    otherwise = [
        request(MAIN_BASELINE, name, priors, exposure)
        for exposure in others_of_time
        for name in (*QUICK_ADJUSTMENTS, *_at_landmark(main, exposure, designed))
    ]
    changing = [
        effect_alone(request(MAIN_BASELINE, CUT, priors), effect=effect)
        for effect in ([] if quick else effects)
    ]
    if interaction_cohorts is not None:
        changing = [
            replace(one, cohorts=interaction_cohorts) if one.effect == BySubgroup.name else one
            for one in changing
        ]
    sampled = [one for one in stated if not ADJUSTMENTS[one.adjustment].maximises]
    return Plan(
        tuple(stated),
        tuple(otherwise),
        tuple(changing),
        repeated,
        () if quick else cut,
        tuple(stated[:1] if quick or cohorts > 1 else sampled),
    )


def _at_landmark(main: str, exposure: str, designed: Sequence[str]) -> Sequence[str]:
    """Return the adjustments by weights and pairs that the main exposure cannot have and this one can."""
    return designed if main == TIME_SPLIT and landmark_of(exposure) is not None else ()


def summaries_of(
    study: Study,
    cohorts: Sequence[Cohort],
    requests: Sequence[FitRequest],
    store: Store,
    done: Done,
    after: After = nothing_after,
    beside: Sequence[Beside] = (),
) -> list[FitSummary]:
    """Return what every model says, in the order of the requests, sampling the fits that are missing in worker processes.

    A worker keeps what it compiled, so that fits of one structure go to one worker.

    Parameters
    ----------
    study : Study
        The study.
    cohorts : sequence of Cohort
        Its patients; several cohorts of pseudo-patients are fitted one by one, and those that a request states are pooled.
    requests : sequence of FitRequest
        Which models.
    store : Store
        Where fits are kept; each is stored as soon as it is made.
    after : callable
        Gives what a worker does after the fit of the first cohort, if it samples one, such as its diagnostic plots.
    done : callable
        Called with the name of a fit that is ready, how many are, and of how many.
    beside : sequence of callable
        What else a worker may do meanwhile; workers are started if there is a fit to be made, or a job that needs one.
    """
    pooled = {number: kept_pool(study, cohorts, request, store) for number, request in enumerate(requests)}
    summaries: dict[Job, FitSummary] = {}
    missing: list[Job] = []
    # Cohort by cohort, because the treatment model of a cohort is remembered until the next one comes.
    count = [len(cohorts_of(request, cohorts)) for request in requests]
    jobs = [
        (request, cohort)
        for cohort in range(len(cohorts))
        for request in range(len(requests))
        if pooled[request] is None and cohort < count[request]
    ]
    for job in jobs:
        own = request_of_cohort(requests[job[0]], job[1])
        kept = summary_of(study, cohorts[job[1]], own, store, _silent, sample=False)
        if kept is None:
            missing.append(job)
        else:
            summaries[job] = kept
            done(requests[job[0]].label, len(summaries), len(jobs))

    def pool_of(request: int) -> FitSummary:
        return pooled_summary([summaries[request, cohort] for cohort in range(count[request])], store)

    others = [one for one in beside if one.needed or len(missing) > 1]
    made = (
        side_by_side(study, cohorts, requests, missing, store, after, others)
        if len(missing) > 1 or others
        else _here(study, cohorts, requests, missing, store)
    )
    ready, parts = len(summaries), len(jobs) + len(others)
    for one in made:
        if isinstance(one, str):
            ready = min(ready + 1, parts)
            done(one, ready, parts)
            continue
        job, summaries[one[0]] = one
        ready += 1
        done(requests[job[0]].label, ready, parts)
        # Pooled as soon as the last cohort is fitted, while the workers go on with other models.
        if all((job[0], cohort) in summaries for cohort in range(count[job[0]])):
            pooled[job[0]] = pool_of(job[0])
    return [kept if kept is not None else pool_of(number) for number, kept in pooled.items()]


def _here(
    study: Study, cohorts: Sequence[Cohort], requests: Sequence[FitRequest], missing: list[Job], store: Store
) -> Iterator[tuple[Job, FitSummary]]:
    """Yield the summary of a single fit, made in this process."""
    for number, cohort in missing:
        own = request_of_cohort(requests[number], cohort)
        made = summary_of(study, cohorts[cohort], own, store, _silent)
        assert made is not None, "a fit that may be sampled is always made"
        yield (number, cohort), made


def _silent(what: str, part: int, parts: int) -> None:
    """Take no notice of progress."""
