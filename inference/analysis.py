"""The main job: which fits it needs, and how they are made side by side."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from data.cohort import Cohort
from data.study import Study
from inference.adjustments import ADJUSTMENTS
from inference.atomic import remove_parts
from inference.drawing import draw_diagnostics
from inference.engine import SamplerSettings
from inference.fits import FitRequest, Reading, fit_key
from inference.readings import kept_pool, pooled_reading, reading_of
from inference.store import Store
from models.priors import PriorSet

MAIN_BASELINE = "piecewise_exponential"
MAIN_ADJUSTMENT = "joint"
MAIN_EFFECT = "constant"
WORKERS = 2
# Cost of a compilation, and of one more design, against that of a fit with its estimands and checks.
COMPILATION = 6.0
DESIGN = 0.3

Done = Callable[[str, int, int], None]
Job = tuple[int, int]  # request, cohort


@dataclass(frozen=True)
class Plan:
    """The fits of an analysis.

    Attributes
    ----------
    models : tuple of FitRequest
        Baselines x adjustments under the main prior set; the first is the pre-stated main model.
    prior_sets : tuple of FitRequest
        The main model under every other prior set.
    illustrated : tuple of FitRequest
        Fits of which the diagnostic plots are drawn.
    """

    models: tuple[FitRequest, ...]
    prior_sets: tuple[FitRequest, ...]
    illustrated: tuple[FitRequest, ...]

    @property
    def main(self) -> FitRequest:
        """The pre-stated main model."""
        return self.models[0]

    @property
    def requests(self) -> tuple[FitRequest, ...]:
        """All fits."""
        return (*self.models, *self.prior_sets)


def plan(
    priors: PriorSet,
    others: Sequence[PriorSet],
    settings: SamplerSettings,
    designs: int,
    quick: bool = False,
    exposure: str = "naive",
) -> Plan:
    """Return the fits of the main job; a quick look leaves out the second baseline, and most plots.

    Parameters
    ----------
    priors : PriorSet
        The main prior set.
    others : sequence of PriorSet
        Sets under which the main model is repeated.
    settings : SamplerSettings
        How long to sample.
    designs : int
        Propensity draws of the cut adjustment.
    quick : bool
        For a first look.
    exposure : str
        How exposure to treatment is counted in time.
    """

    def request(baseline: str, adjustment: str, used: PriorSet) -> FitRequest:
        return FitRequest(baseline, adjustment, MAIN_EFFECT, used, settings, designs, exposure)

    baselines = [MAIN_BASELINE] if quick else [MAIN_BASELINE, "weibull"]
    stated = [
        request(baseline, name, priors) for baseline in baselines for name in (MAIN_ADJUSTMENT, "cut", "none")
    ]
    repeated = [
        request(MAIN_BASELINE, MAIN_ADJUSTMENT, other) for other in others if other.name != priors.name
    ]
    return Plan(tuple(stated), tuple(repeated), tuple(stated[:1] if quick else stated))


def readings_of(
    study: Study,
    cohorts: Sequence[Cohort],
    requests: Sequence[FitRequest],
    store: Store,
    done: Done,
    illustrated: Sequence[FitRequest] = (),
) -> list[Reading]:
    """Return what every model says, in the order of the requests, sampling the fits that are missing in worker processes.

    A worker keeps what it compiled, so that fits of one structure go to one worker.

    Parameters
    ----------
    study : Study
        The study.
    cohorts : sequence of Cohort
        Its patients; several cohorts of pseudo-patients are fitted one by one and pooled.
    requests : sequence of FitRequest
        Which models.
    store : Store
        Where fits are kept; each is stored as soon as it is made.
    illustrated : sequence of FitRequest
        Those of which a worker draws the diagnostic plots too, for the first cohort, if it samples them.
    done : callable
        Called with the name of a fit that is ready, how many are, and of how many.
    """
    pooled = {number: kept_pool(study, cohorts, request, store) for number, request in enumerate(requests)}
    readings: dict[Job, Reading] = {}
    missing: list[Job] = []
    # Cohort by cohort, because the treatment model of a cohort is remembered until the next one comes.
    jobs = [
        (request, cohort)
        for cohort in range(len(cohorts))
        for request in range(len(requests))
        if pooled[request] is None
    ]
    for job in jobs:
        kept = reading_of(study, cohorts[job[1]], requests[job[0]], store, _silent, sample=False)
        if kept is None:
            missing.append(job)
        else:
            readings[job] = kept
            done(requests[job[0]].label, len(readings), len(jobs))
    made = (
        _side_by_side(study, cohorts, requests, missing, store, illustrated)
        if len(missing) > 1
        else _here(study, cohorts, requests, missing, store)
    )
    for job, reading in made:
        readings[job] = reading
        done(requests[job[0]].label, len(readings), len(jobs))
    return [
        kept
        if kept is not None
        else pooled_reading([readings[number, cohort] for cohort in range(len(cohorts))], store)
        for number, kept in pooled.items()
    ]


def _here(
    study: Study, cohorts: Sequence[Cohort], requests: Sequence[FitRequest], missing: list[Job], store: Store
) -> Iterator[tuple[Job, Reading]]:
    """Yield the reading of a single fit, made in this process."""
    for number, cohort in missing:
        made = reading_of(study, cohorts[cohort], requests[number], store, _silent)
        assert made is not None, "a fit that may be sampled is always made"
        yield (number, cohort), made


def _side_by_side(
    study: Study,
    cohorts: Sequence[Cohort],
    requests: Sequence[FitRequest],
    missing: list[Job],
    store: Store,
    illustrated: Sequence[FitRequest],
) -> Iterator[tuple[Job, Reading]]:
    """Yield readings as worker processes finish them; an interrupt ends the workers and keeps the finished fits."""
    context = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(1, mp_context=context, initializer=_follow) for _ in range(WORKERS)]
    workers: set[int] = set()
    shares = worker_shares([requests[number] for number, _ in missing])
    try:
        waiting = {}
        for number, cohort in missing:
            request = requests[number]
            illustrate = request in illustrated and cohort == 0
            pool = pools[shares[structure_of(request)]]
            waiting[pool.submit(_make, study, cohorts[cohort], request, store.folder, illustrate)] = (
                number,
                cohort,
            )
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    except BaseException:
        for pool in pools:
            for number, process in list((pool._processes or {}).items()):
                workers.add(number)
                process.terminate()
        raise
    finally:
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)
        remove_parts(store.folder, workers)


def _follow() -> None:
    """Begin a worker: the command alone hears an interrupt, and the worker ends when the command does, however."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    command = multiprocessing.parent_process()
    assert command is not None, "a worker has a parent"

    def end() -> None:
        command.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def structure_of(request: FitRequest) -> tuple[str, str]:
    """Return what decides which compiled model a fit needs, as far as one study goes."""
    return request.baseline, ADJUSTMENTS[request.adjustment].score


