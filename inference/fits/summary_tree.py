"""The summary of a fit as an xarray.DataTree, and back: as it is kept on disk."""

import json
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pandas.api.types import is_numeric_dtype

from inference.diagnostics.checks.result import CheckResult
from inference.fits.fits import FitSummary
from inference.fits.requests import FitRequest
from inference.storage.cache import compress

DATASETS = ("curves", "replicated", "observed", "draws", "curve_draws", "published", "predicted")
TABLES = ("estimands", "balance", "pooling")


def summary_to_tree(summary: FitSummary) -> xr.DataTree:
    """Return the summary as a DataTree, without its request and its key."""
    dims = ("cohort", "patient")[-summary.elpd.ndim :]
    by_patient = {"elpd": (dims, summary.elpd), "propensity": (dims, summary.propensity)}
    checks = summary.checks_table.astype({"value": float, "threshold": float})
    tables = {"checks": checks, **{name: getattr(summary, name) for name in TABLES}}
    tree = xr.DataTree.from_dict(
        {
            **{name: getattr(summary, name) for name in DATASETS},
            "replicated": compress(_with_narrow_curves(summary.replicated)),
            "published": compress(summary.published),
            "tables": xr.Dataset({name: _text_of(table) for name, table in tables.items()}),
            "by_patient": xr.Dataset(by_patient),
        }
    )
    tree.attrs["power_scaling"] = list(summary.power_scaling)
    return tree


def summary_from_tree(tree: xr.DataTree, request: FitRequest, key: str) -> FitSummary:
    """Return the summary that a DataTree holds.

    Parameters
    ----------
    tree : DataTree
        From `summary_to_tree`.
    request : FitRequest
        The model that was fitted.
    key : str
        Digest of all that decides the summary.
    """
    of_prior, of_likelihood = tree.attrs["power_scaling"]
    by_patient = tree.children["by_patient"]
    datasets: dict[str, Any] = {name: tree.children[name].to_dataset() for name in DATASETS}
    written = tree.children["tables"].to_dataset()
    tables: dict[str, Any] = {name: _table_of(written[name]) for name in TABLES}
    checks = _table_of(written["checks"]).to_dict("records")
    return FitSummary(
        request,
        elpd=by_patient["elpd"].to_numpy(),
        propensity=by_patient["propensity"].to_numpy(),
        checks=tuple(_check(row) for row in checks),
        power_scaling=(float(of_prior), float(of_likelihood)),
        key=key,
        **datasets,
        **tables,
    )


def _with_narrow_curves(replicated: xr.Dataset) -> xr.Dataset:
    """Return replicated cohorts with their curves, which only figures show, in single precision."""
    curves = {
        name: value.astype(np.float32)
        for name, value in replicated.data_vars.items()
        if "grid_time" in value.dims
    }
    return replicated.assign(curves)


def _text_of(table: pd.DataFrame) -> xr.DataArray:
    """Return a table as one text: a tree is read in half the time that it takes with a variable for each column; every number is the same again."""
    columns = {
        str(name): column.to_numpy(float if is_numeric_dtype(column) else object).tolist()
        for name, column in table.items()
    }
    return xr.DataArray(json.dumps(columns))


def _table_of(text: xr.DataArray) -> pd.DataFrame:
    return pd.DataFrame(json.loads(text.item()))


def _check(row: dict[Any, Any]) -> CheckResult:
    numbers = {name: None if np.isnan(row[name]) else float(row[name]) for name in ("value", "threshold")}
    return CheckResult(
        row["family"], row["subject"], row["status"], numbers["value"], numbers["threshold"], row["text"]
    )
