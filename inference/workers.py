"""Fits made side by side, in two worker processes that each keep what they compiled."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
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
# Cost of a compilation, of one more design, of a fit of which only the effect is asked for, of a fit's diagnostic
# plots, and of a job beside the fits, against that of a fit with all of its estimands and checks.
COMPILATION = 10.0
DESIGN = 0.3
EFFECT_ALONE = 0.7
PLOTS = 8.0
BESIDE = 5.0

Job = tuple[int, int]  # request, cohort


def side_by_side(
    study: Study,
    cohorts: Sequence[Cohort],
    requests: Sequence[FitRequest],
    missing: list[Job],
    store: Store,
    illustrated: Sequence[FitRequest] = (),
    beside: Sequence[Callable[[], object]] = (),
) -> Iterator[tuple[Job, Reading]]:
    """Yield readings as worker processes finish them; an interrupt ends the workers and keeps the finished fits.

    What is done beside, and the diagnostic plots, go to whichever worker has less to do.
    """
    context = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(1, mp_context=context, initializer=follow_command) for _ in range(WORKERS)]
    workers: set[int] = set()
    shares, loads = worker_shares([requests[number] for number, _ in missing])
    try:
        others = []
        for one in beside:
            idlest = int(np.argmin(loads))
            loads[idlest] += BESIDE
            others.append(pools[idlest].submit(one))
        waiting = {}
        for number, cohort in missing:
            request = requests[number]
            pool = pools[shares[structure_of(request)]]
            waiting[pool.submit(_make, study, cohorts[cohort], request, store.folder)] = (number, cohort)
        for future in as_completed(waiting):
            number, cohort = waiting[future]
            if requests[number] in illustrated and cohort == 0:
                idlest = int(np.argmin(loads))
                loads[idlest] += PLOTS
                others.append(
                    pools[idlest].submit(diagnostics_of, study, cohorts[0], requests[number], store, _silent)
                )
            yield (number, cohort), future.result()
        for other in others:
            other.result()
    except BaseException:
        for pool in pools:
            for number, process in list((pool._processes or {}).items()):
                workers.add(number)
                process.terminate()
        raise
    finally:
        for pool in pools:
            pool.shutdown(wait=True, cancel_futures=True)
        for folder in (store.folder, store.kept):
            remove_parts(folder, workers)


def structure_of(request: FitRequest) -> tuple[str, str]:
    """Return what decides which compiled model a fit needs, as far as one study goes."""
    return request.baseline, ADJUSTMENTS[request.adjustment].score


def worker_shares(requests: Sequence[FitRequest]) -> tuple[dict[tuple[str, str], int], list[float]]:
    """Return which worker makes the fits of each structure, and how much each worker has to do.

    A structure is compiled once, in one worker; the work is shared as evenly as that lets it.

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
    return shares, loads


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

    @cache
    def fit() -> xr.DataTree:
        stored = store.load(key)
        assert stored is not None, "plots are of a fit that is stored"
        return stored

    return draw_diagnostics(fit, store.place(key) / "figures", key, told)


def _silent(what: str, part: int, parts: int) -> None:
    """Take no notice of progress."""
