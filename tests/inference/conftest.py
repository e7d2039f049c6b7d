"""Small fits that several tests read, sampled once, and posteriors written down without sampling."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from data.simulation.simulate import Truth, simulate_cohort
from data.study.cohort import Cohort


@pytest.fixture(scope="session")
def small_cohort() -> Cohort:
    """120 patients with confounded treatment and a known effect."""
    return simulate_cohort(Truth(), 120, seed=11)


@pytest.fixture(scope="session")
def compilations() -> Callable:
    """Return a context in which densities that are compiled are counted: an entry each."""
    import inference.sampling.posterior as posteriors

    @contextmanager
    def counted() -> Iterator[list]:
        compiled, compile_once = [], posteriors.compile_density

        def counting(*one, **more):
            compiled.append(1)
            return compile_once(*one, **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(posteriors, "compile_density", counting)
            yield compiled

    return counted


@pytest.fixture(scope="session")
def made() -> Callable:
    """Return a posterior of made-up draws (2 chains): parameters around plausible values, or those given."""
    from inference.adjustments.adjusted import DesignSample
    from inference.sampling.posterior import Posterior
    from models.effects import EFFECTS
    from models.priors import PriorSet
    from models.specification import ModelSpec

    def build(cohort, baseline, draws=6, seed=5, propensity=None, **given) -> DesignSample:
        rng = np.random.default_rng(seed)
        shape = (2, draws)
        parameters = {"treatment_effect": rng.normal(-0.4, 0.2, shape)}
        if cohort.outcome.terms:
            spread = 0.8 / cohort.outcome.values.std(axis=0) / np.sqrt(len(cohort.outcome.terms))
            parameters["outcome_coefficients"] = rng.normal(0, spread, (*shape, len(spread)))
        if baseline.name == "weibull":
            parameters["median_survival"] = rng.uniform(20, 40, shape)
            parameters["weibull_shape"] = rng.uniform(0.7, 1.6, shape)
        else:
            parameters["log_hazard"] = rng.normal(-3.6, 0.4, (*shape, len(baseline.cutpoints) + 1))
        parameters |= {
            name: np.broadcast_to(np.asarray(value, dtype=float), (*shape, *np.shape(value)[2:]))
            for name, value in given.items()
        }
        if propensity is None:
            propensity = rng.uniform(0.1, 0.9, (2 * draws, cohort.size))
        posterior = Posterior(cohort, ModelSpec(baseline, EFFECTS["constant"]()), PriorSet("default"))
        return DesignSample(posterior, parameters, propensity)

    return build


@pytest.fixture(scope="session")
def tiny_fits(small_cohort) -> dict:
    """A short fit of each adjustment: the question, the samples, and the fit as a tree."""
    from inference.adjustments import ADJUSTMENTS
    from inference.adjustments.adjusted import Problem
    from inference.fits.datatree import to_tree
    from inference.sampling.engine import SamplerSettings
    from models.baselines import PiecewiseExponential
    from models.effects import EFFECTS
    from models.priors import PriorSet
    from models.specification import ModelSpec

    spec = ModelSpec(PiecewiseExponential((12.0, 36.0)), EFFECTS["constant"]())
    settings = SamplerSettings(chains=2, draws=250, tune=250, seed=3)
    problem = Problem(small_cohort, spec, PriorSet("default"), settings, designs=3)
    fits = {}
    for name, adjust in ADJUSTMENTS.items():
        adjusted = adjust.sample(problem, lambda *_: None)
        fits[name] = (problem, adjusted, to_tree(adjusted, problem, {"study": "simulated", "seed": 3}))
    return fits
