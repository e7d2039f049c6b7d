"""One summary from the summaries of several cohorts: every cohort has the same weight (Rubin 1987, doi 10.1002/9780470316696)."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from inference.diagnostics.checks.predictive import published_checks
from inference.diagnostics.predicted import of_cohorts
from inference.diagnostics.summaries import UNDETERMINED, ensemble_rhat, quantiles
from inference.fits.fits import FitSummary
from inference.fits.pooled_checks import is_maximised, pooled_checks
from inference.fits.tables import summarise_curves

SHOWN_TIMES = 101
LABELS = ["estimand", "population", "subgroup", "time", "unit"]


def pool(summaries: Sequence[FitSummary]) -> FitSummary:
    """Return what the fits of one model to several cohorts say together.

    Parameters
    ----------
    summaries : sequence of FitSummary
        The same request, one cohort each.

    Returns
    -------
    FitSummary
        Draws of all cohorts with equal weights; means over cohorts of what is not a draw. `elpd` and `propensity` are
        (cohort, patient). `pooling` says how much of each variance lies between cohorts. A single summary comes back
        as it is.
    """
    first = summaries[0]
    if len(summaries) == 1:
        return first
    draws = xr.concat([one.draws for one in summaries], dim="unit", join="override")
    table, pooling = _pooled_table(summaries, draws["estimand"].to_numpy())
    if is_maximised(first):
        table = table.assign(rhat=np.nan, ess_bulk=np.nan, ess_tail=np.nan)
    curve_draws = _pooled_curves([one.curve_draws for one in summaries])
    published = _joined([one.published for one in summaries])
    return replace(
        first,
        estimands=table,
        curves=summarise_curves(curve_draws),
        replicated=_end_to_end(summaries),
        observed=_mean(_on_shared_grid([one.observed for one in summaries])),
        elpd=np.stack([one.elpd for one in summaries]),
        checks=(*pooled_checks(summaries, table, draws), *published_checks(published)),
        propensity=np.stack([one.propensity for one in summaries]),
        power_scaling=tuple(np.mean([one.power_scaling for one in summaries], axis=0).tolist()),
        draws=draws.isel(draw=slice(None, None, len(summaries))),
        curve_draws=curve_draws.isel(draw=slice(0, 0)),
        published=published,
        balance=_pooled_balance(summaries),
        predicted=of_cohorts([one.predicted for one in summaries]),
        pooling=pd.concat([pooling, _pooled_parameters(draws, len(summaries))], ignore_index=True),
    )


def stack_cohorts(trees: Sequence[xr.DataTree]) -> xr.DataTree:
    """Return the fits of one model to several cohorts as one, with a dimension `cohort`; a single one as it is."""
    if len(trees) == 1:
        return trees[0]
    cohort = pd.Index(np.arange(1, len(trees) + 1), name="cohort")
    groups = {
        f"/{name}": xr.concat(
            [tree[name].to_dataset() for tree in trees],
            dim=cohort,
            join="override",
            combine_attrs="drop_conflicts",
        )
        for name in trees[0].children
    }
    stacked = xr.DataTree.from_dict(groups)
    stacked.attrs["provenance"] = json.dumps([json.loads(tree.attrs["provenance"]) for tree in trees])
    return stacked


def _pooled_table(summaries: Sequence[FitSummary], draws: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the table of estimands, and for each row how its variance divides into within and between cohorts."""
    count = len(summaries)
    stacked = {
        name: np.stack([one.estimands[name].to_numpy(float) for one in summaries])
        for name in ("mean", "sd", "mcse", "probability_of_benefit", "ess_bulk", "ess_tail")
    }
    within = (stacked["sd"] ** 2).mean(axis=0)
    between = stacked["mean"].var(axis=0, ddof=1)
    flat = draws.reshape(len(draws), -1).astype(float)
    limits = np.array([quantiles(row) for row in flat]).T
    table = summaries[0].estimands.assign(
        mean=stacked["mean"].mean(axis=0),
        sd=np.sqrt(within + (count - 1) / count * between),
        lower=limits[0],
        median=limits[1],
        upper=limits[2],
        probability_of_benefit=stacked["probability_of_benefit"].mean(axis=0),
        mcse=np.sqrt(between / count + (stacked["mcse"] ** 2).mean(axis=0) / count),
        ess_bulk=stacked["ess_bulk"].sum(axis=0),
        ess_tail=stacked["ess_tail"].sum(axis=0),
        rhat=ensemble_rhat(draws),
    )
    undetermined = np.isnan(flat).mean(axis=1) > UNDETERMINED
    table.loc[undetermined, ["lower", "median", "upper"]] = np.nan
    return table, table[LABELS].assign(mean=table["mean"], **_division(within, between, count))


