"""Make the fits of an analysis: what is missing, in chunks on an executor."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial

from data.errors import NotEstimableError
from inference.adjustments import ADJUSTMENTS
from inference.fits.executor import WORKERS, Chunk, Executors, local_processes, work_off
from inference.fits.fits import FitSummary
from inference.fits.requests import TIME_SPLIT, FitRequest
from inference.fits.stored import StoredFit, StoredModel

type Done = Callable[[str, int, int], None]
type After = Callable[[StoredModel], Sequence[Chunk]]
type Job = tuple[int, int]  # model, cohort


def summaries_of(
    models: Sequence[StoredModel],
    done: Done,
    after: After = lambda model: (),
    others: Sequence[Chunk] = (),
    executors: Executors | None = None,
    workers: int = WORKERS,
) -> list[FitSummary | NotEstimableError]:
    """Return the summary of every model, in their order, making what is missing; or why its patients do not give it.

    Parameters
    ----------
    models : sequence of StoredModel
        Each is fitted to its cohorts one by one, and pooled over them.
    done : callable
        Called with the name of what is ready, with its hazard ratio where that is a model, how much is ready, and of how much.
    after : callable
        Gives chunks that follow the fit of a model's first cohort, such as its diagnostic plots.
    others : sequence of Chunk
        What else is to be computed meanwhile.
    executors : callable, optional
        Gives the executor; worker processes of this machine unless stated.
    workers : int
        How many chunks it runs at once: the fits of one structure are divided into no more.
    """
    missing = {
        (number, cohort): one for number, model in enumerate(models) for cohort, one in model.missing.items()
    }
    ready, parts = 0, len(missing) + len(others)

    def ended(label: str) -> None:
        nonlocal ready
        if label:
            ready = min(ready + 1, parts)
            done(label, ready, parts)

    def look() -> list[Chunk]:
        """Count the fits that have been kept, pool the models that are complete, and return what may follow."""
        following: list[Chunk] = []
        for job in [job for job, one in missing.items() if one.summary.held()]:
            number, cohort = job
            del missing[job]
            complete = not any(number == other for other, _ in missing)
            if complete:
                models[number].pool()
            label = models[number].request.label
            ended(f"{label}: {_effect(models[number].summary())}" if complete else label)
            following += after(models[number]) if cohort == 0 else ()
        return following

    chunks = [*chunks_of(models, missing, workers), *others]
    if len(missing) + len(others) > 1:
        with (executors or local_processes)(models[0].folder) as executor:
            work_off(executor, chunks, look, ended)
    else:
        for chunk in chunks:
            chunk.run()
    return [_summary(model) for model in models]


def _effect(summary: FitSummary) -> str:
    """Return the hazard ratio of a fit in words, the first where it has several: shown while others are still made."""
    ratio = summary.estimands[summary.estimands["estimand"] == "hazard_ratio"].iloc[0]
    return f"HR {ratio['median']:.2f} ({ratio['lower']:.2f} to {ratio['upper']:.2f})"


def _summary(model: StoredModel) -> FitSummary | NotEstimableError:
    try:
        return model.summary()
    except NotEstimableError as error:
        return error


def chunks_of(
    models: Sequence[StoredModel], missing: Mapping[Job, StoredFit], workers: int = WORKERS
) -> list[Chunk]:
    """Return the missing fits in chunks of one structure, so that each is compiled in few processes; none is above its share.

    Within a chunk one cohort comes after the other, because the treatment model of a cohort is remembered until the next one comes.
    """
    by_structure: dict[tuple[str, ...], list[Job]] = {}
    for job in sorted(missing, key=lambda one: (one[1], one[0])):
        by_structure.setdefault(structure_of(models[job[0]].request), []).append(job)
    most = -(-len(missing) // workers)
    parts = [
        jobs[first : first + most] for jobs in by_structure.values() for first in range(0, len(jobs), most)
    ]
    return [Chunk("", partial(make_all, [missing[job] for job in part]), len(part)) for part in parts]


def structure_of(request: FitRequest) -> tuple[str, ...]:
    """Return what decides which compiled model a fit needs, as far as one study goes."""
    kind = ADJUSTMENTS[request.adjustment]
    if kind.maximises:
        return ("nothing",)  # is compiled
    return request.baseline, request.effect, kind.score, str(request.exposure == TIME_SPLIT)


def make_all(fits: Sequence[StoredFit]) -> None:
    """Make fits one after the other; one that its patients do not give is left out here, and met again where it is summarised."""
    for one in fits:
        with suppress(NotEstimableError):
            one.make()
