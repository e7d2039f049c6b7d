"""What every effect shape must keep to, for every member of EFFECTS and each of its forms."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from numpy.testing import assert_allclose
from pytensor.graph.traversal import ancestors
from scipy import stats

from models.baselines import PiecewiseExponential, Weibull
from models.effects import EFFECTS, ByInterval, BySubgroup, ConstantEffect
from models.effects.changing import LAST, ChangingRatio
from models.families import FAMILIES
from models.specification import ModelSpec, known_parameters

CUTS = (12.0, 36.0)
LEVELS = (("brain", "1"), ("grade", "II"), ("grade", "III"))
FORMS = {
    "constant": ConstantEffect(),
    "by_interval": ByInterval(CUTS),
    "one interval": ByInterval(),
    "by_subgroup": BySubgroup(LEVELS),
}
DRAWS = 5


def merged(parts):
    return {name: value for part in parts for name, value in part.items()}


@pytest.fixture(params=FORMS.values(), ids=list(FORMS))
def effect(request):
    return request.param


@pytest.fixture
def parameters(effect):
    """Draws from the prior: every shape can make them."""
    rng = np.random.default_rng(3)
    by_name = {parameter.name: parameter for parameter in effect.parameters}

    def drawn(name):
        return np.asarray(by_name[name].default.frozen.rvs(size=DRAWS, random_state=rng))

    return merged(one.draw_prior(drawn, rng) for one in effect.components)


@pytest.fixture
def content():
    """Patients in three intervals, with centred modifiers."""
    modifiers = np.random.default_rng(4).normal(size=(4, len(LEVELS)))
    return {LAST: np.array([0, 2, 1, 1]), "modifiers": modifiers - modifiers.mean(axis=0)}


def test_every_member_has_a_form_here_and_is_listed_under_its_name():
    assert {type(form) for form in FORMS.values()} == set(EFFECTS.values())
    assert all(name == member.name for name, member in EFFECTS.items())


def test_parameters_have_defaults_that_fit_and_say_what_they_are(effect):
    for parameter in (*effect.parameters, *(one.value for one in effect.components)):
        assert FAMILIES[parameter.default.distribution].support == parameter.support
        assert parameter.meaning
        assert parameter.default.reason
    assert {parameter.name for parameter in effect.parameters} <= set(known_parameters())
    assert set(effect.parameters) <= set(effect.known)
    assert not any(parameter.dim for parameter in effect.parameters)


def test_everybody_has_a_treatment_effect(effect, parameters):
    assert parameters["treatment_effect"].shape == (DRAWS,)
    ratios = effect.log_ratios(parameters)
    assert ratios.shape == (DRAWS, len(effect.cutpoints) + 1)
    assert_allclose(ratios[:, 0], parameters["treatment_effect"])


def test_without_treatment_there_is_no_effect(effect, parameters, content):
    assert np.all(effect.log_hazard_ratio(parameters, np.zeros(4), content, np) == 0)


def test_draws_come_first_and_patients_last(effect, parameters, content):
    treatment = np.array([0.0, 1.0, 1.0, 0.0])
    ratio = effect.log_hazard_ratio(parameters, treatment, content, np)
    assert ratio.shape == (DRAWS, 4)
    assert np.all(ratio[:, treatment == 0] == 0)


def test_a_model_computes_what_draws_compute(effect, parameters, content):
    treatment = np.array([0.0, 1.0, 1.0, 1.0])
    one = {name: pt.as_tensor(value[0]) for name, value in parameters.items()}
    held = {name: pt.as_tensor(value) for name, value in content.items()}
    ours = effect.log_hazard_ratio(one, pt.as_tensor(treatment), held, pt).eval(mode="FAST_COMPILE")
    assert_allclose(ours, effect.log_hazard_ratio(parameters, treatment, content, np)[0])


def test_what_a_model_declares_is_what_is_completed_from_its_free_variables(effect):
    """The same names, the same values, and a prior that is the stated one times that of the latent variables."""
    coords = {name: list(labels) for name, labels in effect.coordinates.items()}
    with pm.Model(coords=coords) as model:
        declared = merged(
            one.declare(lambda name: (pm.LogNormal if name.endswith("_sd") else pm.Normal)(name, -0.5, 0.7))
            for one in effect.components
        )
    point = {name: np.asarray(value) + 0.3 for name, value in model.initial_point().items()}
    free = {
        name.removesuffix("_log__"): np.exp(value) if name.endswith("_log__") else value
        for name, value in point.items()
    }
    completed = merged(
        one.complete({name: value[None] for name, value in free.items()}) for one in effect.components
    )
    replaced = {model.rvs_to_values[one]: point[model.rvs_to_values[one].name] for one in model.free_RVs}
    for name, tensor in declared.items():
        (value,) = model.replace_rvs_by_values([tensor])
        used = {key: number for key, number in replaced.items() if key in set(ancestors([value]))}
        assert_allclose(value.eval(used, mode="FAST_COMPILE"), completed[name][0])
    densities = merged(one.latent_log_prior(completed) for one in effect.components)
    latent = sum(value[0] for value in densities.values())
    # The model holds latent variables divided by the root of their spread: a change of variables.
    spread = [free[one.name] for one in effect.parameters if one.name.endswith("_sd")]
    sizes = [value.size for name, value in free.items() if name.endswith("_over_root_sd")]
    latent += sum(0.5 * size * np.log(sd) for size, sd in zip(sizes, spread, strict=True))
    single = sum(
        stats.norm(-0.5, 0.7).logpdf(np.log(free[one.name]) if one.name.endswith("_sd") else free[one.name])
        for one in effect.parameters
    )
    assert float(model.compile_logp(mode="FAST_COMPILE")(point)) == pytest.approx(latent + single)


def test_the_constant_effect_is_the_log_hazard_ratio():
    effect = ConstantEffect()
    ratio = effect.log_hazard_ratio({"treatment_effect": np.array([-0.4])}, np.array([0.0, 1.0]), {}, np)
    assert_allclose(ratio, [[0.0, -0.4]])


def test_the_walk_s_steps_have_the_stated_spread():
    """Of 20,000 walks with step_sd 0.3 the k-th interval is 0.3 sqrt(k) from the first."""
    effect, rng = ByInterval((1.0, 2.0, 3.0)), np.random.default_rng(8)
    given = {"treatment_effect": -0.2, "treatment_effect_step_sd": 0.3}
    (walk,) = effect.components
    drawn = walk.draw_prior(lambda name: np.full(20_000, given[name]), rng)
    away = drawn["treatment_effect_by_interval"] + 0.2
    assert_allclose(away.std(axis=0)[1:], 0.3 * np.sqrt([1, 2, 3]), rtol=0.03)
    density = walk.latent_log_prior(drawn)["treatment_effect_by_interval"]
    assert_allclose(density, stats.norm(0, 0.3).logpdf(np.diff(away, axis=1)).sum(axis=1))


@pytest.mark.parametrize("baseline", [PiecewiseExponential((5.0, 12.0)), Weibull()], ids=lambda one: one.name)
def test_the_treated_patient_s_cumulative_hazard_is_the_sum_over_intervals(baseline):
    """And back: the inverse gives the untreated patient's cumulative hazard again."""
    effect, rng = ByInterval((5.0, 12.0)), np.random.default_rng(2)
    parameters = {
        "treatment_effect_by_interval": rng.normal(-0.5, 0.8, (7, 3)),
        "log_hazard": rng.normal(-3, 0.5, (7, 3)),
        "median_survival": rng.uniform(5, 30, 7),
        "weibull_shape": rng.uniform(0.6, 2, 7),
    }
    times = np.array([0.3, 4.999, 5.0, 5.001, 11.0, 12.0, 12.5, 40.0])

    def cumulated(time):
        return baseline.cumulative_hazard(parameters, baseline.basis(np.asarray(time, dtype=float)), np)

    lines = ChangingRatio.of_draws(effect, baseline, parameters)
    interval = np.searchsorted([5.0, 12.0], times)
    ours = lines.treated(cumulated(times), interval)
    ratio = np.exp(parameters["treatment_effect_by_interval"])
    edges = [0.0, 5.0, 12.0, np.inf]
    expected = sum(
        ratio[:, [k]] * (cumulated(np.clip(times, edges[k], edges[k + 1])) - cumulated(np.full(8, edges[k])))
        for k in range(3)
    )
    assert_allclose(ours, expected, rtol=1e-11)
    assert_allclose(lines.untreated(ours), cumulated(times), rtol=1e-11)


def test_subgroup_effects_add_over_the_conditions_that_a_patient_has():
    effect = BySubgroup((("brain", "1"), ("liver", "1")))
    parameters = {"treatment_effect": np.array([-0.3]), "subgroup_effects": np.array([[0.4, -0.1]])}
    columns = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], dtype=float)
    ratio = effect.log_hazard_ratio(parameters, np.ones(4), {"modifiers": columns - columns.mean(0)}, np)[0]
    assert ratio.mean() == pytest.approx(-0.3)
    assert ratio[1] - ratio[0] == pytest.approx(0.4)
    assert ratio[3] - ratio[0] == pytest.approx(0.3)


def test_the_intervals_of_effect_and_baseline_are_the_same():
    with pytest.raises(ValueError, match="must be those of the baseline"):
        ModelSpec(PiecewiseExponential((6.0,)), ByInterval(CUTS))
    assert ModelSpec(Weibull(), ByInterval(CUTS)).cutpoints == CUTS
