"""Reconstruction measured on trials whose patients are known: published as a figure, reconstructed, and compared with them."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from data.errors import InputError
from data.processes import begin_server, end_workers, follow_command
from data.published.evidence import Evidence
from data.published.evidence_names import Arms, EvidenceNames
from data.published.evidence_rows import SurvivalNumber
from data.published.printed import printed
from data.published.publish import axis_end, publish_curve
from data.published.reconstruction import reconstruct
from data.study.study import Study, parse_study
from inference.frequentist.cox_model import cox
from inference.frequentist.restricted_mean import rmst
from inference.frequentist.survival import kaplan_meier

COHORTS = 5
COLUMNS = 7  # of the risk table
FEW = 20  # points of a curve read by hand
QUANTITIES = ("log_hazard_ratio", "rmst_difference", "median_1", "median_2")
STANDARD_ERROR = "standard_error"  # of the log hazard ratio
STUDY = """
name = "trial"
title = "A published trial"
time_unit = "{unit}"
cohort = {{source = "reconstruction"}}
treatment = {{treated = "1"}}
propensity = {{formula = "1"}}
outcome = {{formula = "1"}}
"""


@dataclass(frozen=True, eq=False)
class Trial:
    """Two arms of a published trial, as patients.

    Attributes
    ----------
    name, unit : str
        Of the curve, and of its times.
    time, event, first : ndarray (patient,)
        `first` marks the arm whose hazard is compared with the other's.
    """

    name: str
    unit: str
    time: np.ndarray
    event: np.ndarray
    first: np.ndarray


@dataclass(frozen=True)
class Reading:
    """How a trial is published: with or without a risk table, and of how many points a curve is read (0: every pixel)."""

    risk_table: bool
    points: int = 0


READINGS = (Reading(True), Reading(False), Reading(True, FEW))


def load_trials(folder: Path) -> list[Trial]:
    """The trials of a folder.

    Parameters
    ----------
    folder : Path
        Holds ``patients.parquet`` (curve, time, event, arm) and ``key.csv`` (curve, Units, Arms).

    Raises
    ------
    InputError
        If a file or a column is missing, or a curve has not two arms.
    """
    tables = {}
    for name, read, needed in (
        ("patients.parquet", pd.read_parquet, ("curve", "time", "event", "arm")),
        ("key.csv", pd.read_csv, ("curve", "Units", "Arms")),
    ):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: must hold {', '.join(needed)}, but is missing.")
        tables[name] = read(folder / name)
        missing = [column for column in needed if column not in tables[name]]
        if missing:
            raise InputError(
                f"{folder / name}: must have columns {', '.join(needed)}, but lacks {', '.join(missing)}."
            )
    key = tables["key.csv"].set_index("curve")
    found = []
    for curve, rows in tables["patients.parquet"].groupby("curve"):
        arms = sorted(rows["arm"].unique(), key=lambda arm: (str(key.loc[curve, "Arms"]).find(str(arm)), arm))
        if len(arms) != 2:
            raise InputError(
                f"{folder / 'patients.parquet'}, curve {curve}: must have two arms, but found {len(arms)}."
            )
        found.append(
            Trial(
                str(curve), str(key.loc[curve, "Units"]), rows["time"].to_numpy(float),
                rows["event"].to_numpy() == 1, rows["arm"].to_numpy() == arms[0],
            )
        )  # fmt: skip
    return found


def publication_of(trial: Trial, reading: Reading) -> tuple[Study, Evidence]:
    """A trial as a reader has it: pixels of a figure of 10 cm at 300 dpi, the sizes, and perhaps a risk table."""
    axis = axis_end(float(trial.time.max()))
    curves, sizes = [], []
    for arm, inside in (("treated", trial.first), ("control", ~trial.first)):
        curve = publish_curve(
            trial.time[inside],
            trial.event[inside],
            arm=arm,
            axis=axis,
            columns=COLUMNS if reading.risk_table else 0,
        )
        if reading.points:
            kept = np.unique(np.linspace(0, len(curve.time) - 1, reading.points).round().astype(int))
            curve = dataclasses.replace(curve, time=curve.time[kept], survival=curve.survival[kept])
        curves.append(curve)
        sizes.append(SurvivalNumber(arm, "before", "n", None, printed(str(inside.sum()))))
    study = parse_study(STUDY.format(unit=trial.unit), "study.toml")
    names = EvidenceNames(sha256={}, arms=Arms(treated="first", control="second"), variables={})
    return study, Evidence(
        study=study.name, folder=Path("evidence"), names=names, counts=(), survival=tuple(sizes), facts=(), cox=(),
        subgroups=(), review=(), trials=(), checksums={}, curves=tuple(curves),
    )  # fmt: skip


def quantities(time: np.ndarray, event: np.ndarray, first: np.ndarray, horizon: float) -> dict[str, float]:
    """What is compared: log hazard ratio and its standard error, difference in restricted means, medians."""
    row = cox(time, event, first[:, None].astype(float), ["first"]).table.iloc[0]
    means = [rmst(time[arm], event[arm], horizon).estimate for arm in (first, ~first)]
    medians = [kaplan_meier(time[arm], event[arm]).median for arm in (first, ~first)]
    values = (float(row["coefficient"]), means[0] - means[1], *medians, float(row["standard_error"]))
    return dict(zip((*QUANTITIES, STANDARD_ERROR), values, strict=True))


def measure(trial: Trial, reading: Reading, cohorts: int, seed: int) -> list[dict[str, object]]:
    """Reconstruct a trial, and compare: a row for each quantity that the patients have.

    The interval is that of one more cohort, by Student's distribution: what the publication leaves open.
    """
    study, evidence = publication_of(trial, reading)
    # the last common time that the figure shows, short of half a pixel and a rounding error
    horizon = (1 - 1e-5) * min(float(one.time[-1] - one.time_resolution / 2) for one in evidence.curves)
    truth = quantities(trial.time, trial.event, trial.first, horizon)
    began = time.perf_counter()
    patients = reconstruct(study, evidence, cohorts, seed, workers=1).patients
    seconds = (time.perf_counter() - began) / cohorts
    found = pd.DataFrame(
        [
            quantities(
                one["time"].to_numpy(),
                one["event"].to_numpy() == 1,
                one["treatment"].to_numpy() == 1,
                horizon,
            )
            for _, one in patients.groupby("cohort")
        ]
    )
    width = float(stats.t.ppf(0.975, cohorts - 1)) * np.sqrt(1 + 1 / cohorts)
    rows = []
    for quantity, value in truth.items():
        if not np.isfinite(value):
            continue
        mean, half = found[quantity].mean(), width * found[quantity].std()
        rows.append(
            {
                "curve": trial.name,
                "risk_table": "yes" if reading.risk_table else "no",
                "points": reading.points or "all",
                "quantity": quantity,
                "truth": value,
                "mean": mean,
                "lower": mean - half if np.isfinite(mean) else found[quantity].min(),
                "upper": mean + half if np.isfinite(mean) else np.inf,
                "seconds": seconds,
            }
        )
    return rows


def benchmark_trials(
    trials: list[Trial],
    seed: int,
    done: Callable[[str, int, int], None],
    workers: int = 2,
    cohorts: int = COHORTS,
) -> pd.DataFrame:
    """Compare every trial with its reconstruction, for every way to read it.

    Parameters
    ----------
    trials : list of Trial
    seed : int
    done : callable
        Takes what is ready, how many parts are done, and of how many.
    workers, cohorts : int

    Returns
    -------
    DataFrame
        ``curve, risk_table, points, quantity, truth, mean, lower, upper, seconds``; seconds are of one cohort.
    """
    tasks = [
        (trial, reading) for trial in sorted(trials, key=lambda one: -len(one.time)) for reading in READINGS
    ]
    rows = []
    for number, (name, found) in enumerate(_measured(tasks, seed, workers, cohorts), start=1):
        rows += found
        done(name, number, len(tasks))
    return pd.DataFrame(rows).sort_values(
        ["curve", "risk_table", "points", "quantity"], key=lambda one: one.astype(str), kind="stable"
    )


def _measured(tasks, seed: int, workers: int, cohorts: int) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Yield what is ready; an interrupt ends the workers."""
    context = begin_server(["inference.benchmark.trials"])
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=follow_command)
    try:
        waiting = {
            pool.submit(measure, trial, reading, cohorts, seed): trial.name for trial, reading in tasks
        }
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    finally:
        end_workers([pool])


