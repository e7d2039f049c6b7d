"""What the answer owes to what a publication does not print: the adjusted effect under looser assumptions, and covariates to doubt."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import pandas as pd

from data.published.evidence import Evidence
from data.published.reconstruction import LOOSE, STATED, Assumptions, reconstruct
from data.published.reconstruction.margins import strata_of
from data.published.reconstruction.targets import cox_fits
from data.study.pseudo_cohorts import pseudo_cohorts
from data.study.study import Study
from inference.diagnostics.checks.result import CheckResult, at_most
from inference.frequentist.cox_of_cohorts import treatment_effect
from inference.frequentist.rubin import pool
from inference.storage.cache import FRAME, cached

IMBALANCE = 0.2
"""Standardised difference of the arms beyond which a covariate without a printed effect is named: a log hazard ratio of 0.5,
common for a prognostic factor, then moves the effect of treatment by about 0.05 (0.2 times 0.5 times the factor's sd of 0.5)."""


def adjusted_effects(study: Study, patients: pd.DataFrame) -> pd.DataFrame:
    """Return Cox's adjusted log hazard ratio of treatment in every cohort of a reconstruction: ``cohort, log_hazard_ratio, variance``."""
    cohorts = pseudo_cohorts(patients, study, "reconstruction").cohorts
    rows = [(number, *treatment_effect(one, one.outcome.values)) for number, one in enumerate(cohorts, 1)]
    return pd.DataFrame(rows, columns=pd.Index(["cohort", "log_hazard_ratio", "variance"]))


def assumption_table(study: Study, ensembles: Mapping[Assumptions, pd.DataFrame]) -> pd.DataFrame:
    """Return the adjusted effect in pseudo-patients reconstructed under each set of assumptions, pooled by Rubin's rules.

    Returns
    -------
    DataFrame
        ``effect_sd, difference_sd, loading_sd, cohorts, log_hazard_ratio, within_sd, between_sd,
        fraction_of_missing_information``.
    """
    rows = []
    for assumptions, patients in ensembles.items():
        effects = adjusted_effects(study, patients)
        pooled = asdict(pool(effects["log_hazard_ratio"], effects["variance"]))
        rows.append({**asdict(assumptions), **pooled})
    return pd.DataFrame(rows).rename(columns={"estimate": "log_hazard_ratio"})


@cached(FRAME)
def looser_assumptions(
    study: Study, evidence: Evidence, patients: pd.DataFrame, cohorts: int, seed: int
) -> pd.DataFrame:
    """Return the adjusted effect under the main assumptions and under looser ones, as `assumption_table` does.

    Parameters
    ----------
    study, evidence : Study, Evidence
    patients : DataFrame
        Of the main reconstruction.
    cohorts, seed : int
        Of the looser reconstruction, which is drawn in this process.
    """
    loose = reconstruct(study, evidence, cohorts, seed, workers=1, assumptions=LOOSE)
    return assumption_table(study, {STATED: patients, LOOSE: loose.patients})


def unprinted_checks(study: Study, evidence: Evidence) -> list[CheckResult]:
    """Return a check for each covariate without a printed hazard ratio: whether the arms differ in it before matching.

    Where they do, the adjusted effect rests on what the reconstruction assumes of that covariate's effect. The difference is
    that of the proportions of a level, in units of the pooled standard deviation (doi 10.1002/sim.3697); the
    largest of a covariate counts.
    """
    printed = {term.column for fit, _, _ in cox_fits(evidence) for term in fit.terms}
    strata = strata_of(study, evidence)
    found = []
    for name in study.covariates:
        if name in printed:
            continue
        counts = strata.counts[name]
        one, other = (
            counts[arm].sum(axis=0) / counts[arm].sum() for arm in (strata.treated, ~strata.treated)
        )
        pooled = np.sqrt((one * (1 - one) + other * (1 - other)) / 2)
        differences = np.divide(np.abs(one - other), pooled, out=np.zeros_like(pooled), where=pooled > 0)
        level = (study.covariates[name].levels or ())[int(differences.argmax())]
        label = study.covariates[name].label or name
        found.append(
            at_most(
                "reconstruction",
                f"balance of {name}, whose effect is not printed",
                float(differences.max()),
                IMBALANCE,
                f"{label}: the arms differ by {differences.max():.2f} standard deviations before matching (level {level}), and the "
                "publication prints no hazard ratio of it. How much of the effect it explains is assumed, not known.",
                "warn",
            )
        )
    return found
