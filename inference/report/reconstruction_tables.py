"""The tables of a reconstruction: targets by family, missing information, and what the publication leaves open."""

import numpy as np
import pandas as pd
import xarray as xr

from inference.published.evidence_worth import ADJUSTED, MEAN, UNADJUSTED
from inference.report.figures.diagnostics.chosen import short_name
from inference.report.results import Results
from inference.report.table import (
    NUMBER,
    PERCENTAGE,
    SPAN,
    TEXT,
    Column,
    Table,
    frame_table,
    heading,
    numbers_of,
)

WORTH = {
    UNADJUSTED: "Log hazard ratio, unadjusted (95 %)",
    ADJUSTED: "Log hazard ratio, adjusted (95 %)",
    MEAN: "Difference in restricted means (95 %)",
}
WIDE = 0.8  # of the prior's standard deviation: the publication says next to nothing about such a parameter
UNKNOWN = 0.5  # fraction of missing information from which most of the variance is between cohorts
HEADLINE = (
    "log_hazard_ratio",
    "rmst_difference",
    "survival_difference",
    "marginal_hazard_ratio",
    "median_difference",
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
    times = found["time"].map(" at {:g}".format).astype(object)  # of no row too
    named = found["estimand"].map(_in_words) + times.where(found["time"].notna(), "")
    return pd.DataFrame(
        {
            "quantity": named,
            "posterior_sd": found["posterior_sd"],
            "prior_sd": found["prior_sd"],
            "share_of_prior": found["share_of_prior"],
            "missing_information": found["fraction_of_missing_information"],
        }
    ).reset_index(drop=True)


def _in_words(estimand: str) -> str:
    """Return an estimand, or a parameter with the term in brackets, as words and the term."""
    variable, bracket, term = estimand.partition("[")
    return short_name(variable) + (f": {term.removesuffix(']')}" if bracket else "")


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


def families_of_targets(targets: pd.DataFrame) -> Table:
    """Return how near the pseudo-patients come to print, by family of printed numbers."""
    rows = []
    for family, part in targets.groupby("family", sort=False):
        size = part["z"].abs()
        rows.append(
            {
                "family": family,
                "targets": part["target"].nunique(),
                "beyond": int((size > 1).sum()),
                "median": size.median(),
                "largest": size.max(),
                "mark": "warn" if (size > 1).any() else "",
            }
        )
    columns = (
        Column("Printed numbers", TEXT, "family"),
        Column("Targets", NUMBER, "targets"),
        Column("Beyond tolerance, over cohorts", NUMBER, "beyond"),
        Column("Median distance, tolerances", NUMBER, "median"),
        Column("Largest", NUMBER, "largest"),
    )
    caption = "How well the pseudo-patients meet the printed numbers"
    return Table("reconstruction-families", caption, columns, pd.DataFrame(rows), "mark")


def missing_information_table(pooling: pd.DataFrame) -> Table:
    """Return the missing information of the main quantities."""
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
        estimand=shown["estimand"].map(heading),
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


def worth_table(worth: pd.DataFrame) -> Table:
    """Return the effect with all evidence and without each kind of it, a row for each.

    Parameters
    ----------
    worth : DataFrame
        As in `inference.report.publication.Companions`.
    """
    rows = []
    for kind, part in worth[worth["problem"] == ""].groupby("without", sort=False):
        row: dict[str, object] = {"made": f"all but the {kind}" if kind else "all that is printed"}
        for found in part.to_dict("records"):
            name = found["quantity"]
            row |= numbers_of(pd.Series(found), name, "estimate")
            row[f"{name}_missing"] = found["fraction_of_missing_information"]
        rows.append({**row, "mark": "" if kind else "main"})
    frame = pd.DataFrame(rows)
    columns = [Column("Pseudo-patients made from", TEXT, "made")]
    for name, title in WORTH.items():
        if name in frame:
            columns += [
                Column(title, SPAN, name),
                Column("Missing information", PERCENTAGE, f"{name}_missing"),
            ]
    caption = (
        "What each kind of printed evidence is worth: the effect in cohorts of pseudo-patients that are made without it, and the "
        "share of its variance that lies between the cohorts (Cox models; Kaplan-Meier)"
    )
    return Table("evidence-worth", caption, tuple(columns), frame, "mark")


def worth_sentences(worth: pd.DataFrame) -> list[str]:
    """Return which kind of evidence the effect hangs on most, and for what no cohort can be made."""
    known = worth[worth["quantity"] == (ADJUSTED if (worth["quantity"] == ADJUSTED).any() else UNADJUSTED)]
    missing = known.set_index("without")["fraction_of_missing_information"]
    words = known["quantity"].iloc[0].replace("_", " ")
    found = [
        f"With all that is printed {100 * missing['']:.0f} % of the variance of the {words} is missing information."
    ]
    if len(missing) > 1:
        most = missing.drop("").idxmax()
        found[0] += (
            f" Of the kinds that can be left out one at a time, most is missing without the {most}: {100 * missing[most]:.0f} % "
            f"(from {known['cohorts'].iloc[-1]:.0f} cohorts, so that such a share is rough)."
        )
    impossible = worth[worth["problem"] != ""]
    return found + [f"Without the {row.without}: {row.problem}" for row in impossible.itertuples()]
