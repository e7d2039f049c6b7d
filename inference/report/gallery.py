"""Which figures an analysis shows, in which order, and what is said beside each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from inference.diagnostics.checks.counted import counted_balance
from inference.diagnostics.checks.loo_pit import NAME as LOO_PIT
from inference.diagnostics.checks.treatment_calibration import NAME as CALIBRATION
from inference.fits.requests import problem_of
from inference.frequentist.balance import overlap_weights, standardised_differences
from inference.predictive.prior_draws import prior_survival
from inference.report.content import Group
from inference.report.exposure_words import since
from inference.report.figures.balance import balance_figure
from inference.report.figures.captions import caption_of
from inference.report.figures.effects import effects_figure
from inference.report.figures.hazard import hazard_figure
from inference.report.figures.loo import loo_figure
from inference.report.figures.loo_pit import loo_pit_figure
from inference.report.figures.overlap import overlap_figure
from inference.report.figures.predictive_split import (
    STATISTICS,
    predictive_split_figure,
    predictive_split_statistics_figure,
)
from inference.report.figures.predictive_statistics import predictive_statistics_figure
from inference.report.figures.predictive_survival import predictive_survival_figure
from inference.report.figures.prior_sets import prior_sets_figure
from inference.report.figures.prior_survival import prior_survival_figure
from inference.report.figures.priors import prior_posterior_figure
from inference.report.figures.rmst import rmst_figure
from inference.report.figures.survival import OF_COUNTS, survival_figure
from inference.report.figures.treatment_calibration import treatment_calibration_figure
from inference.report.numbers import number
from inference.report.observed_arms import arm_curves, followed_by_arm, followed_by_state
from inference.report.results import Results
from inference.report.vocabulary import capitalised, vocabulary
from inference.sensitivity.priors import prior_interval

PRIOR_DRAWS = 2000
MAIN_PARAMETERS = {
    "treatment_effect": "Log hazard ratio of treatment",
    "propensity_effect": "Effect of the propensity score",
    "log_hazard_level": "Log hazard, first interval",
    "log_hazard_step_sd": "Step between intervals (sd)",
    "median_survival": "Median survival",
    "weibull_shape": "Weibull shape",
}


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A figure with its place in the report.

    Attributes
    ----------
    id, title, caption : str
        File name, heading, and how to read it.
    group : str
        Section of the report.
    draw : callable
        Makes the figure.
    """

    id: str
    title: str
    caption: str
    group: Group
    draw: Callable[[], Figure]


def exhibits(results: Results) -> Iterator[Exhibit]:
    """Yield the figures of an analysis but for the diagnostic plots; none is drawn yet."""
    main, cohort, unit = results.main, results.cohort, results.cohort.time_unit
    said, counts = vocabulary(results.study), cohort.counts is not None
    labels = {"treated_label": cohort.treated_label, "control_label": cohort.control_label}
    constant = results.estimands[
        (results.estimands["exposure"] == main.request.exposure)
        & (results.estimands["effect"] == main.request.effect)
    ]
    under_main_priors = constant[constant["prior_set"] == main.request.priors.name]

    def shown(name: str, title: str, group: Group, draw: Callable[[], Figure], caption: str = "") -> Exhibit:
        caption = caption or caption_of(name, main.request.exposure)
        return Exhibit(name.replace("_", "-"), title, caption, group, draw)

    yield shown(
        "survival",
        f"{capitalised(said.outcome)} had all been treated{since(main.request.exposure, unit)}, and had none been",
        "answer",
        lambda: survival_figure(
            main.curves,
            {} if counts else arm_curves(results.cohorts, main.request.exposure),
            followed_by_arm(results.cohorts, main.request.exposure),
            outcome=said.survival,
            columns=(0.0, *cohort.counts.cutpoints) if cohort.counts is not None else (),
        ),
        OF_COUNTS if counts else "",
    )
    yield shown(
        "effects", "Hazard ratios", "answer", lambda: effects_figure(under_main_priors, results.comparators)
    )
    yield shown("rmst", "Restricted mean survival time", "answer", lambda: rmst_figure(under_main_priors))
    yield shown("hazard", "Hazard, and hazard ratio, over time", "curves", lambda: hazard_figure(main.curves))
    if "state" in main.replicated.dims:
        yield shown(
            "predictive_split",
            "Survival and events of replicated cohorts",
            "checks",
            lambda: predictive_split_figure(
                main.replicated, main.observed, followed_by_state(results.cohorts), unit
            ),
        )
        yield shown(
            "predictive_split_statistics",
            "Frequentist summaries of replicated cohorts",
            "checks",
            lambda: predictive_split_statistics_figure(main.replicated, main.observed, unit),
            STATISTICS,
        )
    elif main.replicated.data_vars:
        yield shown(
            "predictive_survival",
            "Kaplan-Meier curves of replicated cohorts",
            "checks",
            lambda: predictive_survival_figure(
                main.replicated, main.observed, followed_by_arm(results.cohorts), unit, **labels
            ),
        )
        yield shown(
            "predictive_statistics",
            "Frequentist summaries of replicated cohorts",
            "checks",
            lambda: predictive_statistics_figure(main.replicated, main.observed, unit, **labels),
        )
    pits = _by_baseline(results)
    if pits:
        yield shown(
            "loo_pit",
            "Leave-one-out probabilities of the patients' times",
            "checks",
            lambda: loo_pit_figure(pits),
        )
    if cohort.propensity.terms and not counts:
        yield shown(
            "overlap",
            "Overlap",
            "checks",
            lambda: overlap_figure(
                main.propensity.ravel(),
                np.concatenate([one.treatment for one in results.cohorts]),
                cohort.treated_label,
                cohort.control_label,
            ),
        )
        if "share" in main.predicted:
            yield shown(
                "treatment_calibration",
                "Calibration of the treatment model",
                "checks",
                lambda: treatment_calibration_figure(main.predicted, main.value_of(CALIBRATION)),
            )
    if cohort.propensity.terms:
        yield shown(
            "balance",
            "Balance",
            "checks",
            lambda: balance_figure(mean_balance(results), "after overlap weighting"),
        )
    if len(results.baselines) > 1:
        yield shown("loo", "Which baseline predicts better", "checks", lambda: loo_figure(results.baselines))
    yield shown(
        "prior_survival", "What the prior says of survival", "priors", lambda: _prior_survival(results)
    )
    yield shown("priors", "Prior and posterior", "priors", lambda: _prior_posterior(results))
    if results.prior_sets:
        used = [summary.request.priors for summary in (main, *results.prior_sets)]
        repeated = constant[
            (constant["baseline"] == main.request.baseline)
            & (constant["adjustment"] == main.request.adjustment)
        ]
        intervals = {priors.name: prior_interval(priors) for priors in used}
        yield shown(
            "prior_sets",
            "The effect under other priors",
            "sensitivity",
            lambda: prior_sets_figure(repeated, intervals),
        )


