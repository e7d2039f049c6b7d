"""Whether the feedback analysis can be believed: the chains of the effect, and those of the score that the outcome informs."""

from __future__ import annotations

import pandas as pd

from inference.diagnostics.checks.convergence import RHAT
from inference.diagnostics.checks.result import CheckResult, at_most
from inference.fits.pooled_checks import WORST_RHAT
from inference.fits.requests import problem_of
from inference.sensitivity.feedback import RUNS, feedback_of_cohort, pooled_feedback
from inference.sensitivity.score_alone import COVARIATES
from inference.sensitivity.sensitivity import MainAnalysis, Sensitivity, evenly_spaced


def feedback_convergence(table: pd.DataFrame) -> list[CheckResult]:
    """Return whether the chains of the feedback analysis agree, for each outcome model.

    That the outcome pulls a score which stands alone into several shapes is what is looked for there, and no result but its own
    rows rests on it: its treatment model warns where the one beside covariates fails.

    Parameters
    ----------
    table : DataFrame
        From `pooled_feedback`.
    """
    checks = [
        at_most("convergence", "feedback, R-hat", float(table["rhat"].max()), RHAT, "largest of any power")
    ]
    for outcome, rows in table.groupby("outcome", sort=False):
        beside = outcome == COVARIATES
        name = "covariates and score" if beside else "score alone"
        worst = rows.loc[rows["score_rhat"].idxmax()]
        otherwise = "fail" if beside else "warn"
        several = (
            f"largest of any coefficient, at a power of {worst['eta']:g}: where chains from different starts end in different scores, "
            "the row is their mixture by chance; read the cut"
        )
        checks += [
            at_most(
                "convergence",
                f"feedback, {name}, R-hat of the score",
                float(worst["score_rhat"]),
                WORST_RHAT,
                several,
                otherwise=otherwise,
            ),
            at_most(
                "convergence",
                f"feedback, {name}, divergences",
                float(rows["divergences"].sum()),
                0,
                "divergent transitions, of all powers",
                otherwise=otherwise,
            ),
        ]
    return checks


def _applies(analysis: MainAnalysis) -> bool:
    propensity = analysis.cohorts[0].propensity
    return bool(propensity.terms) and not propensity.given


def _arguments(analysis: MainAnalysis) -> list[tuple]:
    """Return those of a few cohorts, evenly spaced, which share the designs: a few show what feedback does."""
    numbers = evenly_spaced(len(analysis.cohorts), RUNS)
    main, designs = analysis.main, -(-RUNS // len(numbers))
    problems = [problem_of(analysis.study, analysis.cohorts[number], main) for number in numbers]
    return [
        (one.cohort, number, one.spec, main.priors, main.settings, designs)
        for number, one in zip(numbers, problems, strict=True)
    ]


FEEDBACK = Sensitivity(
    "feedback",
    "feedback, from cut to joint",
    _applies,
    feedback_of_cohort,
    _arguments,
    pooled_feedback,
    feedback_convergence,
)
