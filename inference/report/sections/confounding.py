"""The page's section on unmeasured confounding: how strong it would have to be, beside what was measured."""

import re

import numpy as np
import pandas as pd

from data.study.study import Study
from inference.report.confounding_tables import measured_table, needed_table, whole_percent
from inference.report.content import ReportSection
from inference.report.drawings import Draw, drawn_when_asked
from inference.report.figures.confounding import confounding_figure
from inference.report.numbers import number, probability, ratio, span
from inference.report.results import Results
from inference.report.section import Material, Section, figure_of
from inference.sensitivity import CONFOUNDING
from inference.sensitivity.confounding import (
    BELOW,
    PROBABILITIES,
    REACHED,
    SYMMETRIC,
    ConfoundingGrid,
    effect_at,
    needed_strength,
)
from inference.sensitivity.e_values import EValues, benchmarks, e_values

SHOWN = 61  # points along each axis of the figure
SHORTER = {
    r", (1 sd )?above the mean$": ", high",
    r", (1 sd )?below the mean$": ", low",
}  # where room is scarce
TERM = re.compile(r"(?P<covariate>[^\[\]:]+)\[T\.(?P<level>.+)\]")


def confounding_section(
    study: Study,
    grid: ConfoundingGrid,
    measured: pd.DataFrame,
    found: EValues,
    draw: Draw = drawn_when_asked,
) -> ReportSection:
    """Return the section on unmeasured confounding.

    Parameters
    ----------
    study : Study
        Gives the labels of covariates.
    grid : ConfoundingGrid
    measured : DataFrame
        From `inference.sensitivity.e_values.benchmarks`; may be empty.
    found : EValues
        Of the main fit's hazard ratio, held against the same covariates.
    draw : callable
        Gives a drawing from a name and what makes the figure.
    """
    beside = _beside(study, grid, measured)
    needed = needed_strength(grid)
    drawn = beside.assign(label=beside["label"].replace(SHORTER, regex=True))
    figure = figure_of(
        draw,
        "confounding",
        "How strong an overlooked condition must be",
        lambda: confounding_figure(surface_of(grid), symmetric_line(grid), drawn),
    )
    tables = (needed_table(grid, needed), *([measured_table(grid, beside, found)] if len(beside) else []))
    paragraphs = (
        _needed_sentences(grid, needed),
        *([_measured_sentences(grid, beside)] if len(beside) else []),
        _e_value_sentences(beside, found),
        _assumptions(grid),
    )
    return ReportSection(
        "confounding", "Unmeasured confounding", paragraphs, tables, (figure,), confounding_doubt(grid)
    )


def surface_of(grid: ConfoundingGrid) -> pd.DataFrame:
    """Return the effect over all strengths, as `inference.report.figures.confounding.confounding_figure` draws it."""
    strengths = grid.strengths
    ratios, differences = np.meshgrid(
        np.geomspace(1.0, strengths.hazard_ratios[-1], SHOWN),
        np.linspace(0.0, strengths.differences[-1], SHOWN),
        indexing="ij",
    )
    at = (ratios.ravel(), differences.ravel())
    return effect_at(grid, *at).assign(hazard_ratio=at[0], difference=at[1])


def symmetric_line(grid: ConfoundingGrid) -> pd.DataFrame:
    """Return the effect where the condition multiplies the hazard by as much as it is more common among the untreated."""
    held, strengths = grid.strengths.prevalence_treated, grid.strengths
    ratios = np.geomspace(
        1.0, min(strengths.hazard_ratios[-1], 1.0 + strengths.differences[-1] / held), SHOWN
    )
    differences = held * (ratios - 1.0)
    return effect_at(grid, ratios, differences).assign(hazard_ratio=ratios, difference=differences)


def condition_label(study: Study, term: str, coding: str) -> str:
    """Return a term in its harmful coding in words: "Brain metastasis", "Hormone therapy: Negative", "not T stage: T2".

    Parameters
    ----------
    study : Study
    term : str
        As formulaic names it.
    coding : str
        As `benchmarks` gives it.
    """
    found = TERM.fullmatch(term)
    name = found["covariate"] if found else term
    covariate = study.covariates.get(name)
    label = (covariate.label if covariate is not None else None) or name
    if found is None:
        return {"present": label, "absent": f"no {label}"}.get(coding, f"{label}, {coding}")
    levels = (covariate.levels if covariate is not None else None) or ()
    if len(levels) != 2:
        return f"{'not ' if coding == 'absent' else ''}{label}: {found['level']}"
    if tuple(levels) == ("0", "1"):
        return f"no {label}" if coding == "absent" else label
    return f"{label}: {levels[0] if coding == 'absent' else found['level']}"


