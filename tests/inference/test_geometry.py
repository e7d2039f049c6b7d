"""Coordinates of the sampler: the same density in other words."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.traversal import ancestors
from scipy import stats

from data.study.formulas import build_design
from inference.sampling.geometry import Shear, fit_normal, layout_of, whiten
from inference.sampling.posterior import Posterior, shear_of, walk_of
from inference.sampling.walk import INFORMATION, Walk, walk_arrays
from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS
from models.priors import Prior, PriorSet
from models.specification import ModelSpec

MODE = "FAST_COMPILE"
RNG = np.random.default_rng(6)
DEFAULT = PriorSet("default")
BY_TERM = PriorSet(
    "by term",
    "",
    {"weibull_shape": Prior("Gamma", {"alpha": 3.0, "beta": 2.5})},
    {"outcome_coefficients": {"grade[T.II]": Prior("StudentT", {"nu": 3.0, "mu": 0.2, "sigma": 0.4})}},
)


def joint(cohort, baseline=None, priors=DEFAULT) -> Posterior:
    chosen = PiecewiseExponential((12.0, 36.0)) if baseline is None else baseline
    return Posterior(cohort, ModelSpec(chosen, EFFECTS["constant"](), "latent"), priors)


@pytest.mark.parametrize("baseline", [PiecewiseExponential((12.0, 36.0)), Weibull()])
@pytest.mark.parametrize("priors", [PriorSet("default"), BY_TERM], ids=["default", "by term"])
def test_splitting_and_joining_are_inverse(small_cohort, baseline, priors):
    model = joint(small_cohort, baseline, priors).build()
    layout = layout_of(model)
    assert layout.size == sum(max(length, 1) for length in layout.lengths.values())
    flat = RNG.normal(size=layout.size)
    values = layout.split(flat)
    assert set(values) == {variable.name for variable in model.free_RVs}
    assert_allclose(layout.join(values), flat)
    many = layout.split(np.stack([flat, flat + 1.0]))
    for name, value in values.items():
        assert_allclose(many[name][0], value)


def shear_matrix(size=6):
    """Outcome coefficients at 1 and 2, propensity coefficients of their terms at 4 and 3, effect at 5."""
    matrix = np.zeros((size, size))
    matrix[1, 4] = matrix[2, 3] = 1.0
    return Shear(5, matrix)


def test_a_shear_is_undone():
    flat = RNG.normal(size=(3, 4, 6))
    shear = shear_matrix()
    assert_allclose(shear.undo(shear.apply(flat)), flat, rtol=1e-13, atol=1e-13)
    assert_allclose(shear.apply(shear.undo(flat)), flat, rtol=1e-13, atol=1e-13)


def test_a_shear_takes_the_score_s_share_from_the_coefficients():
    flat = np.array([1.0, 2.0, 3.0, 0.5, -1.0, 2.0])
    assert_allclose(shear_matrix().apply(flat), [1.0, 2.0 + 2.0, 3.0 - 1.0, 0.5, -1.0, 2.0])


def jacobian(transform, flat):
    """Slopes of a map by central differences (input, output)."""
    step = 1e-6
    return np.array(
        [(transform(flat + d) - transform(flat - d)) / (2 * step) for d in step * np.eye(len(flat))]
    )


def test_a_shear_changes_no_volume():
    assert np.linalg.det(jacobian(shear_matrix().apply, RNG.normal(size=6))) == pytest.approx(1.0, abs=1e-8)


def test_the_shear_of_a_joint_model_pairs_equal_terms(small_cohort):
    posterior = joint(small_cohort, priors=BY_TERM)
    layout = layout_of(posterior.build())
    shear = shear_of(posterior, posterior.blocks, layout)
    place = {name: slot.start for name, slot in layout.slices.items()}
    assert shear.multiplier == place["propensity_effect"]
    normal, student = place["outcome_coefficients_Normal"], place["outcome_coefficients_StudentT"]
    first = place["propensity_coefficients"]
    pairs = {(normal, first), (student, first + 1), (normal + 1, first + 2)}
    assert set(zip(*np.nonzero(shear.matrix), strict=True)) == pairs
    absent = Posterior(small_cohort, ModelSpec(Weibull(), EFFECTS["constant"]()), BY_TERM)
    assert shear_of(absent, absent.blocks, layout_of(absent.build())) is None


@pytest.mark.parametrize("baseline", [PiecewiseExponential((12.0, 36.0)), Weibull()])
def test_the_density_is_the_same_in_both_coordinates(small_cohort, baseline):
    posterior = joint(small_cohort, baseline)
    model = posterior.build()
    layout = layout_of(model)
    shear, walk = shear_of(posterior, posterior.blocks, layout), walk_of(posterior, layout)
    assert (walk is None) == (not baseline.cutpoints)
    whitened = whiten(model, layout, shear, walk)
    shared = {one.name: one for one in ancestors([whitened.logp()]) if isinstance(one, SharedVariable)}
    location = layout.join({"log_hazard_level": -3.5} if baseline.cutpoints else {"median_survival": 30.0})
    scale = 0.1 * RNG.normal(size=(layout.size, layout.size))
    shared["location"].set_value(location)
    shared["scale"].set_value(scale)
    natural, ours = model.compile_logp(mode=MODE), whitened.compile_logp(mode=MODE)
    for _ in range(5):
        position = RNG.normal(size=layout.size)
        flat, volume = shear.apply(location + scale @ position), 0.0
        if walk is not None:
            flat, volume = walk.apply(flat), np.linalg.slogdet(jacobian(walk.apply, flat))[1]
        point = {
            model.rvs_to_values[variable].name: flat[layout.slices[variable.name]].reshape(
                (layout.lengths[variable.name],) if layout.lengths[variable.name] else ()
            )
            for variable in model.free_RVs
        }
        expected = float(natural(point)) + volume
        # The Jacobian comes by differences, and holds eight digits.
        assert float(ours({"position": position})) == pytest.approx(
            expected, rel=1e-12 if walk is None else 1e-8
        )


def counted_cohort(cohort_of, events, exposure, cuts):
    """Patients with so many events, and about so much time at risk, in each interval: half of its width each."""
    starts = np.array([0.0, *cuts])
    middle = starts + 0.5 * np.array([*np.diff(starts), exposure])
    time = np.repeat(middle, events)
    return cohort_of(np.r_[time, 0.9 * cuts[0]], np.r_[np.ones(len(time)), 0], np.arange(len(time) + 1) % 2)


@pytest.mark.parametrize("events", [(9, 14, 25, 3), (4, 0, 0, 6), (40, 1, 0, 0)], ids=str)
def test_independent_coordinates_give_the_walk_its_posterior(cohort_of, events):
    """Standard normal coordinates are the steps' posterior given normal log hazards, by solving the normal equations."""
    baseline = PiecewiseExponential((6.0, 20.0, 50.0))
    cohort = counted_cohort(cohort_of, events, 30.0, baseline.cutpoints)
    arrays = walk_arrays(cohort, baseline)
    walk = Walk(0, 1, slice(2, 5), arrays)
    counts = np.array(events, dtype=float)
    exposure = baseline.basis(cohort.time)["exposure"].sum(axis=0)
    seen = counts > 0
    observed = np.where(
        seen, np.log(np.where(seen, counts, 1.0) / np.where(exposure > 0, exposure, 1.0)), 0.0
    )
    climbs = np.column_stack([np.ones(4), np.tri(4, 3, -1)])  # of level and steps
    for sd in (0.05, 0.4, 3.0):
        precision = climbs.T @ np.diag(counts) @ climbs + np.diag([0.0, *np.full(3, 1 / sd**2)])
        covariance = np.linalg.inv(precision)
        mean = covariance @ climbs.T @ (counts * observed)
        middle = (counts * observed).sum() / counts.sum()
        flat = np.array([middle, np.log(sd), 0.0, 0.0, 0.0])
        assert_allclose(walk.apply(flat)[[0, 2, 3, 4]], mean, atol=1e-9)
        slopes = jacobian(walk.apply, flat)[:, [0, 2, 3, 4]]
        root = slopes[[0, 2, 3, 4]] * np.array([1 / np.sqrt(counts.sum()), 1, 1, 1])[:, None]
        assert_allclose(root.T @ root, covariance, rtol=1e-6, atol=1e-8)
    assert (arrays[INFORMATION] >= 0).all()
    assert (arrays[INFORMATION] > 0).sum() == seen.sum() - 1


