"""The tables that journals print: who the patients are, and Cox models beside the posterior."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from data.study.cohort import Cohort
from data.study.study import Study
from inference.fits.requests import TIME_SPLIT
from inference.frequentist.balance import standardised_differences
from inference.frequentist.counted import counted_differences
from inference.frequentist.cox_of_cohorts import cox_of_covariates
from inference.frequentist.survival import median_follow_up
from inference.report.content import Report, estimand_row, fit_rows
from inference.report.exposure_words import exposure_name
from inference.report.figures.wording import capitalised, words
from inference.report.results import Results
from inference.report.table import HUNDREDTHS, RATIO, TEXT, Column, Table
from inference.report.vocabulary import term_in_words, vocabulary

BEFORE = "before"


def arms_of(results: Results) -> pd.DataFrame:
    """Return the size of each arm, means over cohorts: arm (empty for both), patients, events, median_follow_up."""
    if results.analysed is results.cohorts:
        table = results.comparators
        return (
            table[table["statistic"].isin(["patients", "events", "median_follow_up"])]
            .pivot_table(index="arm", columns="statistic", values="estimate", aggfunc="first")
            .reset_index()
        )
    rows = []
    for arm, treated in (("", (False, True)), ("control", (False,)), ("treated", (True,))):
        own = [(one, np.isin(one.treatment, treated)) for one in results.analysed]
        followed = [
            median_follow_up(one.time[inside], one.event[inside], one.entry[inside]).median
            for one, inside in own
        ]
        rows.append(
            {
                "arm": arm,
                "patients": np.mean([inside.sum() for _, inside in own]),
                "events": np.mean([one.event[inside].sum() for one, inside in own]),
                "median_follow_up": np.mean(followed),
            }
        )
    return pd.DataFrame(rows)


def described(results: Results) -> pd.DataFrame | None:
    """Return the characteristics of the patients by arm, means over cohorts, and how far the arms differ; None without covariates.

    Returns
    -------
    DataFrame
        covariate, level, treated, control (texts: mean and standard deviation, or number and percentage), before, and a column for
        each design (overlap, iptw, matched): absolute standardised differences; NaN where a design does not have the level as a column.
    """
    cohorts, study = results.analysed, results.study
    if not study.covariates:
        return None
    differences = [_differences(one) for one in cohorts]
    before = pd.concat(differences).groupby("term", sort=False)["difference_before"].mean()
    after = {
        one.request.adjustment: _with_references(one.balance.set_index("term")["difference_after"], cohorts)
        for one in results.models
        if len(one.balance) and one.request.baseline == results.main.request.baseline
    }
    rows = []
    for covariate, level, term, column in _levels(cohorts, study):
        row = {"covariate": covariate, "level": level, BEFORE: abs(before.get(term, np.nan))}
        row |= {name: abs(found.get(column, np.nan)) for name, found in after.items()}
        rows.append(row | _by_arm(cohorts, term))
    return pd.DataFrame(rows)


def _differences(cohort: Cohort) -> pd.DataFrame:
    """Return term and difference_before of every covariate and level."""
    if cohort.counts is None:
        return standardised_differences(cohort.covariates, cohort.treatment)
    levels = {
        f"{name}[{level}]": (column == level).to_numpy(float)
        for name, column in cohort.covariates.items()
        for level in column.cat.categories
    }
    found = counted_differences(np.column_stack([*levels.values()]), cohort.treatment, cohort.counts.patients)
    return pd.DataFrame({"term": [*levels], "difference_before": found})


def _with_references(differences: pd.Series, cohorts: Sequence[Cohort]) -> pd.Series:
    """Return differences by term of the design, and those of reference levels: the shares of all levels add up to 1, and do so in both arms."""
    found = dict(differences.items())
    for name, column in cohorts[0].covariates.items():
        if pd.api.types.is_numeric_dtype(column):
            continue
        first, *others = column.astype("category").cat.categories
        terms = [f"{name}[T.{level}]" for level in others]
        if others and set(terms) <= set(found):
            spreads = np.mean([_spreads(one, str(name)) for one in cohorts], axis=0)
            total = sum(found[term] * spread for term, spread in zip(terms, spreads[1:], strict=True))
            found[f"{name}[T.{first}]"] = -total / spreads[0] if spreads[0] > 0 else np.nan
    return pd.Series(found)


def _spreads(cohort: Cohort, name: str) -> np.ndarray:
    """Return the standard deviation of each level's indicator: the root of the mean of the arms' variances."""
    column = cohort.covariates[name].astype("category").cat
    patients = np.ones(cohort.size) if cohort.counts is None else cohort.counts.patients
    variances = []
    for own in (cohort.treatment, ~cohort.treatment):
        share = np.bincount(column.codes[own], patients[own], len(column.categories))
        total = patients[own].sum()
        variances.append(share / total * (1 - share / total) * total / max(total - 1, 1))
    return np.sqrt(np.mean(variances, axis=0))


def _levels(cohorts: Sequence[Cohort], study: Study) -> Iterator[tuple[str, str, str, str]]:
    """Yield label, level, the term of the difference, and that of the design; of yes-or-no covariates the second level alone."""
    for name, column in cohorts[0].covariates.items():
        stated = study.covariates[str(name)]
        label = (stated.label or str(name)) + (f", {stated.unit}" if stated.unit else "")
        if pd.api.types.is_numeric_dtype(column):
            yield label, "mean (SD)", str(name), str(name)
            continue
        levels = list(column.astype("category").cat.categories)
        yes = list(map(str, levels)) == ["0", "1"]
        for level in levels[1:] if yes else levels:
            yield label, "yes" if yes else str(level), f"{name}[{level}]", f"{name}[T.{level}]"


def _by_arm(cohorts: Sequence[Cohort], term: str) -> dict[str, str]:
    """Return the texts of both arms."""
    name, _, level = term.removesuffix("]").partition("[")
    if name not in cohorts[0].covariates:  # a bracket of its own
        name, level = term, ""
    found: dict[str, str] = {}
    moments: dict[str, tuple[float, float]] = {}
    for arm, treated in (("treated", True), ("control", False)):
        inside = [one.treatment == treated for one in cohorts]
        columns = [one.covariates[name][own] for one, own in zip(cohorts, inside, strict=True)]
        if pd.api.types.is_numeric_dtype(columns[0]):
            means, sds = ([float(getattr(one, of)()) for one in columns] for of in ("mean", "std"))
            moments[arm] = float(np.mean(means)), float(np.mean(sds))
        else:
            stand_for = [np.ones(one.size) if one.counts is None else one.counts.patients for one in cohorts]
            people = [number[own] for number, own in zip(stand_for, inside, strict=True)]
            counts = [
                float(number[(one.astype(str) == level).to_numpy()].sum())
                for one, number in zip(columns, people, strict=True)
            ]
            share = np.mean([count / number.sum() for count, number in zip(counts, people, strict=True)])
            found[arm] = f"{np.mean(counts):.0f} ({100 * share:.1f} %)"
    return found | _written(moments)


def _written(moments: dict[str, tuple[float, float]]) -> dict[str, str]:
    """Return means with standard deviations as texts, with one decimal, or as many more as a small standard deviation needs."""
    least = min((sd for _, sd in moments.values() if sd > 0), default=1.0)
    decimals = min(max(1, 1 - math.floor(math.log10(least / 2))), 6)

    def text(value: float) -> str:
        fixed = f"{value:.{decimals}f}"
        return fixed.removeprefix("-") if float(fixed) == 0 else fixed.replace("-", "−")

    return {arm: f"{text(mean)} ({text(sd)})" for arm, (mean, sd) in moments.items()}


def designs_of(table: pd.DataFrame) -> list[str]:
    """Return the designs after which differences are known."""
    return [
        name for name in table.columns if name not in ("covariate", "level", "treated", "control", BEFORE)
    ]


def patients_table(report: Report, table: pd.DataFrame) -> Table:
    """Return Table 1: characteristics by arm, with standardised differences before and after each design."""
    arms = report.arms.set_index(report.arms["arm"].fillna(""))["patients"]
    labels = report.study.treatment.labels
    columns = (
        Column("Covariate", TEXT, "covariate"),
        Column("Level", TEXT, "level"),
        *(Column(f"{labels[arm]} (n = {arms[arm]:.0f})", TEXT, arm) for arm in labels),
        Column("Standardised difference", HUNDREDTHS, BEFORE),
        *(Column(f"After {words(name)}", HUNDREDTHS, name) for name in designs_of(table)),
    )
    people = capitalised(vocabulary(report.study).patients)
    after = ", before and after each design" if designs_of(table) else ""
    caption = f"{people} by arm: number (percentage) or mean (standard deviation), and absolute standardised differences{after}"
    return Table("characteristics", caption, columns, table)


def balance_sentence(table: pd.DataFrame) -> str:
    """Return the largest difference before and after each design."""
    largest = {name: table[name].max() for name in [BEFORE, *designs_of(table)]}
    after = "; ".join(f"{value:.2f} after {words(name)}" for name, value in largest.items() if name != BEFORE)
    return f"The largest standardised difference between the arms is {largest[BEFORE]:.2f}{f', {after}' if after else ''}."


def coefficients(results: Results, kept: Path) -> pd.DataFrame | None:
    """Return hazard ratios of treatment and of every covariate: by Cox models (`cox_of_covariates`), and as a posterior.

    The posterior is that of the outcome regression where it was fitted: beside a propensity score the covariates share their effect
    with it. None for counts, which have no order of events. Cox models count treatment as the posterior does.

    Parameters
    ----------
    results : Results
    kept : Path
        Folder of what is kept on disk.

    Returns
    -------
    DataFrame
        term (empty for treatment); univariable, multivariable and posterior, each with its lower and upper.
    """
    if results.cohort.counts is not None:
        return None
    plain = next((one for one in results.models if one.request.adjustment == "none"), results.main)
    table = cox_of_covariates(kept, results.analysed, plain.request.exposure == TIME_SPLIT)
    draws = plain.draws["parameter"].to_numpy().astype(float)
    names = plain.draws["parameter_name"].to_numpy().astype(str)
    limits = np.full((len(table), 3), np.nan)
    for row, term in enumerate(table["term"]):
        wanted = f"outcome_coefficients[{term}]" if term else "treatment_effect"
        if wanted in names:
            own = np.exp(draws[np.flatnonzero(names == wanted)[0]])
            limits[row] = np.quantile(own, [0.5, 0.025, 0.975])
    whole = estimand_row(plain.estimands, "hazard_ratio", "conditional")
    if whole is not None:  # of all draws, as it stands elsewhere; coefficients are of the draws that are kept
        limits[(table["term"] == "").to_numpy()] = whole[["median", "lower", "upper"]].to_numpy(float)
    columns = ("posterior", "posterior_lower", "posterior_upper")
    return table.assign(**dict(zip(columns, limits.T, strict=True)))


def cox_table(report: Report, table: pd.DataFrame) -> Table:
    """Return Cox models, univariable and multivariable, beside the posterior."""
    columns = (
        Column("Term", TEXT, "named"),
        Column("Cox, univariable (95 %)", RATIO, "univariable"),
        Column("Cox, multivariable (95 %)", RATIO, "multivariable"),
        Column("Posterior (95 %)", RATIO, "posterior"),
    )
    treatment = f"{report.study.treatment.treated_label} (treatment)"
    frame = table.assign(
        named=[term_in_words(term, report.study) if term else treatment for term in table["term"]],
        mark=["" if term else "main" for term in table["term"]],
    )
    none = len(fit_rows(report.estimands, {**report.main, "adjustment": "none"})) > 0
    model = "the outcome regression" if none else "the main model"
    caption = (
        f"Hazard ratios by Cox models (Efron ties; exposure {exposure_name(report.main['exposure'])}; all columns of a covariate alone, and all covariates together), and by {model}. Terms are "
        "those of the outcome formula, levels against the first one; hazard ratios of covariates are not their effects, only what they add to the adjustment"
        + (
            f". Over {report.cohorts} {'cohorts' if report.pseudo else 'imputations'} by Rubin's rules, whose limits hold what differs between them"
            if report.cohorts > 1
            else ""
        )
    )
    return Table("cox", caption, columns, frame, "mark")
