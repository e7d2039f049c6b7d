"""The page's sections on the pseudo-patients: what stands beside the publication, and what it does not say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from inference.report.content import FigureItem, ReportSection
from inference.report.numbers import number, ratio
from inference.report.results import Results
from inference.report.table import Cell, Column, Row, Table, frame_table, number_cell, text_cell

MATCHED_COX = "as published"
WIDE = 0.8  # of the prior's standard deviation: the publication says next to nothing about such a parameter
UNKNOWN = 0.5  # fraction of missing information from which most of the variance is between cohorts
HEADLINE = (
    "log_hazard_ratio",
    "rmst_difference",
    "survival_difference",
    "marginal_hazard_ratio",
    "median_difference",
)


def beside_section(results: Results, figures: Sequence[FigureItem]) -> ReportSection:
    """Return the section that sets the posterior beside the printed analysis.

    Parameters
    ----------
    results : Results
        Of a study that publishes no patients.
    figures : sequence of FigureItem
        Printed numbers among replicated ones.
    """
    cox = results.comparators[results.comparators["statistic"] == "hazard_ratio"]
    rows = []
    for one in cox.to_dict("records"):
        printed = "" if pd.isna(one["published"]) else number(one["published"])
        computed = ratio(one["estimate"], one["lower"], one["upper"])
        rows.append(Row((Cell(str(one["method"])), Cell(printed), Cell(computed))))
    ratios = results.estimands[
        (results.estimands["estimand"] == "hazard_ratio") & (results.estimands["population"] == "conditional")
    ]
    own = results.main.request
    stated = ratios[(ratios["prior_set"] == own.priors.name) & (ratios["effect"] == own.effect)]
    for one in stated.to_dict("records"):
        label = f"Posterior, {str(one['baseline']).replace('_', ' ')}, {one['adjustment']}"
        computed = ratio(one["median"], one["lower"], one["upper"])
        rows.append(
            Row((Cell(label), Cell(""), Cell(computed)), "main" if one["adjustment"] == "joint" else "")
        )
    columns = (
        Column("Analysis"),
        Column("Printed", numeric=True),
        Column("On pseudo-patients (95 %)", numeric=True),
    )
    caption = (
        "Hazard ratio of treatment: as printed, as recomputed on the pseudo-patients, and as a posterior"
    )
    table = Table("beside-published", caption, columns, tuple(rows))
    return ReportSection(
        "beside",
        "Beside the published analysis",
        (
            "Rows are what the publication prints and what its own analysis gives on the pseudo-patients, then the posterior, which "
            "conditions on the covariates of the study over all pseudo-patients. Neither knows when treatment began.",
        ),
        (table,),
        tuple(figures),
    )


def reconstruction_section(
    results: Results,
    targets: pd.DataFrame,
    conflicts: Sequence[str],
    figures: Sequence[FigureItem],
    assumptions: pd.DataFrame | None = None,
) -> ReportSection:
    """Return the section on the pseudo-patients: how well they meet the printed numbers, and how much they differ.

    Parameters
    ----------
    results : Results
        Of a study that publishes no patients.
    targets : DataFrame
        target, family, printed, tolerance, cohort, value, z.
    conflicts : sequence of str
        Targets that could not be met, and what they pull against.
    figures : sequence of FigureItem
    assumptions : DataFrame, optional
        From `inference.published.unprinted.assumption_table`.
    """
    cohorts, size = len(results.cohorts), results.cohort.size
    beyond = int((targets["z"].abs() > 1).sum())
    steered = targets[~targets["family"].isin(("table 1", "deaths"))]
    paragraphs = (
        f"{cohorts} {'cohort' if cohorts == 1 else 'cohorts'} of {size} pseudo-patients, drawn towards the printed numbers. Of "
        f"{len(targets)} comparisons with print, {len(targets) - beyond} lie within their tolerance"
        f"{'' if beyond == 0 else f' and {beyond} beyond it'}; the median distance "
        f"of the numbers that are not counts is {number(steered['z'].abs().median())} tolerances.",
        "What is not printed differs between the cohorts as far as the generative model of decisions 0014 and 0026 lets it. The tables say "
        "how much of each variance lies between the cohorts. Given that model, this share is the price of not having the patients; where a "
        "strong effect or a strong dependence that nobody printed exists, the price is higher than the tables say.",
        *([] if assumptions is None else [_under_looser(assumptions)]),
        *conflicts,
    )
    tables = [_families(targets)]
    if assumptions is not None:
        tables.append(frame_table("assumptions", ASSUMPTIONS, assumptions))
    unsaid = pd.DataFrame()
    if cohorts > 1:
        tables.append(_missing(results.main.pooling))
        unsaid = unsaid_table(results)
    return ReportSection(
        "reconstruction",
        "The pseudo-patients, and what the publication does not say",
        paragraphs,
        (*tables, frame_table("unsaid", UNSAID, unsaid)) if len(unsaid) else tuple(tables),
        tuple(figures),
    )


ASSUMPTIONS = (
    "Adjusted log hazard ratio (Cox, all covariates of the outcome formula) under the main assumptions on what is not printed, and under "
    "looser ones: standard deviations of effects, of their differences between the arms, and of loadings"
)


def _under_looser(table: pd.DataFrame) -> str:
    """Return how the adjusted effect moves under looser assumptions."""
    main, loose = table.iloc[0], table.iloc[-1]
    ratios = [
        f"{number(np.exp(row['log_hazard_ratio']), 2)} ({100 * row['fraction_of_missing_information']:.0f} % missing information)"
        for row in (main, loose)
    ]
    return (
        f"Under looser assumptions (effects that are not printed vary by {loose['effect_sd']:g} instead of {main['effect_sd']:g} on the "
        f"log scale, covariates go together more strongly) Cox's adjusted hazard ratio is {ratios[1]} instead of {ratios[0]}."
    )


UNSAID = (
    f"What the publication does not say: parameters whose posterior is at least {WIDE:.0%} as wide as their prior, and "
    "estimands most of whose variance lies between cohorts"
)


def unsaid_table(results: Results) -> pd.DataFrame:
    """Return the quantities about which the publication says next to nothing, under the main model.

    Returns
    -------
    DataFrame
        quantity, posterior_sd (over all cohorts), prior_sd, share_of_prior, missing_information.
    """
    pooling = results.main.pooling
    cohorts = pooling["cohorts"].to_numpy(float)
    variance = pooling["within_variance"] + (cohorts - 1) / cohorts * pooling["between_variance"]
    table = pooling.assign(posterior_sd=np.sqrt(variance))
    prior = prior_spread(results.main_fit["prior"].to_dataset())
    table["prior_sd"] = table["estimand"].map(prior).where(table["population"] == "parameter")
    table["share_of_prior"] = table["posterior_sd"] / table["prior_sd"]
    missing = table["fraction_of_missing_information"]
    estimand = (table["population"] == "all") & table["estimand"].isin(HEADLINE)
    found = table[(table["share_of_prior"] >= WIDE) | (estimand & (missing >= UNKNOWN))]
    named = found["estimand"] + np.where(found["time"].notna(), " at " + found["time"].map("{:g}".format), "")
    return pd.DataFrame(
        {
            "quantity": named,
            "posterior_sd": found["posterior_sd"],
            "prior_sd": found["prior_sd"],
            "share_of_prior": found["share_of_prior"],
            "missing_information": found["fraction_of_missing_information"],
        }
    ).reset_index(drop=True)


def prior_spread(prior: xr.Dataset) -> dict[str, float]:
    """Return the prior standard deviation of every parameter, by the names of the pooling table."""
    spread = {}
    for name, values in prior.data_vars.items():
        own = [dim for dim in values.dims if dim not in ("chain", "draw")]
        sd = values.std(("chain", "draw"))
        if not own:
            spread[str(name)] = float(sd)
            continue
        for place, label in enumerate(sd[own[0]].to_numpy()):
            spread[f"{name}[{label}]"] = float(sd[place])
    return spread


def _families(targets: pd.DataFrame) -> Table:
    rows = []
    for family, part in targets.groupby("family", sort=False):
        size = part["z"].abs()
        numbers = (part["target"].nunique(), int((size > 1).sum()), size.median(), size.max())
        rows.append(
            Row((text_cell(family), *(number_cell(one) for one in numbers)), "warn" if numbers[1] else "")
        )
    columns = (
        Column("Printed numbers"),
        Column("Targets", numeric=True),
        Column("Beyond tolerance, over cohorts", numeric=True),
        Column("Median distance, tolerances", numeric=True),
        Column("Largest", numeric=True),
    )
    return Table(
        "reconstruction-families",
        "How well the pseudo-patients meet the printed numbers",
        columns,
        tuple(rows),
    )


def _missing(pooling: pd.DataFrame) -> Table:
    shown = pooling[pooling["estimand"].isin(HEADLINE) & pooling["population"].isin(("all", "conditional"))]
    columns = [
        "estimand",
        "population",
        "time",
        "mean",
        "within_sd",
        "between_sd",
        "missing_information",
        "error",
    ]
    table = shown.assign(
        within_sd=np.sqrt(shown["within_variance"]),
        between_sd=np.sqrt(shown["between_variance"]),
        missing_information=shown["fraction_of_missing_information"],
        error=shown["error_over_cohorts"],
    )[columns]
    caption = (
        "Within and between cohorts, under the main model: standard deviations, fraction of missing information, and "
        "Monte Carlo error over the cohorts"
    )
    return frame_table("missing-information", caption, table)
