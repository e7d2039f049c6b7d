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

import xarray as xr

from data.cohort import Cohort
from data.study import Study
from inference.atomic import remove_parts
from inference.drawing import draw_diagnostics
from inference.engine import SamplerSettings
from inference.fits import FitRequest, Reading, fit_key
from inference.readings import reading_of
from inference.store import Store
from models.priors import PriorSet

MAIN_BASELINE = "piecewise_exponential"
MAIN_ADJUSTMENT = "joint"
MAIN_EFFECT = "constant"
WORKERS = 2

Done = Callable[[str, int, int], None]


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
    cohort: Cohort,
    requests: Sequence[FitRequest],
    store: Store,
    done: Done,
    illustrated: Sequence[FitRequest] = (),
) -> list[Reading]:
    """Return what every fit says, in the order of the requests, sampling those that are missing in worker processes.

    A worker keeps what it compiled, so that fits of one structure go to one worker.

    Parameters
    ----------
    study : Study
        The study.
    cohort : Cohort
        Its patients.
    requests : sequence of FitRequest
        Which fits.
    store : Store
        Where fits are kept; each is stored as soon as it is made.
    illustrated : sequence of FitRequest
        Those of which a worker draws the diagnostic plots too, if it samples them.
    done : callable
        Called with the name of a fit that is ready, how many are, and of how many.
    """
    readings: dict[int, Reading] = {}
    missing = []
    for number, request in enumerate(requests):
        kept = reading_of(study, cohort, request, store, _silent, sample=False)
        if kept is None:
            missing.append(number)
        else:
            readings[number] = kept
            done(request.label, len(readings), len(requests))
    if len(missing) == 1:
        number = missing[0]
        made = reading_of(study, cohort, requests[number], store, _silent)
        assert made is not None, "a fit that may be sampled is always made"
        readings[number] = made
        done(requests[number].label, len(readings), len(requests))
    elif missing:
        for number, made in _side_by_side(study, cohort, requests, missing, store, illustrated):
            readings[number] = made
            done(requests[number].label, len(readings), len(requests))
    return [readings[number] for number in range(len(requests))]


def _side_by_side(
    study: Study,
    cohort: Cohort,
    requests: Sequence[FitRequest],
    missing: list[int],
    store: Store,
    illustrated: Sequence[FitRequest],
) -> Iterator[tuple[int, Reading]]:
    """Yield readings as worker processes finish them; an interrupt ends the workers and keeps the finished fits."""
    context = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(1, mp_context=context, initializer=_follow) for _ in range(WORKERS)]
    workers: set[int] = set()
    try:
        waiting = {}
        for number in missing:
            pool, request = pools[_worker(requests[number])], requests[number]
            task = pool.submit(_make, study, cohort, request, store.folder, request in illustrated)
            waiting[task] = number
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


def _worker(request: FitRequest) -> int:
    """Return which worker makes a fit: joint models of one baseline and the other models of the other share one."""
    return ((request.baseline != MAIN_BASELINE) + (request.adjustment != MAIN_ADJUSTMENT)) % WORKERS


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
