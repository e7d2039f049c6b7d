"""Fits made side by side, in two worker processes that each keep what they compiled."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data.cohort import Cohort
from data.processes import follow_command
from data.study import Study
from inference.adjustments import ADJUSTMENTS, Progress
from inference.atomic import remove_parts
from inference.drawing import diagnostics_for, draw_diagnostic, draw_diagnostics
from inference.fits import Reading
from inference.readings import reading_of
from inference.requests import FitRequest, fit_key
from inference.store import Store

WORKERS = 2
# Cost of a compilation, of one more design, and of a fit of which only the effect is asked for, against that of a fit
# with all of its estimands and checks.
COMPILATION = 10.0
DESIGN = 0.3
EFFECT_ALONE = 0.7

Job = tuple[int, int]  # request, cohort


@dataclass(frozen=True)
class Beside:
    """What a worker does beside the fits; it keeps what it makes.

    Attributes
    ----------
    label : str
        What a person is told.
    run : callable
    needed : bool
        Whether workers are worth starting for it alone; if not, it is done where it is asked for.
    """

    label: str
    run: Callable[[], object]
    needed: bool = False


def side_by_side(
    study: Study,
    cohorts: Sequence[Cohort],
    requests: Sequence[FitRequest],
    missing: list[Job],
    store: Store,
    illustrated: Sequence[FitRequest] = (),
    beside: Sequence[Beside] = (),
) -> Iterator[tuple[Job, Reading] | str]:
    """Yield readings, and names of what is done beside, as workers finish them; an interrupt keeps the finished fits.

    A fit goes to the worker that compiles its structure. What is done beside, and each diagnostic plot, goes to
    whichever worker has nothing to do.
    """
    context = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(1, mp_context=context, initializer=follow_command) for _ in range(WORKERS)]
    shares = worker_shares([requests[number] for number, _ in missing])
    unbound = deque(beside)
    named: dict[Future[Any], str] = {}
    fits: dict[Future[Any], Job] = {}
    at_work: list[set[Future[Any]]] = [set() for _ in pools]
    try:
        for number, cohort in missing:
            request = requests[number]
            worker = shares[structure_of(request)]
            made = pools[worker].submit(_make, study, cohorts[cohort], request, store.folder)
            fits[made] = (number, cohort)
            at_work[worker].add(made)
        while unbound or any(at_work):
            for pool, waiting in zip(pools, at_work, strict=True):
                if unbound and not waiting:
                    job = unbound.popleft()
                    begun = pool.submit(job.run)
                    named[begun] = job.label
                    waiting.add(begun)
            finished, _ = wait(set().union(*at_work), return_when=FIRST_COMPLETED)
            for waiting in at_work:
                waiting -= finished
            for future in finished:
                if future not in fits:
                    future.result()
                    yield named[future]
                    continue
                number, cohort = fits[future]
                if requests[number] in illustrated and cohort == 0:
                    unbound.extend(_plots(study, cohorts[0], requests[number], store))
                yield (number, cohort), future.result()
    finally:
        # Ended rather than asked to end: all that they made is on disk, and tidying up takes seconds.
        ended = [process for pool in pools for process in (pool._processes or {}).values()]
        for process in ended:
            process.terminate()
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)
        for folder in (store.folder, store.kept):
            remove_parts(folder, [process.pid for process in ended if process.pid is not None])


def structure_of(request: FitRequest) -> tuple[str, ...]:
    """Return what decides which compiled model a fit needs, as far as one study goes."""
    kind = ADJUSTMENTS[request.adjustment]
    observed = "time_split" if request.exposure == "time_split" else "ever_never"
    if kind.maximises:
        return ("treatment",)
    return request.baseline, kind.score, "treatment alone" if kind.population else "covariates", observed


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
        kind = ADJUSTMENTS[request.adjustment]
        designs = request.designs if kind.several_designs else 1
        costs.setdefault(structure_of(request), 0.0 if kind.maximises else COMPILATION)
        costs[structure_of(request)] += (1.0 if request.predictive else EFFECT_ALONE) + DESIGN * (designs - 1)
    shares, loads = {}, [0.0] * WORKERS
    for structure in sorted(costs, key=lambda one: -costs[one]):
        worker = int(np.argmin(loads))
        shares[structure] = worker
        loads[worker] += costs[structure]
    return shares


def _make(study: Study, cohort: Cohort, request: FitRequest, folder: Path) -> Reading:
    """Make one fit in a worker process."""
    made = reading_of(study, cohort, request, Store(folder), _silent)
    assert made is not None, "a fit that may be sampled is always made"
    return made


def diagnostics_of(
    study: Study, cohort: Cohort, request: FitRequest, store: Store, told: Progress
) -> dict[str, str]:
    """Return the diagnostic plots of a stored fit as SVG by name; they lie beside it."""
    key = fit_key(study, cohort, request)
    names = diagnostics_for(request.adjustment)
    return draw_diagnostics(names, cache(partial(_stored, store, key)), _folder(store, key), key, told)


def _plots(study: Study, cohort: Cohort, request: FitRequest, store: Store) -> list[Beside]:
    """Return the drawing of each diagnostic plot of a stored fit, as a job of its own."""
    key = fit_key(study, cohort, request)
    fit = partial(_stored, store, key)
    return [
        Beside("diagnostic plots", partial(draw_diagnostic, name, fit, _folder(store, key), key))
        for name in diagnostics_for(request.adjustment)
    ]


def _folder(store: Store, key: str) -> Path:
    return store.place(key) / "figures"


def _stored(store: Store, key: str) -> xr.DataTree:
    stored = store.load(key)
    assert stored is not None, "plots are of a fit that is stored"
    return stored


def _silent(what: str, part: int, parts: int) -> None:
    """Take no notice of progress."""
