"""The section on adjustments: which agree, what moves the effect, and what each did to the balance of the arms."""

from collections.abc import Iterable, Sequence
from functools import cache, partial

import numpy as np
import pandas as pd

from data.published.audit.finding import listed
from inference.adjustments import ADJUSTMENTS
from inference.fits.fits import FitSummary
from inference.report.check_tables import in_words
from inference.report.content import FigureItem, ReportSection
from inference.report.figures.adjustments import adjustments_figure
from inference.report.figures.balance_by_adjustment import balance_by_adjustment_figure
from inference.report.figures.weighted_survival import WeightedPanel, weighted_survival_figure
from inference.report.figures.wording import POPULATION_NAMES, capitalised, estimate_of, words
from inference.report.numbers import lone_ratio, number, ratio
from inference.report.observed_arms import weighted_arms
from inference.report.section import Material, Section
from inference.report.table import (
    NUMBER,
    PERCENTAGE,
    PROBABILITY,
    RATIO,
    SHORT,
    SPAN,
    TEXT,
    Column,
    Table,
    heading,
)
from inference.report.vocabulary import vocabulary, with_terms_in_words
from inference.sensitivity.adjustments import AGREE, compare_adjustments

SOMEWHAT = 1.1  # a smaller factor between two hazard ratios is called a small difference


def adjustment_section(
    compared: pd.DataFrame, checks: pd.DataFrame, main: dict[str, str], figures: Sequence[FigureItem]
) -> ReportSection:
    """Return the section.

    Parameters
    ----------
    compared : DataFrame
        From `inference.sensitivity.adjustments.compare_adjustments`.
    checks : DataFrame
        The contract's checks.csv; used are those of designs.
    main : dict
        Names the main fit.
    figures : sequence of FigureItem
    """
    tables = [_effects(compared)]
    weighted = any(ADJUSTMENTS[str(name)].maximises for name in compared["adjustment"].unique())
    designs = _designs(checks)
    if designs.rows:
        tables.append(designs)
    return ReportSection(
        "adjustments",
        "Does it depend on how one adjusts",
        (*agreement(compared, main), f"{CAUTION} {WEIGHTED}" if weighted else CAUTION, DIFFERENCES),
        tuple(tables),
        tuple(figures),
        range_of_adjustments(compared),
    )


POPULATION_PHRASES = {
    "all": "all patients",
    "overlap": "the overlap population",
    "treated": "the treated",
    "matched": "the pairs",
}
CAUTION = "All adjustments use the same measured covariates: that they agree says nothing of a confounder that none of them saw."
WEIGHTED = (
    "Weighted likelihoods are maximised, not sampled: their draws are maximisers, one for each vector of Bayesian bootstrap weights, "
    "under which the outcome, and the propensity score unless it came from elsewhere, are estimated anew; no prior on the effect enters."
)
DIFFERENCES = (
    "Fits of the same patients go up and down together, so that the difference of two is not measured by the standard deviation of "
    "either. Its own is taken as the root of the difference of their variances, which holds where the more precise fit is efficient "
    "(Hausman 1978, doi 10.2307/1913827) and is an approximation where priors shrink, with the Monte Carlo errors added."
)