def test_a_walk_of_prior_and_nothing_else_is_scaled_by_its_standard_deviation(cohort_of):
    """Where one interval holds all events they say nothing of steps: coordinates are steps over sd, of a rotation."""
    baseline = PiecewiseExponential((6.0, 20.0))
    cohort = counted_cohort(cohort_of, (0, 7, 0), 30.0, baseline.cutpoints)
    walk = Walk(0, 1, slice(2, 4), walk_arrays(cohort, baseline))
    flat = np.array([-3.0, np.log(0.3), 1.0, -2.0])
    natural = walk.apply(flat)
    assert np.linalg.norm(natural[2:]) == pytest.approx(0.3 * np.sqrt(5.0))
    assert natural[0] + natural[2] == pytest.approx(-3.0)  # the log hazard of the interval with the events


def test_a_normal_density_is_its_own_approximation():
    root = np.tril(RNG.normal(size=(4, 4))) + 2 * np.eye(4)
    covariance, centre = root @ root.T, np.array([1.0, -2.0, 0.5, 3.0])
    precision = np.linalg.inv(covariance)

    def density(at):
        return -0.5 * (at - centre) @ precision @ (at - centre), -precision @ (at - centre)

    fitted = fit_normal(density, np.zeros(4), {})
    assert_allclose(fitted.location, centre, atol=1e-5)
    assert_allclose(fitted.scale @ fitted.scale.T, covariance, rtol=1e-5)
    # mass of exp(density), but for (2 pi)^(4/2)
    assert fitted.log_mass == pytest.approx(0.5 * np.linalg.slogdet(covariance)[1], abs=1e-5)


