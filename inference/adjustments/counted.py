"""Adjustments of cohorts of counts: the posteriors of `none`, `joint` and `cut`, from sums over patients."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inference.adjustments.adjusted import (
    AdjustedSample,
    DesignSample,
    Problem,
    Progress,
    compare_modes,
    propensity_draws,
    sample_given,
)
from inference.adjustments.counted_weights import WEIGHTINGS, sample_counted_weights
from inference.adjustments.cut import given_score
from inference.sampling.engine import sample
from inference.sampling.posterior import Posterior
from models.assembly import Blocks
from models.counted import build_counted_model
from models.specification import Score

COUNTED_ADJUSTMENTS = ("none", "joint", "cut", *WEIGHTINGS)
"""Adjustments that counts allow: pairs are of single patients."""


@dataclass(frozen=True, eq=False)
class CountedPosterior(Posterior):
    """A posterior given counts: each row's likelihood is that of all patients whom it stands for."""

    def content(self, blocks: Blocks) -> dict[str, np.ndarray]:
        """Return the data of the model, with the number of patients of each row where their treatment is modelled."""
        assert self.cohort.counts is not None, "rows are counts"
        modelled = self.spec is None or self.spec.score == "latent"
        return super().content(blocks) | ({"patients": self.cohort.counts.patients} if modelled else {})

    def build(self) -> Any:
        """Return the PyMC model."""
        blocks = self.blocks
        return build_counted_model(self.cohort, self.spec, self.content(blocks), blocks)


@dataclass(frozen=True, eq=False)
class CountedProblem(Problem):
    """An estimation problem of a cohort of counts."""

    def posterior(self, score: Score, values: np.ndarray | None = None) -> Posterior:
        """Return the outcome model with a propensity score that is absent, latent, or given."""
        return CountedPosterior(self.cohort, replace(self.spec, score=score), self.priors, values)


def sample_counted(adjustment: str, problem: Problem, progress: Progress) -> AdjustedSample:
    """Return what the member of `ADJUSTMENTS` of that name returns for patients."""
    if adjustment in WEIGHTINGS:
        return sample_counted_weights(adjustment, problem, progress)
    progress("treatment model", 0, 2)
    alone = sample(CountedPosterior(problem.cohort, None, problem.priors), problem.settings).parameters
    if adjustment == "cut":
        return sample_given("cut", given_score, problem, alone, progress)
    progress("outcome model", 1, 2)
    posterior = problem.posterior("latent" if adjustment == "joint" else "absent")
    drawn = sample(posterior, problem.settings)
    source = drawn.parameters if adjustment == "joint" else alone
    design = DesignSample(posterior, drawn.parameters, propensity_draws(source, problem.cohort))
    modes = compare_modes(*drawn.modes) if len(drawn.modes) == 2 else None
    return AdjustedSample(adjustment, (design,), drawn.statistics, alone, modes=modes)