def agreement(compared: pd.DataFrame, main: dict[str, str]) -> tuple[str, ...]:
    """Return sentences, written from the numbers: which adjustments agree with the main one, and what moves the effect."""
    same = compared[
        (compared["baseline"] == main["baseline"]) & (compared["adjustment"] != main["adjustment"])
    ]
    own = words(main["adjustment"])
    agree, differ, closest = [], [], []
    for adjustment, rows in same.dropna(subset=["shift"]).groupby("adjustment", sort=False):
        worst = rows.loc[rows["shift"].abs().idxmax()]
        if abs(worst["shift"]) <= AGREE:
            agree.append(words(str(adjustment)))
            closest.append(rows)
        else:
            differ.append((words(str(adjustment)), worst))
    said = []
    if agree:
        names = listed(agree)
        said.append(
            f"{capitalised(names)} cannot be told from {own} (baseline: {words(main['baseline']).lower()}): in the same "
            f"population the average hazard ratio differs by a factor of at most {number(_largest(closest), 3)}, within {AGREE:g} standard "
            "deviations of the difference, no more than chance makes of two fits to the same patients; a smaller difference may be there."
        )
    for name, worst in differ:
        side = "less" if worst["shift"] > 0 else "more"
        size = "" if _factor(worst["factor"]) >= SOMEWHAT else "somewhat "
        said.append(
            f"Under {name} there is {size}{side} benefit: {_ratio_of(worst)} over "
            f"{POPULATION_PHRASES[str(worst['population'])]}, a factor of {number(_factor(worst['factor']), 3)} from {own} and "
            f"{number(abs(worst['shift']), 2)} standard deviations of the difference."
        )
    matched = compared[(compared["adjustment"] == "matched") & (compared["baseline"] == main["baseline"])]
    if len(matched):
        said.append(
            f"The pairs give {_ratio_of(matched.iloc[0])}; they are a population of their own, and no other "
            "adjustment is averaged over it. Pairs within a caliper leave some imbalance (see below)."
        )
    return (" ".join(said), _of_baselines(compared)) if said else (_of_baselines(compared),)


def _factor(ratio: float) -> float:
    """Return how far two hazard ratios are apart, the larger over the smaller."""
    return max(float(ratio), 1 / float(ratio))


def _largest(tables: Iterable[pd.DataFrame]) -> float:
    return max(_factor(ratio) for rows in tables for ratio in rows["factor"])


def range_of_adjustments(compared: pd.DataFrame) -> str:
    """Return the range of the effect over all baselines and adjustments, in one sentence; empty for one model."""
    models = compared.drop_duplicates(["baseline", "adjustment"])
    if len(models) < 2:
        return ""
    compared = compared.reset_index(drop=True)
    middle = compared["marginal_hazard_ratio_median"]
    low, high = compared.loc[middle.idxmin()], compared.loc[middle.idxmax()]
    widest = compared.loc[compared["marginal_hazard_ratio_upper"].idxmax()]
    return (
        f"Over {len(models)} models ({_count(models, 'baseline')}, {_count(models, 'adjustment')}) and the populations that they speak "
        f"of, the average hazard ratio lies between {lone_ratio(low['marginal_hazard_ratio_median'])} "
        f"({words(str(low['adjustment']))}) and {lone_ratio(high['marginal_hazard_ratio_median'])} "
        f"({words(str(high['adjustment']))}); the highest 95 % interval ends at "
        f"{lone_ratio(widest['marginal_hazard_ratio_upper'])}."
    )


def _of_baselines(compared: pd.DataFrame) -> str:
    wide = np.log(
        compared.pivot_table(
            index=["population", "adjustment"], columns="baseline", values="marginal_hazard_ratio_median"
        )
    )
    if wide.shape[1] < 2:
        return "One baseline hazard was fitted, so nothing is said about its choice."
    gap = (wide.max(axis=1) - wide.min(axis=1)).max()
    return (
        f"The baseline hazard changes the average hazard ratio by a factor of at most {number(float(np.exp(gap)), 3)} "
        "under any adjustment."
    )


def _effects(compared: pd.DataFrame) -> Table:
    columns = (
        Column("Population", TEXT, "whom"),
        Column("Adjustment", TEXT, "adjustment"),
        Column("Baseline", TEXT, "baseline"),
        Column("Average hazard ratio (95 %)", RATIO, RATIO_OF_ALL),
        Column("P(benefit)", PROBABILITY, f"{RATIO_OF_ALL}_probability_of_benefit"),
        Column("RMST difference (95 %)", SPAN, "rmst_difference"),
        Column("Factor against the main model", NUMBER, "factor"),
        Column("The same, sd of the difference", SHORT, "shift"),
    )
    frame = compared.rename(columns={f"{name}_median": name for name in (RATIO_OF_ALL, "rmst_difference")})
    frame = frame.assign(
        whom=[POPULATION_NAMES.get(str(one), str(one)) for one in frame["population"]],
        adjustment=frame["adjustment"].map(words),
        baseline=frame["baseline"].map(words),
    )
    caption = "The same contrasts under every adjustment; rows of one population can be compared"
    return Table("adjustments-effects", caption, columns, frame)