def test_held_positions_stay_and_the_others_are_conditional():
    covariance = np.array([[1.0, 0.6], [0.6, 2.0]])
    precision = np.linalg.inv(covariance)

    def density(at):
        return -0.5 * at @ precision @ at, -precision @ at

    fitted = fit_normal(density, np.array([0.0, 1.5]), {1: 0.3})
    assert fitted.location[1] == 1.5
    assert fitted.location[0] == pytest.approx(0.6 / 2.0 * 1.5, abs=1e-6)
    assert fitted.scale[1, 1] == 0.3
    assert fitted.scale[0, 0] == pytest.approx(np.sqrt(1.0 - 0.36 / 2.0), rel=1e-5)
    assert fitted.scale[0, 1] == fitted.scale[1, 0] == 0.0


def test_a_flat_direction_gives_a_finite_scale():
    fitted = fit_normal(
        lambda at: (float(stats.norm.logpdf(at[0])), np.array([-at[0], 0.0])), np.array([2.0, 1.0]), {}
    )
    assert fitted.location[0] == pytest.approx(0.0, abs=1e-6)
    assert np.all(np.isfinite(fitted.location))
    assert np.all(np.isfinite(fitted.scale))


def test_a_joint_model_searches_both_signs_even_where_the_outcome_has_no_columns(small_cohort):
    """Without covariates in the outcome the shear does nothing, but the score's sign can still flip."""
    bare = dataclasses.replace(small_cohort, outcome=build_design("1", small_cohort.covariates))
    spec = ModelSpec(PiecewiseExponential((12.0,)), EFFECTS["constant"](), "latent")
    posterior = Posterior(bare, spec, PriorSet("default"))
    layout = layout_of(posterior.build())
    shear = shear_of(posterior, posterior.blocks, layout)
    assert shear is not None
    assert not shear.matrix.any()
    assert shear.multiplier == layout.slices["propensity_effect"].start