def _division(within: np.ndarray, between: np.ndarray, count: int) -> dict[str, Any]:
    """Return how variances divide into those within and those between so many cohorts (row,)."""
    inflated = (1.0 + 1.0 / count) * between
    with np.errstate(invalid="ignore", divide="ignore"):
        missing = np.where(within + inflated > 0, inflated / (within + inflated), 0.0)
    return {
        "within_variance": within,
        "between_variance": between,
        "fraction_of_missing_information": np.where(np.isfinite(within), missing, np.nan),
        "error_over_cohorts": np.sqrt(between / count),
        "cohorts": count,
    }


def _pooled_parameters(draws: xr.Dataset, count: int) -> pd.DataFrame:
    """Return the same division of variance for every parameter of the model, with population "parameter"."""
    parameter = draws["parameter"].to_numpy().astype(float)
    by_cohort = parameter.reshape(*parameter.shape[:3], count, -1)
    means = by_cohort.mean(axis=(1, 2, 4))
    within, between = by_cohort.var(axis=(1, 2, 4)).mean(axis=1), means.var(axis=1, ddof=1)
    return pd.DataFrame(
        {
            "estimand": draws["parameter_name"].to_numpy().astype(str),
            "population": "parameter",
            "subgroup": "",
            "time": np.nan,
            "unit": "",
            "mean": means.mean(axis=1),
            **_division(within, between, count),
        }
    )


def _pooled_curves(parts: list[xr.Dataset]) -> xr.Dataset:
    """Return draws of the curves of all cohorts, at times within the follow-up of each."""
    last = min(float(part["time"].max()) for part in parts)
    jumps = parts[0]["time"].to_numpy()
    gaps = np.diff(jumps, prepend=-np.inf)
    # The two sides of each cut point, which all cohorts share, are kept so that the hazard jumps there.
    after = np.flatnonzero(gaps < 1e-9 * last)
    shared = np.concatenate([np.linspace(0.0, last, SHOWN_TIMES), jumps[after], jumps[after - 1]])
    times = np.unique(shared[shared <= last])
    pooled = xr.concat([_at(part, "time", times) for part in parts], dim="draw")
    return pooled.assign_attrs(parts[0].attrs)


def _at(part: xr.Dataset, dim: str, times: np.ndarray) -> xr.Dataset:
    """Return curves at other times, linear in between."""
    own = part[dim].to_numpy()
    right = np.clip(np.searchsorted(own, times), 1, len(own) - 1)
    share = (times - own[right - 1]) / (own[right] - own[right - 1])

    def moved(values: xr.DataArray) -> xr.DataArray:
        if dim not in values.dims:
            return values
        array = np.moveaxis(values.to_numpy(), values.dims.index(dim), -1).astype(float)
        array = array[..., right - 1] * (1.0 - share) + array[..., right] * share
        dims = (*[name for name in values.dims if name != dim], dim)
        return xr.DataArray(array, dims=dims).transpose(*values.dims)

    kept = {name: value for name, value in part.coords.items() if dim not in value.dims}
    values = {name: moved(value) for name, value in part.data_vars.items()}
    return xr.Dataset(values, coords={**kept, dim: times}, attrs=part.attrs)


def _on_shared_grid(parts: list[xr.Dataset]) -> list[xr.Dataset]:
    """Return Kaplan-Meier summaries with their curves at times within the follow-up of every cohort."""
    if "grid_time" not in parts[0]:
        return parts
    last = min(float(part["grid_time"].max()) for part in parts)
    times = np.linspace(0.0, last, parts[0].sizes["grid_time"])
    return [_at(part, "grid_time", times) for part in parts]


def _end_to_end(summaries: Sequence[FitSummary]) -> xr.Dataset:
    """Return the replicates of all cohorts, numbered through."""
    pooled = xr.concat(
        _on_shared_grid([one.replicated for one in summaries]), dim="replicate", join="override"
    )
    if "replicate" not in pooled.dims:
        return pooled
    return pooled.assign_coords(replicate=np.arange(pooled.sizes["replicate"]))


def _joined(parts: list[xr.Dataset]) -> xr.Dataset:
    """Return replicates one after the other; what does not vary with them once."""
    if "replicate" not in parts[0].dims:
        return parts[0]
    return xr.concat(
        parts, dim="replicate", join="override", data_vars="minimal", coords="minimal", compat="override"
    )


def _mean(parts: list[xr.Dataset]) -> xr.Dataset:
    """Return means over the cohorts; of nothing, nothing."""
    if not parts[0].data_vars:
        return parts[0]
    return xr.concat(parts, dim="cohort", join="override").mean("cohort")


def _pooled_balance(summaries: Sequence[FitSummary]) -> pd.DataFrame:
    """Return the mean balance over the cohorts, where an adjustment makes the arms alike."""
    tables = pd.concat([one.balance for one in summaries])
    return tables.groupby("term", sort=False).mean().reset_index() if len(tables) else tables
