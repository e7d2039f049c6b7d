"""Which figures an analysis shows, in which order, and what is said beside each."""

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from inference.diagnostics.checks.counted import counted_balance
from inference.diagnostics.checks.loo_pit import NAME as LOO_PIT
from inference.diagnostics.checks.treatment_calibration import NAME as CALIBRATION
from inference.frequentist.balance import overlap_weights, standardised_differences
from inference.report.exhibit import Exhibit
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
from inference.report.figures.rmst import rmst_figure
from inference.report.figures.survival import OF_COUNTS, survival_figure
from inference.report.figures.treatment_calibration import treatment_calibration_figure
from inference.report.figures.wording import capitalised
from inference.report.observed_arms import arm_curves, followed_by_arm, followed_by_state
from inference.report.priors import prior_posterior_of, prior_survival_of
from inference.report.results import Results
from inference.report.vocabulary import MEANS_OVER_COHORTS, vocabulary, with_terms_in_words
from inference.sensitivity.priors import prior_interval


def exhibits(results: Results) -> list[Exhibit]:
    """Return the figures of an analysis but for the diagnostic plots, in the order of the page; none is drawn yet."""
    return [one for one in FIGURES if one.applies(results)]


def _survival_title(results: Results) -> str:
    said, exposure = vocabulary(results.study), results.main.request.exposure
    treated = since(exposure, results.cohort.time_unit)
    return f"{capitalised(said.outcome)} had all been treated{treated}, and had none been"


def _survival_caption(results: Results) -> str:
    return OF_COUNTS if _counts(results) else caption_of("survival", results.main.request.exposure)


def _effects_caption(results: Results) -> str:
    several = results.study.cohort.source == "reconstruction" and len(results.cohorts) > 1
    return caption_of("effects", results.main.request.exposure) + (
        f" {MEANS_OVER_COHORTS}" if several else ""
    )


def _survival(results: Results) -> Figure:
    exposure, counts = results.main.request.exposure, results.cohort.counts
    return survival_figure(
        results.main.curves,
        {} if counts is not None else arm_curves(results.cohorts, exposure),
        followed_by_arm(results.cohorts, exposure),
        outcome=vocabulary(results.study).survival,
        columns=() if counts is None else (0.0, *counts.cutpoints),
    )


def _constant_effects(results: Results) -> pd.DataFrame:
    """Return the estimands of the main exposure and shape of the effect."""
    table, request = results.estimands, results.main.request
    return table[(table["exposure"] == request.exposure) & (table["effect"] == request.effect)]


def _under_main_priors(results: Results) -> pd.DataFrame:
    table = _constant_effects(results)
    return table[table["prior_set"] == results.main.request.priors.name]


def _predictive_split(results: Results) -> Figure:
    main, followed = results.main, followed_by_state(results.cohorts)
    return predictive_split_figure(main.replicated, main.observed, followed, results.cohort.time_unit)


def _predictive_survival(results: Results) -> Figure:
    main, followed = results.main, followed_by_arm(results.analysed)
    unit = results.cohort.time_unit
    return predictive_survival_figure(main.replicated, main.observed, followed, unit, **_labels(results))


def _predictive_statistics(results: Results) -> Figure:
    main, unit = results.main, results.cohort.time_unit
    return predictive_statistics_figure(main.replicated, main.observed, unit, **_labels(results))


def _labels(results: Results) -> dict[str, str]:
    cohort = results.cohort
    return {"treated_label": cohort.treated_label, "control_label": cohort.control_label}


def _overlap(results: Results) -> Figure:
    treated = np.concatenate([one.treatment for one in results.analysed])
    cohort = results.cohort
    return overlap_figure(
        results.main.propensity.ravel(), treated, cohort.treated_label, cohort.control_label
    )


def _prior_sets(results: Results) -> Figure:
    table, request = _constant_effects(results), results.main.request
    repeated = table[(table["baseline"] == request.baseline) & (table["adjustment"] == request.adjustment)]
    used = [summary.request.priors for summary in (results.main, *results.prior_sets)]
    return prior_sets_figure(repeated, {priors.name: prior_interval(priors) for priors in used})


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
        for cohort, propensity in zip(results.analysed, propensities, strict=True)
    ]
    return pd.concat(tables).groupby("term", sort=False).mean().reset_index()


def _counts(results: Results) -> bool:
    return results.cohort.counts is not None


def _of_states(results: Results) -> bool:
    """Return whether replicated cohorts are split at the start of treatment."""
    return "state" in results.main.replicated.dims


def _of_arms(results: Results) -> bool:
    return bool(results.main.replicated.data_vars) and not _of_states(results)


def _scored(results: Results) -> bool:
    """Return whether patients have a propensity score."""
    return bool(results.cohort.propensity.terms) and not _counts(results)


FIGURES: tuple[Exhibit, ...] = (
    Exhibit("survival", _survival_title, "answer", _survival, caption=_survival_caption),
    Exhibit(
        "effects",
        "Hazard ratios",
        "answer",
        lambda results: effects_figure(_under_main_priors(results), results.comparators),
        caption=_effects_caption,
    ),
    Exhibit(
        "rmst",
        "Restricted mean survival time",
        "answer",
        lambda results: rmst_figure(_under_main_priors(results)),
    ),
    Exhibit(
        "hazard",
        "Hazard, and hazard ratio, over time",
        "curves",
        lambda results: hazard_figure(results.main.curves),
    ),
    Exhibit(
        "predictive_split",
        "Survival and events of replicated cohorts",
        "checks",
        _predictive_split,
        _of_states,
    ),
    Exhibit(
        "predictive_split_statistics",
        "Frequentist summaries of replicated cohorts",
        "checks",
        lambda results: predictive_split_statistics_figure(
            results.main.replicated, results.main.observed, results.cohort.time_unit
        ),
        _of_states,
        lambda _: STATISTICS,
    ),
    Exhibit(
        "predictive_survival",
        "Kaplan-Meier curves of replicated cohorts",
        "checks",
        _predictive_survival,
        _of_arms,
    ),
    Exhibit(
        "predictive_statistics",
        "Frequentist summaries of replicated cohorts",
        "checks",
        _predictive_statistics,
        _of_arms,
    ),
    Exhibit(
        "loo_pit",
        "Leave-one-out probabilities of the patients' times",
        "checks",
        lambda results: loo_pit_figure(_by_baseline(results)),
        lambda results: bool(_by_baseline(results)),
    ),
    Exhibit("overlap", "Overlap", "checks", _overlap, _scored),
    Exhibit(
        "treatment_calibration",
        "Calibration of the treatment model",
        "checks",
        lambda results: treatment_calibration_figure(
            results.main.predicted, results.main.value_of(CALIBRATION)
        ),
        lambda results: _scored(results) and "share" in results.main.predicted,
    ),
    Exhibit(
        "balance",
        "Balance",
        "checks",
        lambda results: balance_figure(
            with_terms_in_words(mean_balance(results), results.study), "after overlap weighting"
        ),
        lambda results: bool(results.cohort.propensity.terms),
    ),
    Exhibit(
        "loo",
        "Which baseline predicts better",
        "checks",
        lambda results: loo_figure(results.baselines),
        lambda results: len(results.baselines) > 1,
    ),
    Exhibit("prior_survival", "What the prior says of survival", "priors", prior_survival_of),
    Exhibit("priors", "Prior and posterior", "priors", prior_posterior_of),
    Exhibit(
        "prior_sets",
        "The effect under other priors",
        "sensitivity",
        _prior_sets,
        lambda results: bool(results.prior_sets),
    ),
)
"""Every figure of an analysis, in the order of the page."""