def _beside(study: Study, grid: ConfoundingGrid, measured: pd.DataFrame) -> pd.DataFrame:
    """Return the measured covariates, the strongest first, with the benefit left had another such one been overlooked."""
    table = measured.sort_values("e_value", ascending=False, kind="stable").reset_index(drop=True)
    table["label"] = [
        condition_label(study, term, coding)
        for term, coding in zip(table["term"], table["coding"], strict=True)
    ]
    ratios, gaps = table["hazard_ratio"].to_numpy(float), table["difference"].abs().to_numpy(float)
    largest, widest = grid.strengths.hazard_ratios[-1], grid.strengths.differences[-1]
    left = effect_at(grid, np.clip(ratios, 1.0, largest), np.clip(gaps, 0.0, widest)).set_axis(table.index)
    inside = (ratios <= largest) & (gaps <= widest)
    table["left"] = left["probability_of_benefit"].where(inside)
    return table


def _needed_sentences(grid: ConfoundingGrid, needed: pd.DataFrame) -> str:
    """Say first what is needed along the symmetric line."""
    held = grid.strengths.prevalence_treated
    start = effect_at(grid, np.ones(1), np.zeros(1)).iloc[0]
    said = [
        "If nothing was overlooked, the hazard ratio of treatment is "
        f"{ratio(start['median'], start['lower'], start['upper'])} with a probability of benefit of "
        f"{probability(start['probability_of_benefit'])}."
    ]
    line = needed[needed["line"] == SYMMETRIC].set_index("probability")
    last = symmetric_line(grid).iloc[-1]
    for wanted in PROBABILITIES:
        row = line.loc[wanted]
        if row["state"] == REACHED:
            said.append(
                f"For the probability to fall to {wanted:g}, a condition that nobody recorded would have to multiply the hazard by "
                f"{row['hazard_ratio']:.1f} and be {row['hazard_ratio']:.1f} times as common among the untreated "
                f"({whole_percent(held + row['difference'])} against {whole_percent(held)}), given the recorded covariates."
            )
        elif row["state"] == BELOW:
            said.append(f"The probability is at most {wanted:g} without any overlooked condition.")
        else:
            said.append(
                f"Not even a condition that multiplies the hazard by {last['hazard_ratio']:.1f} and is as many times as "
                f"common among the untreated ({whole_percent(held + last['difference'])} against {whole_percent(held)}) takes it to "
                f"{wanted:g}; it leaves {probability(last['probability_of_benefit'])}."
            )
    return " ".join(said)


def confounding_doubt(grid: ConfoundingGrid) -> str:
    """Return how strong an overlooked condition must be to make one doubt, in one short sentence."""
    line = needed_strength(grid)
    row = line[(line["line"] == SYMMETRIC) & (line["probability"] == PROBABILITIES[0])].iloc[0]
    wanted = f"P(benefit) to {PROBABILITIES[0]:g}"
    if row["state"] == REACHED:
        strength = f"{row['hazard_ratio']:.1f}"
        return f"An overlooked condition {strength} times as common among the untreated, hazard ratio {strength}, takes {wanted}."
    if row["state"] == BELOW:
        return f"P(benefit) is below {PROBABILITIES[0]:g} even if no condition was overlooked."
    return f"No overlooked condition up to a hazard ratio of {symmetric_line(grid).iloc[-1]['hazard_ratio']:.1f} takes {wanted}."


def e_value_doubt(hazard_ratio: np.ndarray) -> str:
    """Return the same from the E-value alone, where the effect was not computed by strength of the condition."""
    found = e_values(hazard_ratio)
    if found.classic_limit <= 1.0:
        return (
            "The interval of the hazard ratio includes 1: no overlooked confounder is needed to explain it."
        )
    return (
        f"A confounder with risk ratios of {found.classic:.1f} to treatment and outcome explains the estimate; of "
        f"{found.classic_limit:.1f}, the interval."
    )


def _measured_sentences(grid: ConfoundingGrid, beside: pd.DataFrame) -> str:
    """Say what a condition as strong as a measured covariate would leave."""
    strongest, count = beside.iloc[0], len(beside)
    way = "" if strongest["difference"] >= 0 else ", which works the other way"
    said = [
        f"The strongest recorded covariate, {strongest['label']}, has a hazard ratio of {strongest['hazard_ratio']:.2f} and "
        f"is found in {whole_percent(strongest['prevalence_control'])} of the untreated and "
        f"{whole_percent(strongest['prevalence_treated'])} of the treated{way}."
    ]
    inside = beside[beside["left"].notna()]
    if len(inside):
        worst = inside.loc[inside["left"].idxmin()]
        said.append(
            "Had another condition been overlooked that is as strong as a recorded one (same hazard ratio, same difference in "
            "prevalence, but more common among the untreated), the smallest probability of benefit that could be left is "
            f"{probability(worst['left'])}, with one like {worst['label']}."
        )
    beyond = count - len(inside)
    if beyond:
        said.append(f"{beyond} of {count} covariates lie beyond the strengths that were looked at.")
    said.append(
        "Several overlooked conditions together can do what none of them does alone, and nothing says that what was not "
        "recorded is no stronger than what was."
    )
    return " ".join(said)