def worker_shares(requests: Sequence[FitRequest]) -> dict[tuple[str, str], int]:
    """Return which worker makes the fits of each structure: each is compiled once, and the work is shared evenly.

    Parameters
    ----------
    requests : sequence of FitRequest
        All fits that are to be made, one for each cohort.
    """
    costs: dict[tuple[str, str], float] = {}
    for request in requests:
        designs = request.designs if ADJUSTMENTS[request.adjustment].several_designs else 1
        costs.setdefault(structure_of(request), COMPILATION)
        costs[structure_of(request)] += 1.0 + DESIGN * (designs - 1)
    shares, loads = {}, [0.0] * WORKERS
    for structure in sorted(costs, key=lambda one: -costs[one]):
        worker = int(np.argmin(loads))
        shares[structure] = worker
        loads[worker] += costs[structure]
    return shares


def _make(study: Study, cohort: Cohort, request: FitRequest, folder: Path, illustrate: bool) -> Reading:
    """Make one fit, and its diagnostic plots if wanted, in a worker process."""
    store = Store(folder)
    made = reading_of(study, cohort, request, store, _silent)
    assert made is not None, "a fit that may be sampled is always made"
    if illustrate:
        diagnostics_of(study, cohort, request, store, _silent)
    return made


def diagnostics_of(
    study: Study, cohort: Cohort, request: FitRequest, store: Store, told: Done
) -> dict[str, str]:
    """Return the diagnostic plots of a stored fit as SVG by name; they lie beside it."""
    key = fit_key(study, cohort, request)

    @cache
    def fit() -> xr.DataTree:
        stored = store.load(key)
        assert stored is not None, "plots are of a fit that is stored"
        return stored

    return draw_diagnostics(fit, store.place(key) / "figures", key, told)


def _silent(what: str, part: int, parts: int) -> None:
    """Take no notice of progress."""
