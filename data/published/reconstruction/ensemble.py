"""An ensemble of cohorts, drawn side by side by worker processes, as tables."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.processes import begin_server, end_workers, follow_command
from data.published.evidence import Evidence
from data.published.reconstruction.assumptions import STATED, Assumptions
from data.published.reconstruction.cohorts import Plan, PseudoCohort, compile_chain, draw_cohort, plan_of
from data.published.reconstruction.margins import level_number
from data.published.reconstruction.modalities import members_of
from data.published.reconstruction.target import CURVE
from data.study.study import Study

EXACT = ("table 1", "deaths")  # families whose targets are counts
Done = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Cohorts of pseudo-patients, and how well each meets what is printed.

    Attributes
    ----------
    patients : DataFrame
        One row for each pseudo-patient: ``cohort, patient, treatment, matched, time, event`` and the covariates.
    modalities : DataFrame
        ``cohort, patient``, and a column for each analysis of groups without printed sizes; empty without one.
    targets : DataFrame
        One row for each target and cohort: ``target, family, printed, tolerance, cohort, value, z``; `z` is how
        many tolerances the value is from print, 0 within a bound.
    conflicts : tuple of str
        Which targets are missed in which cohort, and what they pull against.
    """

    patients: pd.DataFrame
    modalities: pd.DataFrame
    targets: pd.DataFrame
    conflicts: tuple[str, ...]

    @property
    def missed(self) -> pd.DataFrame:
        """The rows of `targets` that are beyond their tolerance."""
        return self.targets[self.targets["z"].abs() > 1]


def reconstruct(
    study: Study,
    evidence: Evidence,
    cohorts: int,
    seed: int,
    done: Done | None = None,
    workers: int = 2,
    assumptions: Assumptions = STATED,
    first: int = 1,
    executor: Executor | None = None,
) -> Reconstruction:
    """Cohorts of pseudo-patients that reproduce every published number of a study.

    Parameters
    ----------
    study, evidence : Study, Evidence
    cohorts : int
        How many. Cohort k is the same however many are drawn, and by however many workers.
    seed : int
    done : callable, optional
        Called with how many cohorts are ready, and of how many.
    workers : int
        Processes; 1 draws in this one.
    assumptions : Assumptions
        Of what the publication does not print; looser ones are a sensitivity analysis.
    first : int
        Number of the first cohort, for those that come after cohorts drawn before.
    executor : Executor, optional
        Draws the cohorts, in the place of workers of this machine.

    Raises
    ------
    InputError
        If the published numbers contradict each other; nothing is drawn then.
    """
    plan = plan_of(study, evidence, assumptions)
    drawn: dict[int, PseudoCohort] = {}
    numbers = range(first, first + cohorts)
    drawing = (
        _drawn(plan, numbers, seed, min(workers, cohorts))
        if executor is None
        else _drawn_by(executor, plan, numbers, seed)
    )
    for number, cohort in drawing:
        drawn[number] = cohort
        if done is not None:
            done(len(drawn), cohorts)
    listed = [(number, drawn[number]) for number in numbers]
    return Reconstruction(
        pd.concat([_patients(plan, number, one) for number, one in listed], ignore_index=True),
        _modalities(plan, listed),
        pd.concat([_targets(plan, number, one) for number, one in listed], ignore_index=True),
        tuple(f"cohort {number}: {text}" for number, one in listed for text in one.conflicts),
    )


def _drawn(plan: Plan, numbers: range, seed: int, workers: int) -> Iterator[tuple[int, PseudoCohort]]:
    """Yield cohorts as they are ready; an interrupt ends the workers."""
    if workers <= 1:
        for number in numbers:
            yield number, draw_cohort(plan, seed, number)
        return
    context = begin_server(["data.published.reconstruction.cohorts"])
    # while the server imports, this process compiles, once for all workers
    compile_chain(plan)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=follow_command)
    try:
        yield from _drawn_by(pool, plan, numbers, seed)
    finally:
        end_workers([pool])


def _drawn_by(
    executor: Executor, plan: Plan, numbers: range, seed: int
) -> Iterator[tuple[int, PseudoCohort]]:
    waiting = {executor.submit(draw_cohort, plan, seed, number): number for number in numbers}
    for future in as_completed(waiting):
        yield waiting[future], future.result()


