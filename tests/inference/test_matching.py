"""Matching against brute force over all ways to pair, on small sets."""

from itertools import combinations, permutations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.frequentist.matching import (
    greedy_pairs,
    logit_propensity,
    match,
    on_scale,
    optimal_pairs,
    ordered_pairs,
)

SCORES = st.lists(st.integers(0, 40).map(lambda value: value / 10), min_size=1, max_size=5)


def brute_force(treated, control, caliper):
    """Most pairs within the caliper, and the smallest sum of distances among those."""
    best = (0, 0.0)
    for count in range(1, min(len(treated), len(control)) + 1):
        for chosen in combinations(range(len(treated)), count):
            for taken in permutations(range(len(control)), count):
                distances = [abs(treated[i] - control[j]) for i, j in zip(chosen, taken, strict=True)]
                if max(distances) <= caliper:
                    best = max(best, (count, -sum(distances)))
    return best


def told(pairs, treated, control, caliper):
    distances = [abs(treated[i] - control[j]) for i, j in pairs]
    assert all(distance <= caliper for distance in distances)
    for column in pairs.T:
        assert len(set(column)) == len(column), "nobody is in two pairs"
    return len(pairs), -sum(distances)


@pytest.mark.parametrize("pairs", [optimal_pairs, ordered_pairs])
@settings(deadline=None, max_examples=150)
@given(SCORES, SCORES, st.sampled_from([0.25, 0.55, 1.05, 5.0]))
def test_optimal_pairs_are_those_of_brute_force(pairs, treated, control, caliper):
    found = told(pairs(np.array(treated), np.array(control), caliper), treated, control, caliper)
    expected = brute_force(treated, control, caliper)
    assert found[0] == expected[0]
    assert found[1] == pytest.approx(expected[1])


@settings(deadline=None, max_examples=150)
@given(SCORES, SCORES, st.sampled_from([0.25, 0.55, 1.05, 5.0]))
def test_greedy_pairs_are_those_of_a_plain_loop(treated, control, caliper):
    left, expected = dict(enumerate(control)), []
    for position in sorted(range(len(treated)), key=lambda place: (-treated[place], place)):
        if left:
            nearest = min(left, key=lambda other: (abs(left[other] - treated[position]), other))
            if abs(left[nearest] - treated[position]) <= caliper:
                expected.append((position, nearest))
                del left[nearest]
    found = greedy_pairs(np.array(treated), np.array(control), caliper)
    assert [tuple(pair) for pair in found.tolist()] == expected
    told(found, treated, control, caliper)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 150),
    st.integers(1, 150),
    st.sampled_from([0.002, 0.02, 0.05, 0.3, np.inf]),
    st.booleans(),
)
def test_ordered_pairs_are_as_many_and_as_near_as_those_of_the_dense_assignment(
    seed, treated, control, caliper, tied
):
    """Arms that differ as under confounding; without ties the optimal set of patients is unique, and both find it."""
    rng = np.random.default_rng(seed)
    scores = [rng.normal(0.5, 1.0, treated), rng.normal(0.0, 1.0, control)]
    one, other = (score.round(1) if tied else score for score in scores)
    dense, ordered = (pairs(one, other, caliper) for pairs in (optimal_pairs, ordered_pairs))
    of_dense, of_ordered = (told(pairs, one, other, caliper) for pairs in (dense, ordered))
    assert of_ordered[0] == of_dense[0]
    assert of_ordered[1] == pytest.approx(of_dense[1], abs=1e-9)
    if not tied:
        np.testing.assert_array_equal(np.sort(ordered, axis=0), np.sort(dense, axis=0))


def test_the_pairs_of_many_patients_are_those_of_the_dense_assignment(monkeypatch):
    rng = np.random.default_rng(5)
    score, treated = (
        np.concatenate([rng.normal(0.4, 1.0, 900), rng.normal(0.0, 1.0, 1100)]),
        np.arange(2000) < 900,
    )
    dense = match(score, treated, 0.05, "optimal")
    monkeypatch.setattr("inference.frequentist.matching.DENSE", 1000)
    ordered = match(score, treated, 0.05, "optimal")
    assert ordered.pairs == dense.pairs
    np.testing.assert_array_equal(ordered.patients(2000), dense.patients(2000))
    assert ordered.distance.sum() == pytest.approx(dense.distance.sum(), abs=1e-9)


def test_optimal_saves_a_pair_that_greedy_loses():
    # From the top: 1.0 takes 0.9, which 0.8 needs; optimal gives 1.0 the control at 1.2.
    treated, control = np.array([1.0, 0.8]), np.array([0.9, 1.15])
    assert greedy_pairs(treated, control, 0.2).tolist() == [[0, 0]]
    assert sorted(optimal_pairs(treated, control, 0.2).tolist()) == [[0, 1], [1, 0]]


def test_match_gives_positions_in_the_cohort():
    score = np.array([0.5, 0.1, 0.52, 0.9, 0.11])
    treatment = np.array([True, False, False, True, True])
    found = match(score, treatment, 0.05, "optimal")
    assert sorted(zip(found.treated.tolist(), found.control.tolist(), strict=True)) == [(0, 2), (4, 1)]
    np.testing.assert_allclose(np.sort(found.distance), [0.01, 0.02])
    np.testing.assert_array_equal(found.patients(5), [True, True, True, False, True])


@pytest.mark.parametrize("method", ["greedy", "optimal"])
def test_nobody_within_the_caliper_is_no_pair(method):
    found = match([0.1, 0.9], [True, False], 0.2, method)
    assert found.pairs == 0
    assert not found.patients(2).any()


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="caliper must be above 0, but found 0"):
        match([0.1, 0.2], [True, False], 0.0)
    with pytest.raises(ValueError, match="method must be greedy or optimal, but found best"):
        match([0.1, 0.2], [True, False], 0.1, "best")
    with pytest.raises(ValueError, match="scale must be one of probability, logit, logit_sd, but found sd"):
        on_scale([0.1, 0.2], [True, False], "sd")


def test_scales():
    logit, treatment = np.array([0.0, 1.0, 2.0, 4.0]), np.array([True, True, False, False])
    np.testing.assert_allclose(on_scale(logit, treatment, "probability"), 1 / (1 + np.exp(-logit)))
    np.testing.assert_array_equal(on_scale(logit, treatment, "logit"), logit)
    # Variances 0.5 and 2, mean 1.25.
    np.testing.assert_allclose(on_scale(logit, treatment, "logit_sd"), logit / np.sqrt(1.25))


def test_propensities_are_those_of_a_logistic_regression():
    rng = np.random.default_rng(8)
    columns = rng.normal(size=(200, 2))
    treatment = rng.random(200) < 1 / (1 + np.exp(-columns[:, 0]))
    fitted = sm.GLM(treatment.astype(float), sm.add_constant(columns), family=sm.families.Binomial()).fit()
    expected = np.log(fitted.fittedvalues / (1 - fitted.fittedvalues))
    np.testing.assert_allclose(logit_propensity(columns, treatment), expected, atol=1e-6)
    # A column that others give adds nothing, and does not fail.
    doubled = np.column_stack([columns, columns.sum(axis=1)])
    np.testing.assert_allclose(logit_propensity(doubled, treatment), expected, atol=1e-6)
