"""No feedback: the treatment model is fitted alone, the outcome model given one draw of its score at a time.

McCandless, Douglas, Evans and Smeeth 2010, doi 10.2202/1557-4679.1205; Plummer 2015, doi 10.1007/s11222-014-9503-z.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from inference.adjustments.adjusted import (
    AdjustedSample,
    Adjustment,
    DesignSample,
    Progress,
    Question,
    flat_draws,
    propensity_draws,
    sample_treatment,
)
from inference.engine import sample
from models.propensity import propensity_score


def sample_cut(question: Question, progress: Progress) -> AdjustedSample:
    """Return the outcome model's posterior under each of several draws of the treatment model."""
    progress("treatment model", 0, question.designs + 1)
    treatment = sample_treatment(question)
    drawn = flat_draws(treatment)
    total = question.settings.chains * question.settings.draws
    rng = np.random.default_rng([question.settings.seed, 1])
    chosen = np.sort(rng.choice(total, size=question.designs, replace=question.designs > total))
    scores = propensity_score(drawn, question.cohort.propensity.values, np)
    propensities = propensity_draws(treatment, question.cohort)
    designs, statistics = [], []
    for number, draw in enumerate(chosen):
        progress("outcome model, design by design", number + 1, question.designs + 1)
        task = question.task("given", scores[draw])
        settings = dataclasses.replace(question.settings, seed=question.settings.seed + 104729 * (number + 1))
        result = sample(task, settings)
        designs.append(DesignSample(task, result.parameters, propensities[[draw]]))
        statistics.append(result.statistics)
    stacked = {name: np.stack([one[name] for one in statistics], axis=-1) for name in statistics[0]}
    return AdjustedSample("cut", tuple(designs), stacked, treatment, chosen)


CUT = Adjustment("cut", sample_cut, "given", several_designs=True)
