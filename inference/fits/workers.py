"""Fits made side by side, in two worker processes that each keep what they compiled."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.processes import end_workers
from data.study.cohort import Cohort
from data.study.study import Study
from inference.adjustments import ADJUSTMENTS
from inference.fits.fits import FitSummary
from inference.fits.requests import FitRequest, request_of_cohort
from inference.fits.summaries import summary_of
from inference.fits.worker_server import worker_pool
from inference.storage.atomic import remove_parts
from inference.storage.store import Store

WORKERS = 2
# Cost of a compilation, of one more design, of a fit of which only the effect is asked for, and of weights or pairs,
# against that of a fit with all of its estimands and checks.
COMPILATION = 8.0
DESIGN = 0.3
EFFECT_ALONE = 0.6
DESIGNED = 0.3

Job = tuple[int, int]  # request, cohort


@dataclass(frozen=True)
class Beside:
    """What a worker does beside the fits; it keeps what it makes.

    Attributes
    ----------
    label : str
        Shown as progress.
    run : callable
    needed : bool
        Whether workers are worth starting for it alone; if not, it is done where it is asked for.
    """

    label: str
    run: Callable[[], object]
    needed: bool = False


type After = Callable[
    [FitRequest], Sequence[Beside]
]  # what follows the fit of the first cohort, such as its plots


def nothing_after(request: FitRequest) -> Sequence[Beside]:
    """Return that nothing follows a fit."""
    return ()


@dataclass(eq=False)
class _Worker:
    """A worker process, what waits for it, and what it has compiled or will.

    Attributes
    ----------
    pool : ProcessPoolExecutor
        Of one process.
    waiting : deque of (int, int)
        Fits that are its own.
    structures : set of tuple
    at_work : bool
    """

    pool: ProcessPoolExecutor
    waiting: deque[Job]
    structures: set[tuple[str, ...]]
    at_work: bool = False


def side_by_side(
    study: Study,
    cohorts: Sequence[Cohort],
    requests: Sequence[FitRequest],
    missing: list[Job],
    store: Store,
    after: After = nothing_after,
    beside: Sequence[Beside] = (),
) -> Iterator[tuple[Job, FitSummary] | str]:
    """Yield summaries, and names of what is done beside, as workers finish them; an interrupt keeps the finished fits.

    A fit goes to the worker that compiles its structure. What is done beside, and what follows the fit of a first cohort, goes to
    whichever worker has no fit left; then that one takes fits from the other, if they are worth compiling for.
    """
    shares = worker_shares([requests[number] for number, _ in missing])
    workers = []
    for place in range(WORKERS):
        own = {structure for structure, worker in shares.items() if worker == place}
        waiting = deque(job for job in missing if structure_of(requests[job[0]]) in own)
        workers.append(_Worker(worker_pool(1), waiting, own))
    unbound = deque(beside)
    begun: dict[Future[Any], tuple[_Worker, Job | Beside]] = {}
    ended: list[tuple[Job, FitSummary] | str] = []
    try:
        while True:
            for worker in workers:
                job = None if worker.at_work else _next(worker, workers, requests, unbound)
                if job is None:
                    continue
                if isinstance(job, Beside):
                    future = worker.pool.submit(job.run)
                else:
                    own = request_of_cohort(requests[job[0]], job[1])
                    asked = study, cohorts[job[1]], own, store.folder
                    future = worker.pool.submit(_make, *asked)
                worker.at_work, begun[future] = True, (worker, job)
            # What is ready is yielded while the workers are busy again: the caller may take a while over it.
            yield from ended
            if not begun:
                return
            finished, _ = wait(begun, return_when=FIRST_COMPLETED)
            ended = []
            for future in finished:
                worker, job = begun.pop(future)
                worker.at_work = False
                if isinstance(job, Beside):
                    future.result()
                    ended.append(job.label)
                    continue
                if job[1] == 0:
                    unbound.extend(after(requests[job[0]]))
                ended.append((job, future.result()))
    finally:
        ended_processes = end_workers([worker.pool for worker in workers])
        for folder in (store.folder, store.kept):
            remove_parts(folder, ended_processes)


@contextmanager
def meanwhile(run: Callable[[], object], folder: Path) -> Generator[None]:
    """Let a worker process do something while the block does something else; both are done when the block is left.

    Parameters
    ----------
    run : callable
        Keeps what it makes.
    folder : Path
        Where it keeps it.
    """
    pool = worker_pool(1)
    try:
        begun = pool.submit(run)
        yield
        begun.result()
    finally:
        remove_parts(folder, end_workers([pool]))


def _next(
    worker: _Worker, workers: Sequence[_Worker], requests: Sequence[FitRequest], unbound: deque[Beside]
) -> Job | Beside | None:
    """Return what a worker does next: a fit of its own, something bound to no model, or a fit of another worker.

    A fit of a structure that it would have to compile is taken only while more than two compilations' worth of work waits,
    which is what it saves both.
    """
    if worker.waiting:
        return worker.waiting.popleft()
    if unbound:
        return unbound.popleft()
    busiest = max(workers, key=lambda one: len(one.waiting))
    waiting: dict[tuple[str, ...], list[Job]] = {}
    for job in busiest.waiting:
        waiting.setdefault(structure_of(requests[job[0]]), []).append(job)
    if not waiting:
        return None
    left = sum(fit_cost(requests[number]) for number, _ in busiest.waiting)
    known = [structure for structure in waiting if structure in worker.structures]
    if not known and left < 2 * COMPILATION:
        return None
    structure = max(known or waiting, key=lambda one: sum(fit_cost(requests[job[0]]) for job in waiting[one]))
    worker.structures.add(structure)
    taken = waiting[structure][-1]
    busiest.waiting.remove(taken)
    return taken


def structure_of(request: FitRequest) -> tuple[str, ...]:
    """Return what decides which compiled model a fit needs, as far as one study goes."""
    kind = ADJUSTMENTS[request.adjustment]
    observed = "time_split" if request.exposure == "time_split" else "ever_never"
    if kind.maximises:
        return ("nothing",)  # is compiled
    return request.baseline, request.effect, kind.score, observed


def worker_shares(requests: Sequence[FitRequest]) -> dict[tuple[str, ...], int]:
    """Return which worker makes the fits of each structure.

    A structure is compiled once, in one worker; the work is shared as evenly as that lets it.

    Parameters
    ----------
    requests : sequence of FitRequest
        All fits that are to be made, one for each cohort.
    """
    costs: dict[tuple[str, ...], float] = {}
    for request in requests:
        compiling = 0.0 if ADJUSTMENTS[request.adjustment].maximises else COMPILATION
        costs.setdefault(structure_of(request), compiling)
        costs[structure_of(request)] += fit_cost(request)
    shares, loads = {}, [0.0] * WORKERS
    for structure in sorted(costs, key=lambda one: -costs[one]):
        worker = int(np.argmin(loads))
        shares[structure] = worker
        loads[worker] += costs[structure]
    return shares


def fit_cost(request: FitRequest) -> float:
    """Return what a fit costs, without compiling, against one with all of its estimands and checks."""
    kind = ADJUSTMENTS[request.adjustment]
    designs = request.designs if kind.several_designs else 1
    single = DESIGNED if kind.population else 1.0 if request.predictive else EFFECT_ALONE
    return single + DESIGN * (designs - 1)


def _make(study: Study, cohort: Cohort, request: FitRequest, folder: Path) -> FitSummary:
    """Make one fit in a worker process."""
    made = summary_of(study, cohort, request, Store(folder), _silent)
    assert made is not None, "a fit that may be sampled is always made"
    return made


def _silent(what: str, part: int, parts: int) -> None:
    """Take no notice of progress."""
