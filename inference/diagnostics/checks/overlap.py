"""Do the arms overlap: can the treated be compared with untreated patients like them at all."""

import numpy as np
import pandas as pd

from data.study.cohort import Cohort
from inference.diagnostics.checks.result import CheckResult, at_least, at_most
from inference.frequentist.balance import (
    effective_sample_size,
    overlap_weights,
    share_outside_common_range,
    standardised_differences,
)

OUTSIDE = 0.10
SMALLEST_SHARE = 0.25
IMBALANCE = 0.10
CERTAIN = 1e-6  # from 0 or 1: such a patient has no counterpart in the other arm
NAMED = 5


def overlap_checks(cohort: Cohort, propensity: np.ndarray) -> list[CheckResult]:
    """Return the overlap checks of a cohort.

    Parameters
    ----------
    cohort : Cohort
    propensity : ndarray (patient,)
        Probability of treatment, at its posterior mean.
    """
    outside = share_outside_common_range(propensity, cohort.treatment)
    weights = overlap_weights(propensity, cohort.treatment)
    checks = [outside_check(float(outside["all"]))]
    for arm in (True, False):
        inside = cohort.treatment == arm
        share = float(effective_sample_size(weights[inside])) / int(inside.sum())
        text = "effective share of the patients when the arms are weighted to overlap"
        checks.append(share_check(cohort, arm, share, text))
    checks += certain_treatment(cohort, propensity)
    if cohort.propensity.terms:
        balance = standardised_differences(cohort.propensity, cohort.treatment, weights)
        checks += balance_checks(balance, "overlap weighting", "weighted to overlap")
    return checks


def outside_check(share: float) -> CheckResult:
    """Return the check of the share of patients outside the common range of the probability of treatment."""
    text = "patients whose probability of treatment no patient of the other arm reaches"
    return at_most("overlap", "share outside the common range", share, OUTSIDE, text, otherwise="warn")


def share_check(
    cohort: Cohort, arm: bool, share: float, text: str, subject: str = "effective sample size"
) -> CheckResult:
    """Return the check of how much of an arm counts under weights, or is in a pair."""
    name, label = ("treated", cohort.treated_label) if arm else ("control", cohort.control_label)
    return at_least(
        "overlap", f"{subject}, {name}", share, SMALLEST_SHARE, f"{label}: {text}", otherwise="warn"
    )


def balance_checks(balance: pd.DataFrame, weighting: str, weighted: str) -> list[CheckResult]:
    """Return the largest standardised differences of a table with `difference_before` and `difference_after`."""
    before, after = (float(balance[f"difference_{when}"].abs().max()) for when in ("before", "after"))
    text = "largest standardised mean difference between the arms"
    return [
        CheckResult("overlap", "balance before weighting", "info", before, IMBALANCE, text),
        at_most(
            "overlap", f"balance after {weighting}", after, IMBALANCE, f"{text}, {weighted}", otherwise="warn"
        ),
    ]


def certain_treatment(cohort: Cohort, propensity: np.ndarray) -> list[CheckResult]:
    """Return a warning that names patients whose treatment is certain and the covariate behind it; none without such patients.

    Parameters
    ----------
    cohort : Cohort
    propensity : ndarray (patient,)
        Probability of treatment.
    """
    certain = np.flatnonzero(np.minimum(propensity, 1.0 - propensity) < CERTAIN)
    if not len(certain) or not cohort.propensity.terms:
        return []
    values = cohort.propensity.values
    furthest = np.abs(values[certain] / values.std(axis=0)).max(axis=0).argmax()
    named = ", ".join(cohort.patient[certain[:NAMED]]) + (", ..." if len(certain) > NAMED else "")
    text = (
        f"patients whose probability of treatment is within {CERTAIN:g} of 0 or 1: {named}; they lie furthest out in "
        f"{cohort.propensity.terms[furthest]}: nobody like them is in the other arm, check these values or leave them out"
    )
    return [CheckResult("overlap", "certain treatment", "warn", float(len(certain)), 0.0, text)]
