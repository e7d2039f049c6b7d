"""Tempered outcome likelihood in the propensity model: from the cut posterior (power 0) to the joint posterior (power 1).

The treatment model is drawn from the posterior in which the outcome's likelihood counts to the power eta, with an outcome
model of its own; each draw's score is then given to the outcome model, in which the likelihood counts in full (semi-modular
inference: Carmona and Nicholls 2020, arXiv 2003.06804).

With the covariates in the outcome model as well, x'b + k x'g = x'(b + k g): score and covariates are one linear predictor, so
that cut and joint cannot differ by more than shrinkage. Feedback can do harm where the score stands alone (Zigler et al. 2013,
doi 10.1111/j.1541-0420.2012.01830.x), which is looked at beside it: the score as a natural cubic spline, with knots from the
score at the maximum of the treatment model, and no covariates. A straight line in the score adjusts for confounding only as far
as the log hazard is straight in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from data.study.cohort import Cohort
from inference.adjustments.adjusted import flat_draws
from inference.diagnostics.checks.convergence import RHAT
from inference.diagnostics.checks.result import CheckResult, at_most
from inference.diagnostics.rhat_ess import rhat
from inference.diagnostics.summaries import ensemble_rhat, quantiles
from inference.fits.pooled_checks import WORST_RHAT
from inference.fits.requests import problem_of
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior
from inference.sensitivity import score_alone
from inference.sensitivity.score_alone import COVARIATES
from inference.sensitivity.sensitivity import MainAnalysis, Sensitivity, evenly_spaced
from inference.storage.cache import DATASET, cached
from models.exposures.tempered import Tempered
from models.priors import PriorSet
from models.propensity import propensity_score
from models.specification import ModelSpec

ETAS = (0.0, 0.25, 0.5, 0.75, 1.0)
EFFECT = "treatment_effect"
RUNS = 8  # designs, over all cohorts together; of more cohorts than that, as many are looked at


@dataclass(frozen=True, eq=False)
class TemperedEffect:
    """Draws under one power."""

    effect: np.ndarray  # (chain, draw, design): log hazard ratio
    coefficients: np.ndarray  # (chain x draw, term): of the treatment model
    divergences: int  # of both stages
    # the largest R-hat of the treatment model's coefficients: chains start from the score's sign and from its opposite
    score_rhat: float


def tempered_effect(
    cohort: Cohort, spec: ModelSpec, priors: PriorSet, eta: float, designs: int, settings: SamplerSettings
) -> TemperedEffect:
    """Return draws of the log hazard ratio, and of the propensity coefficients, under one power.

    The cohort has covariates in the treatment model. `spec` gives baseline and effect, and whether the score is curved; what part
    it plays is set here. `eta` is the power of the outcome's likelihood, between 0 and 1; `designs` draws of the treatment model
    have their score given to the outcome model.
    """
    # At 0 the outcome's parameters have their priors and the score has the posterior of the treatment model alone, which
    # is sampled from fewer than half of the coordinates, and has one sign.
    tempered = replace(spec, score="latent", exposure=Tempered(eta, spec.exposure)) if eta > 0 else None
    informed = sample(Posterior(cohort, tempered, priors), settings)
    coefficients = flat_draws(informed.parameters)["propensity_coefficients"]
    divergences = int(informed.statistics["diverging"].sum())
    rng = np.random.default_rng([settings.seed, 6])
    chosen = np.sort(rng.choice(len(coefficients), size=designs, replace=designs > len(coefficients)))
    scores = propensity_score({"propensity_coefficients": coefficients[chosen]}, cohort.propensity.values, np)
    draws = []
    for number, score in enumerate(scores):
        own = replace(settings, seed=settings.seed + 104729 * (number + 1))
        given = sample(Posterior(cohort, replace(spec, score="given"), priors, score), own)
        draws.append(given.parameters[EFFECT])
        divergences += int(given.statistics["diverging"].sum())
    by_term = np.moveaxis(informed.parameters["propensity_coefficients"], -1, 0)
    return TemperedEffect(np.stack(draws, axis=-1), coefficients, divergences, float(rhat(by_term).max()))


@cached(DATASET)
def feedback_of_cohort(
    cohort: Cohort, number: int, spec: ModelSpec, priors: PriorSet, settings: SamplerSettings, designs: int
) -> xr.Dataset:
    """Return the effect in one cohort, whose number decides its seeds, under every power; `spec` has baseline and constant effect.

    Returns
    -------
    Dataset
        log_hazard_ratio (outcome, eta, chain, draw, design); coefficient_mean and coefficient_sd (outcome, eta, term);
        divergences and score_rhat (outcome, eta).
    """
    models = score_alone.outcome_models(cohort, priors, replace(spec, score="latent"))
    by_power = {
        eta: replace(settings, seed=settings.seed + 100_003 * number + 7919 * place)
        for place, eta in enumerate(ETAS)
    }
    found = []
    for one in models.values():
        assert one.spec is not None, "the outcome model is asked for"
        model = (one.cohort, one.spec, one.priors)
        found.append([tempered_effect(*model, eta, designs, own) for eta, own in by_power.items()])

    def stacked(value: Callable[[TemperedEffect], Any]) -> np.ndarray:
        return np.array([[value(one) for one in row] for row in found])

    by_draw, by_term, single = (
        ("outcome", "eta", *further) for further in (("chain", "draw", "design"), ("term",), ())
    )
    return xr.Dataset(
        {
            "log_hazard_ratio": (by_draw, stacked(lambda one: one.effect)),
            "coefficient_mean": (by_term, stacked(lambda one: one.coefficients.mean(axis=0))),
            "coefficient_sd": (by_term, stacked(lambda one: one.coefficients.std(axis=0, ddof=1))),
            "divergences": (single, stacked(lambda one: one.divergences)),
            "score_rhat": (single, stacked(lambda one: one.score_rhat)),
        },
        coords={"outcome": list(models), "eta": list(ETAS), "term": list(cohort.propensity.terms)},
    )


def pooled_feedback(computed: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Return the effect by power over all cohorts, with equal weights, from the results of `feedback_of_cohort`.

    Returns
    -------
    DataFrame
        outcome ("covariates": the study's outcome model and the score; "score": the score alone, as a spline); eta; hazard_ratio
        (median), lower, upper, probability_of_benefit; shift: of the mean log hazard ratio from eta 0, in
        standard deviations at eta 0; largest_shift: of any propensity coefficient, in the same way, mean over cohorts; term:
        which one; cohorts: how many were looked at; rhat (of the effect, over designs and cohorts), score_rhat (of the treatment
        model's coefficients, the largest of any cohort) and divergences (their sum).
    """
    return pd.DataFrame(
        [
            row
            for outcome in computed[0]["outcome"].to_numpy()
            for row in _rows(str(outcome), [one.sel(outcome=outcome) for one in computed])
        ]
    )


