"""Fits made side by side, in two worker processes that each keep what they compiled."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from data.cohort import Cohort
from data.processes import follow_command
from data.study import Study
from inference.adjustments import ADJUSTMENTS, Progress
from inference.atomic import remove_parts
from inference.drawing import draw_diagnostics
from inference.fits import FitRequest, Reading, fit_key
from inference.readings import reading_of
from inference.store import Store

WORKERS = 2
# Cost of a compilation, of one more design, and of a fit of which only the effect is asked for, against that of a fit
# with all of its estimands and checks.
COMPILATION = 10.0
DESIGN = 0.3
EFFECT_ALONE = 0.7

Job = tuple[int, int]  # request, cohort


def side_by_side(
    study: Study,
    cohorts: Sequence[Cohort],
    requests: Sequence[FitRequest],
    missing: list[Job],
    store: Store,
    illustrated: Sequence[FitRequest],
) -> Iterator[tuple[Job, Reading]]:
    """Yield readings as worker processes finish them; an interrupt ends the workers and keeps the finished fits."""
    context = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(1, mp_context=context, initializer=follow_command) for _ in range(WORKERS)]
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
        costs[structure_of(request)] += (1.0 if request.predictive else EFFECT_ALONE) + DESIGN * (designs - 1)
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
    study: Study, cohort: Cohort, request: FitRequest, store: Store, told: Progress
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