def _patients(plan: Plan, number: int, cohort: PseudoCohort) -> pd.DataFrame:
    of_patient = plan.strata.of_patient
    columns = {
        "cohort": np.full(len(of_patient), number),
        "patient": np.arange(1, len(of_patient) + 1),
        "treatment": plan.strata.treated[of_patient].astype(int),
        "matched": plan.strata.matched[of_patient].astype(int),
        "time": cohort.time,
        "event": cohort.event.astype(int),
    }
    for place, (name, covariate) in enumerate(plan.study.covariates.items()):
        columns[name] = np.array(covariate.levels, dtype=object)[cohort.covariates[:, place]]
    return pd.DataFrame(columns)


def _modalities(plan: Plan, cohorts: list[tuple[int, PseudoCohort]]) -> pd.DataFrame:
    analyses = list(dict.fromkeys(groups.analysis for groups in plan.modalities))
    if not analyses:
        return pd.DataFrame({"cohort": pd.Series(dtype=int), "patient": pd.Series(dtype=int)})
    rows = []
    for number, cohort in cohorts:
        of_cohort = pd.DataFrame({"patient": np.arange(1, len(cohort.time) + 1), "cohort": number})
        for groups, labels in zip(plan.modalities, cohort.modalities, strict=True):
            if groups.analysis not in of_cohort:
                of_cohort[groups.analysis] = pd.Series(np.nan, index=of_cohort.index, dtype=object)
            of_cohort.loc[members_of(groups, plan.strata), groups.analysis] = np.array(
                groups.groups, dtype=object
            )[labels]
        rows.append(of_cohort.dropna(subset=analyses, how="all"))
    return pd.concat(rows, ignore_index=True)[["cohort", "patient", *analyses]]


def _targets(plan: Plan, number: int, cohort: PseudoCohort) -> pd.DataFrame:
    """How a cohort meets every target, counts among them."""
    rows = _counted(plan, cohort) + _figures(plan, cohort)
    steered = [
        (target, value)
        for target, value in zip(plan.targets, cohort.values, strict=True)
        if target.figure is None
    ]
    for groups, values in zip(plan.modalities, cohort.modality_values, strict=True):
        steered += list(zip(groups.targets, values, strict=True))
    rows += [
        (one.name, one.family, one.printed, one.tolerance, float(value), one.deviation(float(value)))
        for one, value in steered
    ]
    table = pd.DataFrame(rows, columns=pd.Index(["target", "family", "printed", "tolerance", "value", "z"]))
    table.insert(4, "cohort", number)
    return table


def _figures(plan: Plan, cohort: PseudoCohort) -> list[tuple[str, str, float, float, float, float]]:
    """A row for each curve of a figure: how far the cohort's is from the point read that it meets least."""
    worst: dict[tuple[str, float], float] = {}
    points: dict[tuple[str, float], int] = {}
    for target, value in zip(plan.targets, cohort.values, strict=True):
        if target.figure is not None:
            of = target.name.partition(", read at")[0], target.tolerance
            off = float(value) - target.printed
            points[of] = points.get(of, 0) + 1
            worst[of] = max(worst.get(of, 0.0), off, key=abs)
    return [
        (f"{name}, the worst of {points[name, allowed]} points", CURVE, 0.0, allowed, off, off / allowed)
        for (name, allowed), off in worst.items()
    ]


def _counted(plan: Plan, cohort: PseudoCohort) -> list[tuple[str, str, float, float, float, float]]:
    """The cells of Table 1 and the deaths, counted anew in the cohort; half a pseudo-patient is the tolerance."""
    of_patient = plan.strata.of_patient
    treated, matched = plan.strata.treated[of_patient], plan.strata.matched[of_patient]
    study = plan.study
    labels = study.treatment.labels | {"": "all"}
    names = list(study.covariates)

    def counted(name: str, family: str, printed: int, mask: np.ndarray, arm: str, phase: str):
        inside = mask & (matched if phase == "after" else True)
        inside = inside & ((treated == (arm == "treated")) if arm else True)
        name, value = f"{name}, {labels[arm]}, {phase} matching", float(inside.sum())
        return name, family, float(printed), 0.5, value, (value - printed) / 0.5

    rows = []
    for row in plan.evidence.counts:
        if row.column in names and row.phase in plan.evidence.phases:
            holds = cohort.covariates[:, names.index(row.column)] == level_number(
                study, row.column, row.value
            )
            name = f"{row.variable}: {row.level}"
            rows.append(counted(name, EXACT[0], row.count, holds, row.arm, row.phase))
    for one in plan.deaths:
        rows.append(counted("deaths", EXACT[1], one.count, cohort.event == 1, one.arm, one.phase))
    return rows