def _e_value_sentences(beside: pd.DataFrame, found: EValues) -> str:
    said = (
        "The E-value asks for no prevalence: it is the risk ratio that a confounder must at least have, both with treatment "
        "and with the outcome, to be able to explain the benefit away (VanderWeele and Ding 2017, doi 10.7326/M16-2607; hazard "
        "ratios converted for a common outcome). Against benefit, posterior median and 95 % interval are "
        f"{span(found.median, found.lower, found.upper)}; where a draw shows no benefit it is 1. Computed as publications do, "
        f"it is {found.classic:.2f} for the median hazard ratio and {found.classic_limit:.2f} for the end of the 95 % interval "
        "that is nearer to 1."
    )
    if beside.empty or beside.iloc[0]["term"] not in found.probability_above:
        return said
    strongest = beside.iloc[0]
    return (
        f"{said} The probability that it is larger than the strength of {strongest['label']} on the same scale "
        f"({strongest['e_value']:.2f}) is {probability(found.probability_above[strongest['term']])}."
    )


def _assumptions(grid: ConfoundingGrid) -> str:
    shifts = grid.checked["shift"].to_numpy(dtype=float)
    shift = float(shifts[np.abs(shifts).argmax()])
    towards = "less" if shift > 0 else "more"
    spread = float((grid.checked["sd_ratio"] - 1.0).abs().max())
    pooled = f" (of {len(grid.mean)} cohorts, with equal weights)" if len(grid.mean) > 1 else ""
    return (
        "What is assumed: the overlooked condition is present or absent, from the start; its hazard ratio is the same at "
        "all times and in both arms; in each arm its prevalence does not depend on the recorded covariates; "
        f"{whole_percent(grid.strengths.prevalence_treated)} of the treated have it. Covariates are in the outcome model, and no "
        f"propensity score is. These are not estimates of confounding: the data do not say how strong it is. Posteriors{pooled} are "
        f"normal approximations at the mode; in {len(shifts)} cells that were also sampled, their mean was off by at most "
        f"{number(abs(shift), 2)} posterior standard deviations (towards {towards} benefit), and their standard deviation by at "
        f"most {100 * spread:.0f} %."
    )


def _sections(material: Material) -> list[ReportSection]:
    grid, results = material.computed.of(CONFOUNDING), material.results
    if grid is None:
        return []
    measured = benchmarks(results.cohorts, outcome_coefficients(results))
    found = e_values(_hazard_ratio(results), measured)
    return [confounding_section(results.study, grid, measured, found, material.draw)]


def _hazard_ratio(results: Results) -> np.ndarray:
    """Return draws of the main fit's hazard ratio."""
    main = results.main
    row = int(np.flatnonzero(main.estimands["estimand"] == "log_hazard_ratio")[0])
    return np.exp(main.draws["estimand"].to_numpy()[row].astype(float))


def _doubt(material: Material) -> str:
    grid = material.computed.of(CONFOUNDING)
    return e_value_doubt(_hazard_ratio(material.results)) if grid is None else confounding_doubt(grid)


def _tables(material: Material) -> dict[str, pd.DataFrame]:
    grid = material.computed.of(CONFOUNDING)
    return {} if grid is None else {"confounding": surface_of(grid)}


def outcome_coefficients(results: Results) -> np.ndarray:
    """Return the posterior means of the covariates' log hazard ratios (term,), by outcome regression where it was fitted.

    With a propensity score in the outcome the covariates share their effect with it.
    """
    plain = [one for one in results.models if one.request.adjustment == "none"]
    draws = (plain[0] if plain else results.main).draws
    names = draws["parameter_name"].to_numpy().astype(str)
    wanted = [f"outcome_coefficients[{term}]" for term in results.cohort.outcome.terms]
    means = draws["parameter"].to_numpy().astype(float).reshape(len(names), -1).mean(axis=1)
    return means[[int(np.flatnonzero(names == name)[0]) for name in wanted]]


SECTION = Section(_sections, _tables, doubt=_doubt, of_patients=True)
