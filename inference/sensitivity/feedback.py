"""How much of the outcome the propensity score may hear: from the cut (nothing) to the joint model (all).

The treatment model is drawn from the posterior in which the outcome's likelihood counts to the power eta, with an outcome
model of its own; each draw's score is then given to the outcome model, which hears all of the outcome (semi-modular
inference: Carmona and Nicholls 2020, arXiv 2003.06804). At 0 that is the cut, at 1 the joint posterior.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from data.cohort import Cohort
from data.study import Study
from inference.adjustments.adjusted import flat_draws
from inference.engine import SamplerSettings, sample
from inference.provenance import sampling_source, versions
from inference.store import Store, digest
from inference.summaries import quantiles
from inference.tasks import Task
from models.observations.tempered import Tempered
from models.priors import PriorSet
from models.propensity import propensity_score
from models.specification import ModelSpec, outcome_spec

ETAS = (0.0, 0.25, 0.5, 0.75, 1.0)
EFFECT = "treatment_effect"
RUNS = 8  # designs, over all cohorts together; of more cohorts than that, as many are looked at


def tempered_effect(
    cohort: Cohort, spec: ModelSpec, priors: PriorSet, eta: float, designs: int, settings: SamplerSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Return draws of the log hazard ratio, and of the propensity coefficients, under one exponent.

    Parameters
    ----------
    cohort : Cohort
        With covariates in the treatment model.
    spec : ModelSpec
        Baseline and effect; its score is set here.
    priors : PriorSet
    eta : float
        Between 0 and 1.
    designs : int
        Draws of the treatment model whose score is given to the outcome model.
    settings : SamplerSettings

    Returns
    -------
    effect : ndarray (chain, draw, design)
    coefficients : ndarray (chain x draw, term)
    """
    # At 0 the outcome's parameters have their priors and the score has the posterior of the treatment model alone, which
    # is sampled from fewer than half of the coordinates, and has one sign.
    tempered = replace(spec, score="latent", observation=Tempered(eta, spec.observation)) if eta > 0 else None
    informed = flat_draws(sample(Task(cohort, tempered, priors), settings).parameters)
    coefficients = informed["propensity_coefficients"]
    rng = np.random.default_rng([settings.seed, 6])
    chosen = np.sort(rng.choice(len(coefficients), size=designs, replace=designs > len(coefficients)))
    scores = propensity_score({"propensity_coefficients": coefficients[chosen]}, cohort.propensity.values, np)
    draws = []
    for number, score in enumerate(scores):
        own = replace(settings, seed=settings.seed + 104729 * (number + 1))
        task = Task(cohort, replace(spec, score="given"), priors, score)
        draws.append(sample(task, own).parameters[EFFECT])
    return np.stack(draws, axis=-1), coefficients


def feedback_of_cohort(
    study: Study,
    cohort: Cohort,
    number: int,
    priors: PriorSet,
    settings: SamplerSettings,
    designs: int,
    folder: Path,
) -> xr.Dataset:
    """Return the effect in one cohort under every exponent, as kept in a folder or computed now.

    Parameters
    ----------
    study, cohort : Study, Cohort
    number : int
        Of the cohort, which decides its seeds.
    priors : PriorSet
    settings : SamplerSettings
    designs : int
        Of the cohort.
    folder : Path
        Such as `Store.kept`.

    Returns
    -------
    Dataset
        log_hazard_ratio (eta, chain, draw, design); coefficient_mean and coefficient_sd (eta, term).
    """
    store, key = Store(folder), feedback_key(study, cohort, number, priors, settings, designs)
    tree = store.load(key)
    if tree is None:
        spec = outcome_spec(study, cohort, "piecewise_exponential", "constant", "latent")
        effects, means, spreads = [], [], []
        for place, eta in enumerate(ETAS):
            own = replace(settings, seed=settings.seed + 100_003 * number + 7919 * place)
            effect, coefficients = tempered_effect(cohort, spec, priors, eta, designs, own)
            effects.append(effect)
            means.append(coefficients.mean(axis=0))
            spreads.append(coefficients.std(axis=0, ddof=1))
        tree = xr.DataTree(
            xr.Dataset(
                {
                    "log_hazard_ratio": (("eta", "chain", "draw", "design"), np.stack(effects)),
                    "coefficient_mean": (("eta", "term"), np.stack(means)),
                    "coefficient_sd": (("eta", "term"), np.stack(spreads)),
                },
                coords={"eta": list(ETAS), "term": list(cohort.propensity.terms)},
            )
        )
        store.save(key, tree)
    return tree.to_dataset()


def feedback_key(
    study: Study, cohort: Cohort, number: int, priors: PriorSet, settings: SamplerSettings, designs: int
) -> str:
    """Return the name under which the result of a cohort is kept: a digest of all that decides it."""
    spec = outcome_spec(study, cohort, "piecewise_exponential", "constant", "latent")
    return digest(
        [
            "feedback",
            cohort.sha256,
            number,
            spec.baseline.cutpoints,
            spec.baseline.structure,
            priors.content,
            asdict(settings),
            designs,
            sampling_source(),
            _source(),
            versions(),
        ]
    )


@cache
def _source() -> str:
    return sha256(Path(__file__).read_bytes()).hexdigest()[:16]


def pooled_feedback(computed: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Return the effect by exponent over all cohorts, with equal weights.

    Parameters
    ----------
    computed : sequence of Dataset
        From `feedback_of_cohort`.

    Returns
    -------
    DataFrame
        eta, hazard_ratio (median), lower, upper, probability_of_benefit; shift: of the mean log hazard ratio from eta 0, in
        standard deviations at eta 0; largest_shift: of any propensity coefficient, in the same way, mean over cohorts; term:
        which one; cohorts: how many were looked at.
    """
    draws = np.stack([one["log_hazard_ratio"].to_numpy().reshape(len(ETAS), -1) for one in computed], axis=1)
    flat = draws.reshape(len(ETAS), -1)
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
                "eta": eta,
                "hazard_ratio": middle,
                "lower": lower,
                "upper": upper,
                "probability_of_benefit": float((flat[place] < 0).mean()),
                "shift": float((flat[place].mean() - flat[0].mean()) / flat[0].std()),
                "largest_shift": float(moved[place, worst]),
                "term": str(computed[0]["term"].to_numpy()[worst]),
                "cohorts": len(computed),
            }
        )
    return pd.DataFrame(rows)
