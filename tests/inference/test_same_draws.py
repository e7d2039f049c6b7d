"""Same seed, same draws: also between a first run, with nothing compiled yet, and every later one."""

import os
import subprocess
import sys

import pytest

DRAWS = """
import hashlib, sys
from data.simulation.simulate import simulate_cohort
from data.simulation.truth import Truth
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.posterior import Posterior
from models.baselines import BASELINES
from models.effects import EFFECTS
from models.priors import PriorSet
from models.specification import ModelSpec

baseline = {"weibull": lambda: BASELINES["weibull"](), "piecewise_exponential": lambda: BASELINES["piecewise_exponential"]((12.0, 36.0))}
cohort = simulate_cohort(Truth(), 80, seed=3)
posterior = Posterior(cohort, ModelSpec(baseline[sys.argv[1]](), EFFECTS["constant"](), sys.argv[2]), PriorSet("default"))
drawn = sample(posterior, SamplerSettings(chains=2, draws=200, tune=200, seed=5)).parameters
digest = hashlib.sha256(b"".join(drawn[name].tobytes() for name in sorted(drawn)))
print(digest.hexdigest())
"""


def draws_in_a_new_process(baseline: str, score: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", DRAWS, baseline, score],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("baseline", "score"),
    [pytest.param("weibull", "absent", marks=pytest.mark.long), ("piecewise_exponential", "latent")],
)
def test_an_empty_compile_cache_gives_the_draws_of_a_full_one(tmp_path, baseline, score, full):
    if score == "latent" and not full:
        pytest.skip("the joint model compiles three times for a minute; in full with --full")
    empty = {"PYTENSOR_FLAGS": f"base_compiledir={tmp_path}"}
    first = draws_in_a_new_process(baseline, score, **empty)
    assert len(first) == 64
    assert draws_in_a_new_process(baseline, score, **empty) == first
    if full:
        assert draws_in_a_new_process(baseline, score) == first
