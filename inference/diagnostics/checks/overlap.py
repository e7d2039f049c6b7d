"""Do the arms overlap: can the treated be compared with untreated patients like them at all."""

from __future__ import annotations

import numpy as np

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
        The patients.
    propensity : ndarray (patient,)
        Probability of treatment, at its posterior mean.
    """
    outside = share_outside_common_range(propensity, cohort.treatment)
    weights = overlap_weights(propensity, cohort.treatment)
    checks = [
        at_most(
            "overlap",
            "share outside the common range",
            float(outside["all"]),
            OUTSIDE,
            "patients whose probability of treatment no patient of the other arm reaches",
            otherwise="warn",
        )
    ]
    for arm, label in ((True, cohort.treated_label), (False, cohort.control_label)):
        inside = cohort.treatment == arm
        share = float(effective_sample_size(weights[inside])) / int(inside.sum())
        text = f"{label}: effective share of the patients when the arms are weighted to overlap"
        subject = "effective sample size, " + ("treated" if arm else "control")
        checks.append(at_least("overlap", subject, share, SMALLEST_SHARE, text, otherwise="warn"))
    checks += certain_treatment(cohort, propensity)
    if cohort.propensity.terms:
        balance = standardised_differences(cohort.propensity, cohort.treatment, weights)
        before, after = balance["difference_before"].abs(), balance["difference_after"].abs()
        text = "largest standardised mean difference between the arms"
        checks.append(
            CheckResult("overlap", "balance before weighting", "info", float(before.max()), IMBALANCE, text)
        )
        text = "largest standardised mean difference between the arms, weighted to overlap"
        checks.append(
            at_most(
                "overlap",
                "balance after overlap weighting",
                float(after.max()),
                IMBALANCE,
                text,
                otherwise="warn",
            )
        )
    return checks


def certain_treatment(cohort: Cohort, propensity: np.ndarray) -> list[CheckResult]:
    """Return a warning that names patients whose treatment is certain and the covariate behind it; none without such patients.

    Parameters
    ----------
    cohort : Cohort
        The patients.
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
