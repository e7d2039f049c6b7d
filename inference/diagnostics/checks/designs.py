"""What weights or pairs did to the arms: balance, effective sizes, extreme weights."""

import numpy as np
import pandas as pd

from inference.adjustments import ADJUSTMENTS, AdjustedSample, Problem
from inference.adjustments.weighting import balance_of_designs, effective_sizes, extreme_weights
from inference.diagnostics.checks.overlap import IMBALANCE, certain_treatment, share_check
from inference.diagnostics.checks.result import CheckResult, at_most
from inference.frequentist.balance import largest_by_chance, mean_variance

EXTREME = 0.01  # share of patients with a stabilised weight above 10


def balance_behind(adjusted: AdjustedSample, problem: Problem) -> pd.DataFrame:
    """Return how far the arms differ before and after the design, over the propensity draws; empty without a design."""
    weights = _weights(adjusted, problem)
    if weights is None or not problem.cohort.propensity.terms:
        return pd.DataFrame()
    return balance_of_designs(problem.cohort, weights)


def design_checks(adjusted: AdjustedSample, problem: Problem, balance: pd.DataFrame) -> list[CheckResult]:
    """Return the checks of a design that is to make the arms alike; none for the other adjustments.

    Parameters
    ----------
    adjusted : AdjustedSample
    problem : Problem
        Gives the patients.
    balance : DataFrame
        From `balance_behind`.
    """
    weights = _weights(adjusted, problem)
    if weights is None:
        return []
    kind = ADJUSTMENTS[adjusted.adjustment]
    checks = certain_treatment(
        problem.cohort, np.mean([one.mean_propensity() for one in adjusted.designs], axis=0)
    )
    kept = [set(one.posterior.cohort.propensity.terms) for one in adjusted.designs]
    lacking = [term for term in problem.cohort.propensity.terms if not all(term in terms for terms in kept)]
    if lacking:
        text = f"{', '.join(lacking)}: the same for all patients of a set of pairs, which then says nothing of it"
        checks.append(
            CheckResult("overlap", "terms that pairs lack", "info", float(len(lacking)), None, text)
        )
    if len(balance):
        worst = balance.loc[balance["difference_after"].abs().idxmax()]
        text = f"largest mean standardised difference that the design leaves between the arms, of {worst['term']}"
        value, limit = abs(float(worst["difference_after"])), IMBALANCE
        if kind.name == "matched":
            limit = max(IMBALANCE, _chance(problem))
            text += f"; randomising treatment within the pairs would leave {limit:.2f} or more of any covariate once in 20 times"
        checks.append(at_most("overlap", "balance after the design", value, limit, text, otherwise="warn"))
    checks += _shares(problem, weights, kind.name != "matched")
    if kind.name != "matched" and weights.max() > 1.0:
        extreme = extreme_weights(weights)
        share, largest = float(extreme["share_above_10"].mean()), float(extreme["largest"].mean())
        text = f"patients with a stabilised weight above 10; the largest is {largest:.1f}, mean over designs"
        checks.append(at_most("overlap", "extreme weights", share, EXTREME, text, otherwise="warn"))
    return checks


def _weights(adjusted: AdjustedSample, problem: Problem) -> np.ndarray | None:
    """Return the weights (design, patient) at the score that fits best; None where nothing makes the arms alike."""
    designs = ADJUSTMENTS[adjusted.adjustment].weighted_designs
    return None if designs is None else np.array([one.weights for one in designs(problem)])


def _chance(problem: Problem) -> float:
    """Return the largest imbalance that chance explains in pairs, of the first design."""
    designs = ADJUSTMENTS["matched"].weighted_designs
    assert designs is not None, "pairs make the arms alike"
    design, cohort = designs(problem)[0], problem.cohort
    values, inside = cohort.propensity.values, design.weights > 0
    spread = np.sqrt(mean_variance(values, cohort.treatment))
    return largest_by_chance(values[inside], cohort.treatment[inside], design.unit, spread)


def _shares(problem: Problem, weights: np.ndarray, weighted: bool) -> list[CheckResult]:
    cohort, checks = problem.cohort, []
    subject = "effective sample size" if weighted else "share matched"
    what = "effective share of the patients under the weights" if weighted else "share that finds a pair"
    for name, sizes in effective_sizes(weights, cohort.treatment).items():
        treated = name == "treated"
        share = float(sizes.mean()) / int((cohort.treatment == treated).sum())
        checks.append(share_check(cohort, treated, share, f"{what}, mean over designs", subject))
    return checks