def summarise(table: pd.DataFrame, units: dict[str, str]) -> pd.DataFrame:
    """Mean absolute error, coverage and width by reading and quantity; times in months.

    Parameters
    ----------
    table : DataFrame
        As `benchmark_trials` returns it.
    units : dict of str to str
        Unit of time of every curve.
    """
    months = {"months": 1.0, "years": 12.0, "weeks": 12 / 52.1775, "days": 12 / 365.25}
    scale = np.where(
        table["quantity"].isin(["log_hazard_ratio", STANDARD_ERROR]),
        1.0,
        table["curve"].map(units).map(months),
    )
    frame = pd.DataFrame(
        {
            **table[["risk_table", "points", "quantity", "seconds"]],
            "error": (table["mean"] - table["truth"]).abs() * scale,
            "covered": (table["lower"] <= table["truth"]) & (table["truth"] <= table["upper"]),
            "width": (table["upper"] - table["lower"]) * scale,
        }
    )
    grouped = frame.groupby(["risk_table", "points", "quantity"], sort=False)
    return grouped.agg(
        curves=("error", "size"), mean_absolute_error=("error", "mean"), coverage=("covered", "mean"),
        median_width=("width", "median"), median_seconds=("seconds", "median"), most_seconds=("seconds", "max"),
    ).reset_index()  # fmt: skip
