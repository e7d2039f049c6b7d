"""How far the outcome moved the treatment model: the joint posterior against the treatment model fitted alone.

With an outcome model that omits the covariates, feedback is expected to do harm (Zigler et al. 2013,
doi 10.1111/j.1541-0420.2012.01830.x).
"""

import numpy as np
import pandas as pd

from data.study.cohort import Cohort
from inference.adjustments.adjusted import AdjustedSample, flat_draws
from inference.diagnostics.checks.result import CheckResult, at_most

SHIFT = 0.5  # posterior standard deviations of the treatment model alone
DISTINCT = 1.0  # standard deviations between the ends of two searches that make them two modes
NEGLIGIBLE = 0.01  # share of the posterior mass below which a second mode does not count


def feedback_checks(adjusted: AdjustedSample, cohort: Cohort) -> list[CheckResult]:
    """Return the feedback checks of a joint fit; none where there is no score for the outcome to inform."""
    if cohort.propensity.given and adjusted.adjustment != "none":
        text = (
            "the propensity score comes from elsewhere and is taken as it is: how far outcomes would move it, and how uncertain it is, "
            "cannot be had; intervals leave that uncertainty out"
        )
        return [CheckResult("feedback", "score from elsewhere", "info", None, None, text)]
    if adjusted.adjustment != "joint" or not cohort.propensity.terms:
        return []
    checks = [_mode_check(adjusted), *_shifts(adjusted, cohort)]
    omitted = sorted(set(cohort.propensity.terms) - set(cohort.outcome.terms))
    if omitted:
        text = (
            f"the outcome model omits {', '.join(omitted)}: the outcome then pulls the propensity score towards itself, "
            "which is known to bias the effect; read `cut` instead"
        )
        checks.append(
            CheckResult("feedback", "covariates omitted from the outcome", "warn", len(omitted), 0, text)
        )
    return checks


def _shifts(adjusted: AdjustedSample, cohort: Cohort) -> list[CheckResult]:
    """Return how far feedback moved each propensity coefficient, in standard deviations of the treatment model alone."""
    joint, alone = (
        flat_draws(drawn)["propensity_coefficients"]
        for drawn in (adjusted.designs[0].parameters, adjusted.treatment)
    )
    shift = (joint.mean(axis=0) - alone.mean(axis=0)) / alone.std(axis=0, ddof=1)
    checks = []
    for place, (term, move) in enumerate(zip(cohort.propensity.terms, shift.tolist(), strict=True)):
        share = _common_area(joint[:, place], alone[:, place])
        text = f"the outcome moved the coefficient by {move:+.2f} standard deviations; {100 * share:.0f} % of the densities is common"
        checks.append(at_most("feedback", f"shift of {term}", abs(move), SHIFT, text, otherwise="warn"))
    return checks


def _common_area(first: np.ndarray, second: np.ndarray) -> float:
    """Return the area under the lower of two densities, from histograms on shared bins."""
    edges = np.histogram_bin_edges(np.concatenate([first, second]), bins=60)
    heights = [np.histogram(draws, edges, density=True)[0] for draws in (first, second)]
    return float((np.minimum(*heights) * np.diff(edges)).sum())


def _mode_check(adjusted: AdjustedSample) -> CheckResult:
    """Fail where the reversed score is a mode of its own, by the search from there or by chains that stayed."""
    assert adjusted.modes is not None, "a joint fit searches from both signs"
    mass = (
        float(np.exp(min(adjusted.modes.log_mass_ratio, 0.0)))
        if adjusted.modes.separation > DISTINCT
        else 0.0
    )
    alone = adjusted.treatment["propensity_coefficients"].mean(axis=(0, 1))
    agreement = adjusted.designs[0].parameters["propensity_coefficients"] @ alone
    reversed_chains = int((agreement.mean(axis=1) < 0).sum())
    chains = len(agreement)
    stuck = 0 < reversed_chains < chains
    share = max(mass, reversed_chains / chains if stuck else 0.0)
    if share <= NEGLIGIBLE:
        text = "chains from the score's sign and from its opposite ended in the same mode"
    else:
        text = f"the score with reversed sign is a second mode ({reversed_chains} of {chains} chains stayed there)"
    return at_most("feedback", "second mode", share, NEGLIGIBLE, text)


def effect_moved(joint: pd.DataFrame, cut: pd.DataFrame) -> CheckResult:
    """Return how far feedback moved the conditional effect (the first of several), in posterior standard deviations of `cut`.

    Parameters
    ----------
    joint, cut : DataFrame
        Tables of estimands of the two fits.
    """
    first, second = (table[table["estimand"] == "log_hazard_ratio"].iloc[0] for table in (joint, cut))
    move = float((first["mean"] - second["mean"]) / second["sd"])
    until = "" if pd.isna(first["time"]) else f" up to {first['time']:g}"
    text = (
        f"the log hazard ratio{until} is {first['mean']:.3f} with feedback and {second['mean']:.3f} without"
    )
    return at_most("feedback", "shift of the treatment effect", abs(move), SHIFT, text, otherwise="warn")