def _designs(checks: pd.DataFrame) -> Table:
    """Return what each design did to the arms, from its checks."""
    overlap = checks[checks["family"] == "overlap"]
    of_design = overlap.loc[overlap["subject"].isin(OF_DESIGNS_ALONE), "fit"].unique()
    shown = overlap[overlap["subject"].isin(DESIGN_COLUMNS) & overlap["fit"].isin(of_design)]
    wide = shown.pivot_table(index="fit", columns="subject", values="value", sort=False).reset_index()
    wide["fit"] = wide["fit"].map(in_words)
    columns = (
        Column("Fit", TEXT, "fit"),
        *(
            Column(heading(title), SHORT if name == "balance after the design" else PERCENTAGE, name)
            for name, title in DESIGN_COLUMNS.items()
            if name in wide
        ),
    )
    return Table("adjustments-designs", "What each design does to the arms", columns, wide)


RATIO_OF_ALL = "marginal_hazard_ratio"
OF_DESIGNS_ALONE = ("balance after the design", "share matched, treated", "extreme weights")
DESIGN_COLUMNS = {
    "balance after the design": "largest standardised difference left",
    "effective sample size, treated": "effective share of the treated",
    "effective sample size, control": "effective share of the controls",
    "share matched, treated": "treated in pairs",
    "share matched, control": "controls in pairs",
    "extreme weights": "patients with a weight above 10",
    "variance between designs": "share of variance between designs",
}


def _ratio_of(row: pd.Series) -> str:
    return ratio(*estimate_of(row, f"{RATIO_OF_ALL}_median", f"{RATIO_OF_ALL}_"))


def _count(models: pd.DataFrame, column: str) -> str:
    count = models[column].nunique()
    name = {"baseline": "baseline hazard", "adjustment": "adjustment"}[column]
    return f"{count} {name}{'s' if count > 1 else ''}"


def _sections(material: Material) -> list[ReportSection]:
    results = material.results
    if len({one.request.adjustment for one in results.models}) <= 2:
        return []
    main = results.main.request.named
    compared = compare_adjustments(results.estimands, main)
    figures = [material.figure("adjustments", "Every adjustment", lambda: adjustments_figure(compared))]
    balances = {
        one.request.adjustment: with_terms_in_words(one.balance, results.study)
        for one in results.models
        if len(one.balance) and one.request.baseline == main["baseline"]
    }
    if balances:
        drawn = partial(balance_by_adjustment_figure, balances)
        figures.append(material.figure("balance_by_adjustment", "Balance under each adjustment", drawn))
    weighted = [
        one for one in results.models if _has_weights(one) and one.request.baseline == main["baseline"]
    ]
    if weighted and results.cohort.counts is None:

        @cache
        def designs() -> list[WeightedPanel]:
            return [
                WeightedPanel(
                    capitalised(words(one.request.adjustment)),
                    one.curves,
                    weighted_arms(results.study, results.cohorts, one.request),
                )
                for one in weighted
            ]

        outcome = vocabulary(results.study).survival
        title = f"{capitalised(outcome)} under weights, and in pairs"
        figures.append(
            material.figure("weighted_survival", title, lambda: weighted_survival_figure(designs(), outcome))
        )
    return [adjustment_section(compared, results.checks, main, figures)]


def _has_weights(fit: FitSummary) -> bool:
    return ADJUSTMENTS[fit.request.adjustment].weighted_designs is not None


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    results = material.results
    return {"adjustments": compare_adjustments(results.estimands, results.main.request.named)}


def _range(material: Material) -> str:
    results = material.results
    return range_of_adjustments(compare_adjustments(results.estimands, results.main.request.named))


SECTION = Section(_sections, _tables, _range, of_patients=True)
