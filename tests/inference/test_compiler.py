"""Native compilation: products as loops, and without its internals the same posterior and one warning."""

import dataclasses
import multiprocessing
import re
import sys
from importlib.metadata import version

import arviz as az
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.gradient import verify_grad
from pytensor.graph.traversal import ancestors

import inference.sampling.compiled as compiled
from data.errors import CohortWarning
from data.simulation.simulate import Truth, simulate_cohort
from inference.sampling.compiled.products import Loops, with_loops
from inference.sampling.engine import SamplerSettings, sample
from inference.sampling.modes import density_of, find_modes
from inference.sampling.posterior import Posterior
from inference.storage.provenance import ROOT
from models.arrays import MatrixVector, product
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.exposures import TimeSplit
from models.priors import PriorSet
from models.specification import ModelSpec

SETTINGS = SamplerSettings(draws=500, tune=200, seed=5)


@pytest.fixture
def choose(monkeypatch):
    """Return a function that lets the installed versions be the tested ones, or not."""

    def chosen(tested):
        monkeypatch.setitem(compiled.TESTED, "numba", version("numba") if tested else "0.0.1")
        compiled.compiler.cache_clear()

    yield chosen
    monkeypatch.undo()
    compiled.compiler.cache_clear()


def test_the_tested_versions_are_those_that_are_installed():
    assert {name: version(name) for name in compiled.TESTED} == compiled.TESTED
    assert compiled.compiler() == "native"


def test_internals_of_other_packages_are_imported_by_one_folder_alone():
    """Modules for the authors of PyTensor, numba and nutpie: their names move between versions."""
    internal = r"^\s*(from|import) (pytensor\.(link|graph\.rewriting)|numba\.(np|extending)|nutpie\.compile_pymc|pymc\.pytensorf)"
    importing = {
        file.relative_to(ROOT).parent.as_posix()
        for layer in ("data", "models", "inference", "scripts")
        for file in (ROOT / layer).rglob("*.py")
        if re.search(internal, file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert importing == {"inference/sampling/compiled"}


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec(PiecewiseExponential((12.0,)), EFFECTS["constant"](), "latent"),
        ModelSpec(Weibull(), EFFECTS["constant"](), exposure=TimeSplit()),
    ],
    ids=["joint", "weibull, time-split"],
)
def test_the_posterior_is_the_same_without_internals(choose, spec):
    posterior = Posterior(simulate_cohort(Truth(mean_delay=4.0), 120, seed=11), spec, PriorSet("default"))
    found, samples = {}, {}
    for number, (name, tested) in enumerate({"native": True, "public": False}.items()):
        choose(tested)
        if not tested:
            with pytest.warns(CohortWarning, match=r"numba .* instead of 0\.0\.1"):
                assert compiled.compiler() == name
        found[name] = find_modes(posterior)
        samples[name] = sample(posterior, dataclasses.replace(SETTINGS, seed=5 + number))
    native, other = (density_of(one.compiled, one.swapped) for one in found.values())
    mode = found["native"].modes[0]
    for u in np.random.default_rng(1).normal(size=(5, len(mode.location))):
        (one, slope), (two, other_slope) = (
            density(mode.location + mode.scale @ u) for density in (native, other)
        )
        assert two == pytest.approx(one, rel=1e-10)
        assert other_slope == pytest.approx(slope, rel=1e-8, abs=1e-8)
    for one, two in zip(found["native"].modes, found["public"].modes, strict=True):
        assert two.location == pytest.approx(one.location, abs=1e-3)
    assert samples["public"].statistics.keys() == samples["native"].statistics.keys()
    for name, values in samples["native"].parameters.items():
        for one, two in zip(
            *(columns(of) for of in (values, samples["public"].parameters[name])), strict=True
        ):
            error = np.hypot(az.mcse(one, method="mean"), az.mcse(two, method="mean"))
            assert two.mean() == pytest.approx(one.mean(), abs=4 * error), name
            assert two.std() == pytest.approx(one.std(), rel=0.1), name


def columns(draws):
    """Return the draws (chain, draw) of each number of a parameter."""
    return np.moveaxis(draws.reshape(*draws.shape[:2], -1), -1, 0)


def test_a_symbol_that_moved_is_survived_and_workers_do_not_repeat_the_warning(choose, monkeypatch, recwarn):
    monkeypatch.setitem(sys.modules, "inference.sampling.compiled.native", None)
    monkeypatch.delattr(compiled, "native", raising=False)
    choose(True)
    assert compiled.compiler() == compiled.compiler() == "public"
    assert [one.category for one in recwarn] == [CohortWarning]
    recwarn.clear()
    monkeypatch.setattr(multiprocessing, "parent_process", multiprocessing.current_process)
    choose(True)
    assert compiled.compiler() == "public"
    assert not recwarn.list


RNG = np.random.default_rng(1)
MATRIX = RNG.normal(size=(5, 3))


def vector_for(transposed):
    return RNG.normal(size=5 if transposed else 3)


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
@pytest.mark.parametrize("transposed", [False, True])
def test_it_is_the_product_whatever_the_order_in_memory(transposed, mode):
    matrix, vector = pt.matrix("matrix"), pt.vector("vector")
    compiled = pytensor.function([matrix, vector], Loops(transposed)(matrix, vector), mode=mode)
    given = vector_for(transposed)
    expected = (MATRIX.T if transposed else MATRIX) @ given
    for held in (MATRIX, np.asfortranarray(MATRIX)):
        assert compiled(held, given) == pytest.approx(expected, rel=1e-13)
    assert compiled(MATRIX, np.repeat(given, 2)[::2]) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("transposed", [False, True])
def test_its_gradient_is_that_of_differences(transposed):
    verify_grad(Loops(transposed), [MATRIX, vector_for(transposed)], rng=RNG, mode="FAST_COMPILE")


def test_without_rows_or_columns_it_is_empty_or_zero():
    matrix, vector = pt.matrix("matrix"), pt.vector("vector")
    compiled = pytensor.function([matrix, vector], Loops()(matrix, vector), mode="NUMBA")
    assert compiled(np.empty((0, 3)), np.ones(3)).shape == (0,)
    assert compiled(np.empty((4, 0)), np.empty(0)).tolist() == [0.0] * 4


def test_lengths_that_are_known_stay_known():
    matrix = pt.tensor("matrix", dtype="float64", shape=(None, 7))
    assert Loops()(matrix, pt.vector("vector")).type.shape == (None,)
    assert Loops(transposed=True)(matrix, pt.vector("vector")).type.shape == (7,)


def test_every_product_of_an_expression_becomes_loops_also_a_product_of_a_product():
    vector = pt.vector("vector")
    replaced = with_loops(product(MATRIX.T, product(MATRIX, vector)).sum())
    kinds = [type(one.owner.op) for one in ancestors([replaced]) if one.owner is not None]
    assert kinds.count(Loops) == 2
    assert MatrixVector not in kinds
    given = vector_for(False)
    assert replaced.eval({vector: given}, mode="FAST_COMPILE") == pytest.approx(
        (MATRIX.T @ MATRIX @ given).sum()
    )
