"""Rubin's rules: worked by hand, one cohort, and arrays as the numbers they hold."""

import numpy as np
import pytest

from inference.frequentist.rubin import pool


def test_three_cohorts_by_hand():
    pooled = pool([1.0, 2.0, 3.0], [1.0, 0.5, 1.5])  # W = 1, B = 1, T = 1 + 4/3
    assert (pooled.cohorts, pooled.estimate, pooled.within_sd, pooled.between_sd) == (3, 2.0, 1.0, 1.0)
    assert pooled.error == pytest.approx((7 / 3) ** 0.5)
    assert pooled.fraction_of_missing_information == pytest.approx(4 / 7)
    assert (pooled.lower, pooled.upper) == pytest.approx((2 - 2.993894, 2 + 2.993894), abs=1e-6)


def test_one_cohort_has_no_variance_between():
    pooled = pool([0.3], [0.04])
    assert (pooled.error, pooled.fraction_of_missing_information) == pytest.approx((0.2, 0.0))


def test_an_array_is_pooled_number_by_number():
    draws = np.random.default_rng(5)
    estimates, variances = draws.normal(size=(6, 4)), draws.exponential(size=(6, 4))
    together = pool(estimates, variances)
    for place in range(4):
        alone = pool(estimates[:, place], variances[:, place])
        assert together.lower[place] == pytest.approx(alone.lower)
        assert together.fraction_of_missing_information[place] == pytest.approx(
            alone.fraction_of_missing_information
        )
