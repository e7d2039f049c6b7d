"""Adjustments for confounding, their problems, and their samples of outcome and treatment models."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from data.study.cohort import Cohort
from inference.adjustments.propensities import PropensityDraws, flat_draws, propensity_draws
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.geometry import NormalFit
from inference.sampling.posterior import Posterior
from models.arrays import parts_of
from models.priors import PriorSet
from models.propensity import given_score
from models.specification import ModelSpec, Score

Progress = Callable[[str, int, int], None]
"""Called with the current step, how many parts are done, and of how many."""


def silent(what: str, part: int, parts: int) -> None:
    """Take no notice of progress."""


@dataclass(frozen=True, eq=False)
class Problem:
    """An estimation problem, whatever the adjustment for confounding.

    Attributes
    ----------
    cohort : Cohort
    spec : ModelSpec
        Baseline hazard and effect shape; its score is set by the adjustment.
    priors : PriorSet
    settings : SamplerSettings
    designs : int
        Number of propensity draws, of bootstrap vectors, or of sets of pairs, by what the adjustment takes.
    """

    cohort: Cohort
    spec: ModelSpec
    priors: PriorSet
    settings: SamplerSettings
    designs: int = 20

    def posterior(self, score: Score, values: np.ndarray | None = None) -> Posterior:
        """Return the outcome model with a propensity score that is absent, latent, or given."""
        return Posterior(self.cohort, replace(self.spec, score=score), self.priors, values)


@dataclass(frozen=True, eq=False)
class DesignSample:
    """A sample of the outcome model under one design.

    Attributes
    ----------
    posterior : Posterior
        The outcome model, with its propensity score where that is given.
    parameters : dict of str to ndarray (chain, draw, ...)
        Natural parameters.
    propensity : PropensityDraws (draws, patient) or ndarray (1, patient)
        Probability of treatment, for each of the draws or the same for all; rows in the order chain, draw.
    """

    posterior: Posterior
    parameters: dict[str, np.ndarray]
    propensity: PropensityDraws | np.ndarray

    def parts(self) -> Iterator[DesignSample]:
        """Yield the same draws in parts, of one chain each where there are several: what is computed of a part fits in memory."""
        flat = flat_draws(self.parameters)
        draws = len(flat["treatment_effect"])
        slices = parts_of(draws, self.posterior.cohort.size)
        if len(slices) == 1:
            yield self
            return
        for part in slices:
            parameters = {name: value[None, part] for name, value in flat.items()}
            same = len(self.propensity) == 1
            yield DesignSample(self.posterior, parameters, self.propensity if same else self.propensity[part])

    def mean_propensity(self) -> np.ndarray:
        """Return the mean probability of treatment over draws (patient,)."""
        held = self.propensity
        return held.mean() if isinstance(held, PropensityDraws) else held.mean(axis=0)


@dataclass(frozen=True)
class Modes:
    """The modes that a search from the score's sign, and from its opposite, ended in.

    Attributes
    ----------
    separation : float
        Distance between the two ends, in standard deviations of the first; 0 if they are the same mode.
    log_mass_ratio : float
        Log of the posterior mass at the second against that at the first, by their normal approximations.
    """

    separation: float
    log_mass_ratio: float


def compare_modes(first: NormalFit, second: NormalFit) -> Modes:
    """Return how far apart two normal approximations are, and how much mass the second has."""
    step = np.linalg.lstsq(first.scale, second.location - first.location, rcond=None)[0]
    return Modes(float(np.linalg.norm(step)), second.log_mass - first.log_mass)


@dataclass(frozen=True, eq=False)
class AdjustedSample:
    """The samples of an adjustment.

    Attributes
    ----------
    adjustment : str
        Its name.
    designs : tuple of DesignSample
        One, unless the adjustment conditions on a design at a time.
    statistics : dict of str to ndarray
        The sampler's statistics: (chain, draw), with several designs (chain, draw, design).
    treatment : dict of str to ndarray (chain, draw, ...)
        The treatment model fitted alone: its posterior, or where weights or pairs make the arms alike its maximisers.
    design_draws : ndarray (design,) or None
        Which draw of `treatment`, in the order chain, draw, each design is.
    modes : Modes or None
        Of the searches from two starts, where the score is latent.
    """

    adjustment: str
    designs: tuple[DesignSample, ...]
    statistics: dict[str, np.ndarray]
    treatment: dict[str, np.ndarray]
    design_draws: np.ndarray | None = None
    modes: Modes | None = None


DesignPosterior = Callable[[Problem, dict[str, np.ndarray], int], Posterior]
"""From a problem, draws of the treatment model laid end to end, and the number of one, to the outcome model."""


@dataclass(frozen=True, eq=False)
class WeightedDesign:
    """A design that makes the arms alike by weights, or by leaving patients out."""

    cohort: Cohort  # whose weighted likelihood is maximised; its outcome model holds treatment alone
    # (patient,): of every patient of the problem's cohort, at the score that fits best; 0 for those left out
    weights: np.ndarray
    propensity: np.ndarray  # (1, patient): probability of treatment at that score
    # int (patient of the design,), which the bootstrap resamples: the patient, or the pair of a patient
    unit: np.ndarray


@dataclass(frozen=True)
class Adjustment:
    """How confounding is adjusted for.

    Attributes
    ----------
    name : str
        In every table and command.
    sample : callable
        From a problem, and a function that is called with progress, to an `AdjustedSample`.
    score : {"absent", "latent", "given"}
        The part of the propensity score in the outcome model.
    design_posterior : callable or None
        Of an adjustment that conditions on one draw of the treatment model at a time: the outcome model under a draw.
    population : str
        Where weights or pairs make the arms alike and the outcome model holds treatment alone: the population for which
        all of its estimands are. Empty where covariates enter the outcome model: its hazard ratio is conditional on them,
        and its curves can be standardised over any population.
    weighted_designs : callable or None
        Of the same: from a problem to its designs.
    several_designs : bool
        Whether there are `Problem.designs` designs.
    """

    name: str
    sample: Callable[[Problem, Progress], AdjustedSample]
    score: Score
    design_posterior: DesignPosterior | None = None
    population: str = ""
    weighted_designs: Callable[[Problem], tuple[WeightedDesign, ...]] | None = None
    several_designs: bool = False

    @property
    def maximises(self) -> bool:
        """Whether its draws are maximisers of a weighted likelihood, and no posterior."""
        return self.weighted_designs is not None


def chosen_designs(problem: Problem) -> np.ndarray:
    """Return which draws of the treatment model serve as designs, numbered in the order chain, draw; all if as many."""
    total = problem.settings.chains * problem.settings.draws
    if problem.designs == total:
        return np.arange(total)
    rng = np.random.default_rng([problem.settings.seed, 1])
    return np.sort(rng.choice(total, size=problem.designs, replace=problem.designs > total))


def sample_designs(
    name: str, design_posterior: DesignPosterior, problem: Problem, progress: Progress
) -> AdjustedSample:
    """Return the outcome model's posterior under each of several draws of the treatment model."""
    progress("treatment model", 0, problem.designs + 1)
    return sample_given(name, design_posterior, problem, sample_treatment(problem), progress)