def _rows(outcome: str, computed: Sequence[xr.Dataset]) -> list[dict[str, Any]]:
    """Return one row for each power."""
    by_unit = np.concatenate([one["log_hazard_ratio"].to_numpy() for one in computed], axis=-1)
    flat = by_unit.reshape(len(ETAS), -1)
    ratios = ensemble_rhat(by_unit)
    moved = np.mean(
        [
            (one["coefficient_mean"] - one["coefficient_mean"][0]) / one["coefficient_sd"][0]
            for one in computed
        ],
        axis=0,
    )
    rows = []
    for place, eta in enumerate(ETAS):
        lower, middle, upper = np.exp(quantiles(flat[place]))
        worst = int(np.argmax(np.abs(moved[place])))
        rows.append(
            {
                "outcome": outcome,
                "eta": eta,
                "hazard_ratio": middle,
                "lower": lower,
                "upper": upper,
                "probability_of_benefit": float((flat[place] < 0).mean()),
                "shift": float((flat[place].mean() - flat[0].mean()) / flat[0].std()),
                "largest_shift": float(moved[place, worst]),
                "term": str(computed[0]["term"].to_numpy()[worst]),
                "cohorts": len(computed),
                "rhat": float(ratios[place]),
                "score_rhat": max(float(one["score_rhat"][place]) for one in computed),
                "divergences": int(sum(int(one["divergences"][place]) for one in computed)),
            }
        )
    return rows


def feedback_convergence(table: pd.DataFrame) -> list[CheckResult]:
    """Return whether the chains of the feedback analysis agree, for each outcome model.

    That the outcome pulls a score which stands alone into several shapes is what is looked for there, and no result but its own
    rows rests on it: its treatment model warns where the one beside covariates fails.
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