def _by_baseline(results: Results) -> dict[str, tuple[xr.DataArray, float]]:
    """Return the leave-one-out probabilities of the main adjustment's models, with the p value of each, by baseline."""
    return {
        one.request.baseline: (one.predicted["pit"], one.value_of(LOO_PIT))
        for one in results.models
        if one.request.adjustment == results.main.request.adjustment and "pit" in one.predicted
    }


def mean_balance(results: Results) -> pd.DataFrame:
    """Return the standardised differences before and after overlap weighting, means over the cohorts."""
    propensities = np.atleast_2d(results.main.propensity)
    tables = [
        standardised_differences(
            cohort.propensity, cohort.treatment, overlap_weights(propensity, cohort.treatment)
        )
        if cohort.counts is None
        else counted_balance(cohort, propensity, "overlap")
        for cohort, propensity in zip(results.cohorts, propensities, strict=True)
    ]
    return pd.concat(tables).groupby("term", sort=False).mean().reset_index()


def main_draws(group: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the draws of the single-number parameters of a posterior or prior, laid end to end."""
    return {
        name: group[name].to_numpy().ravel()
        for name in MAIN_PARAMETERS
        if name in group and set(group[name].dims) <= {"chain", "draw", "design"}
    }


def _prior_survival(results: Results) -> Figure:
    """Draw the prior's survival of an average untreated patient, under the main model."""
    request, cohort = results.main.request, results.cohort
    last = float(cohort.time.max())
    times = np.linspace(0.0, last, 101)
    baseline = problem_of(results.study, cohort, request).spec.baseline
    curves = prior_survival(baseline, cohort, request.priors, times, PRIOR_DRAWS, request.settings.seed)
    return prior_survival_figure(times, curves, last, cohort.time_unit)


def _prior_posterior(results: Results) -> Figure:
    """Draw prior and posterior of the main fit's single numbers."""
    prior, posterior = (main_draws(results.main_fit[group].to_dataset()) for group in ("prior", "posterior"))
    return prior_posterior_figure(prior, posterior, MAIN_PARAMETERS)


def prior_statements(results: Results) -> list[str]:
    """Return, for each prior set, what it says of survival before the patients are seen."""
    statements = []
    for summary in (results.main, *results.prior_sets):
        request, cohort = summary.request, results.cohort
        baseline = problem_of(results.study, cohort, request).spec.baseline
        times = np.geomspace(cohort.time.max() / 1000, cohort.time.max() * 1000, 400)
        drawn = prior_survival(baseline, cohort, request.priors, times, PRIOR_DRAWS, request.settings.seed)
        reached = np.argmax(drawn <= 0.5, axis=1)
        medians = np.where((drawn <= 0.5).any(axis=1), times[reached], np.inf)
        low, middle, high = np.quantile(medians, [0.025, 0.5, 0.975], method="inverted_cdf")
        statements.append(
            f"Prior set {request.priors.name}: median time of an untreated average patient "
            f"{number(middle)} {cohort.time_unit}, between {number(low)} and {number(high)} (95 %)."
        )
    return statements