def sample_given(
    name: str,
    design_posterior: DesignPosterior,
    problem: Problem,
    treatment: dict[str, np.ndarray],
    progress: Progress,
) -> AdjustedSample:
    """Return the outcome model's posterior under each of several draws (chain, draw, ...) of the treatment model."""
    drawn = flat_draws(treatment)
    chosen = chosen_designs(problem)
    propensities = propensity_draws(treatment, problem.cohort).of_draws(chosen)
    designs, statistics = [], []
    for number, draw in enumerate(chosen):
        progress("outcome model, design by design", number + 1, problem.designs + 1)
        posterior = design_posterior(problem, drawn, draw)
        settings = replace(problem.settings, seed=problem.settings.seed + 104729 * (number + 1))
        result = sample(posterior, settings)
        designs.append(DesignSample(posterior, result.parameters, propensities[number]))
        statistics.append(result.statistics)
    stacked = {name: np.stack([one[name] for one in statistics], axis=-1) for name in statistics[0]}
    return AdjustedSample(name, tuple(designs), stacked, treatment, chosen)


_TREATMENT_SAMPLES: dict[tuple, dict[str, np.ndarray]] = {}


def sample_treatment(problem: Problem) -> dict[str, np.ndarray]:
    """Return the treatment model's posterior, fitted alone; cached in this process, because every adjustment needs it.

    A score from elsewhere has no posterior: all draws are that score.
    """
    if problem.cohort.propensity.given:
        shape = problem.settings.chains, problem.settings.draws
        constant = given_score(problem.cohort.propensity, shape[0] * shape[1])
        return {name: value.reshape(*shape, *value.shape[1:]) for name, value in constant.items()}
    posterior = Posterior(problem.cohort, None, problem.priors)
    content = posterior.content(posterior.blocks)
    families = tuple(
        (block.variable, block.distribution) for _, listed in posterior.blocks.values() for block in listed
    )
    numbers = tuple((name, np.asarray(content[name]).tobytes()) for name in sorted(content))
    key = (problem.cohort.sha256, families, numbers, problem.settings)
    if key not in _TREATMENT_SAMPLES:
        _TREATMENT_SAMPLES.clear()
        _TREATMENT_SAMPLES[key] = sample(posterior, problem.settings).parameters
    return _TREATMENT_SAMPLES[key]
