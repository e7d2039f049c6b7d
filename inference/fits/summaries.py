"""What a fit says, kept beside the fit, so that a report is made again without computing it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from data.study.cohort import Cohort
from data.study.study import Study
from inference.adjustments import Progress
from inference.diagnostics.checks import CheckResult
from inference.estimands.horizon import report_times
from inference.fits.fits import FitSummary, make_fit, read_fit
from inference.fits.pooling import pool, pooled_mark
from inference.fits.requests import FitRequest, cohorts_of, fit_key, fit_keys, request_of_cohort
from inference.fits.tables import KEYS
from inference.storage.atomic import atomic_path
from inference.storage.closure import source_of
from inference.storage.store import Store, digest, read_tree, write_tree

READ = "inference.fits.fits"  # the module whose source decides a summary, given the fit
SUMMARY = "summary.nc"
ESTIMANDS = "estimands.csv"
CHECKS = "checks.csv"
POOLING = "pooling.csv"
BALANCE = "balance.csv"


def summary_of(
    study: Study, cohort: Cohort, request: FitRequest, store: Store, progress: Progress, sample: bool = True
) -> FitSummary | None:
    """Return what a fit says: as kept, or read from the stored fit, or from a fit that is sampled now.

    Parameters
    ----------
    study : Study
        Gives horizon, times and labels.
    cohort : Cohort
        The patients.
    request : FitRequest
        Which fit.
    store : Store
        Where fits are kept.
    progress : callable
        Called with what is being done.
    sample : bool
        False to return None rather than sample a fit that is missing.
    """
    key = fit_key(study, cohort, request)
    place = store.place(key)
    mark = _mark(study, cohort, request, key)
    kept = _load(place, mark, request) if store.holds(key) else None
    if kept is not None:
        return kept
    tree = make_fit(study, cohort, request, store, progress) if sample else store.load(key)
    if tree is None:
        return None
    progress("estimands and checks", 0, 1)
    summary = replace(read_fit(study, cohort, request, tree), mark=mark)
    _save(place, mark, summary)
    return summary


def kept_pool(
    study: Study, cohorts: Sequence[Cohort], request: FitRequest, store: Store
) -> FitSummary | None:
    """Return the pooled summary of several cohorts if it was kept and every fit behind it is as it was written."""
    cohorts = cohorts_of(request, cohorts)
    if len(cohorts) == 1:
        return None
    own = [request_of_cohort(request, number) for number in range(len(cohorts))]
    keys = fit_keys(study, cohorts, request)
    mark = pooled_mark(
        [_mark(study, cohort, one, key) for cohort, one, key in zip(cohorts, own, keys, strict=True)]
    )
    kept = _load(store.kept / mark, mark, request)
    return kept if kept is not None and all(store.holds(key) for key in keys) else None


def pooled_summary(summaries: Sequence[FitSummary], store: Store) -> FitSummary:
    """Return the summaries of one model, pooled over cohorts, and keep what was pooled."""
    pooled = pool(summaries)
    if len(summaries) > 1:
        _save(store.kept / pooled.mark, pooled.mark, pooled)
    return pooled


def _mark(study: Study, cohort: Cohort, request: FitRequest, key: str) -> str:
    """Return a digest of all that decides a summary: the fit, the report's times, the labels and the source."""
    labels = (study.name, cohort.time_unit, cohort.treated_label, cohort.control_label)
    asked = request.predictive, request.left_out
    return digest([key, report_times(study, cohort), labels, asked, source_of(READ)])


def _save(place: Path, mark: str, summary: FitSummary) -> None:
    for name, table in ((ESTIMANDS, summary.estimands), (CHECKS, summary.checks_table)):
        with atomic_path(place / name) as temporary:
            table.to_csv(temporary, index=False)
    if len(summary.pooling):
        with atomic_path(place / POOLING) as temporary:
            summary.pooling.to_csv(temporary, index=False)
    if len(summary.balance):
        with atomic_path(place / BALANCE) as temporary:
            summary.balance.to_csv(temporary, index=False)
    dims = ("cohort", "patient")[-summary.elpd.ndim :]
    by_patient = xr.Dataset({"elpd": (dims, summary.elpd), "propensity": (dims, summary.propensity)})
    tree = xr.DataTree.from_dict(
        {
            "/curves": summary.curves,
            "/replicated": summary.replicated,
            "/observed": summary.observed,
            "/by_patient": by_patient,
            "/draws": summary.draws,
            "/curve_draws": summary.curve_draws,
            "/published": summary.published,
            "/predicted": summary.predicted,
        }
    )
    tree.attrs["mark"] = mark
    tree.attrs["power_scaling"] = list(summary.power_scaling)
    write_tree(tree, place / SUMMARY)


def _load(place: Path, mark: str, request: FitRequest) -> FitSummary | None:
    """Return a summary that was kept, or None where there is none, it is damaged, or it is of something else."""
    try:
        tree = read_tree(place / SUMMARY)
        if tree.attrs["mark"] != mark:
            return None
        # Names are text even if they read like numbers; numbers come back as they were written.
        estimands = pd.read_csv(  # ty: ignore[no-matching-overload]  # round_trip is there, the stubs miss it
            place / ESTIMANDS,
            keep_default_na=False,
            na_values=[""],
            dtype=dict.fromkeys((*KEYS, "subgroup"), str),
            float_precision="round_trip",
        )
        checks = pd.read_csv(place / CHECKS, float_precision="round_trip")  # ty: ignore[no-matching-overload]
        pooling = _pooling(place / POOLING)
        balance = _table(place / BALANCE)
    except (OSError, KeyError, ValueError):
        return None
    estimands["subgroup"] = estimands["subgroup"].fillna("")
    by_patient = tree["by_patient"]
    of_prior, of_likelihood = tree.attrs["power_scaling"]
    return FitSummary(
        request,
        estimands,
        tree["curves"].to_dataset(),
        tree["replicated"].to_dataset(),
        tree["observed"].to_dataset(),
        by_patient["elpd"].to_numpy(),
        tuple(_check(row) for row in checks.to_dict("records")),
        by_patient["propensity"].to_numpy(),
        (float(of_prior), float(of_likelihood)),
        tree["draws"].to_dataset(),
        tree["curve_draws"].to_dataset(),
        tree["published"].to_dataset(),
        balance,
        tree["predicted"].to_dataset(),
        pooling,
        mark,
    )


def _pooling(path: Path) -> pd.DataFrame:
    """Return how the variance divides over cohorts; nothing where the summary is of one cohort."""
    table = _table(path)
    return table.assign(subgroup=table["subgroup"].fillna("")) if len(table) else table


def _table(path: Path) -> pd.DataFrame:
    """Return a kept table, empty where there is none."""
    if not path.exists():
        return pd.DataFrame()
    return pd.read_csv(path, float_precision="round_trip")  # ty: ignore[no-matching-overload]


def _check(row: dict[Any, Any]) -> CheckResult:
    numbers = {name: None if np.isnan(row[name]) else float(row[name]) for name in ("value", "threshold")}
    return CheckResult(
        row["family"], row["subject"], row["status"], numbers["value"], numbers["threshold"], row["text"]
    )
