"""Predictive checks: where the cohort's statistic lies among those of replicated cohorts."""

import numpy as np
import pytest
import xarray as xr

from inference.diagnostics.checks.predictive import (
    CLEAR,
    DOUBTFUL,
    predictive_check,
    predictive_checks,
    two_sided_probability,
)
from inference.predictive.replicates.statistics import replicate_statistics


def test_the_middle_of_the_replicates_is_no_surprise_and_their_edge_is():
    draws = np.arange(1.0, 100.0)
    assert two_sided_probability(draws, 50.0) == pytest.approx(1.0)
    assert two_sided_probability(draws, 0.0) == pytest.approx(2 * 0.5 / 100)
    assert two_sided_probability(draws, 1000.0) == pytest.approx(two_sided_probability(draws, 0.0))
    assert two_sided_probability(np.append(draws, np.nan), 50.0) == pytest.approx(1.0)
    assert np.isnan(two_sided_probability(np.full(5, np.nan), 1.0))


@pytest.mark.parametrize(("factor", "status"), [(1.0, {"pass", "warn"}), (6.0, {"fail"})])
def test_a_model_whose_times_are_far_too_long_fails(factor, status):
    """Replicates with six times the survival time cannot give the cohort's events before 10."""
    rng = np.random.default_rng(5)
    treatment = np.arange(200) % 2 == 0

    def statistics(scale: float, replicates: int):
        time = rng.exponential(10.0 * scale, (replicates, 200))
        return replicate_statistics(
            np.minimum(time, 30.0),
            time <= 30.0,
            treatment,
            None,
            np.empty((200, 0)),
            [10.0],
            [0.0, 10.0],
            [10.0],
        )

    checks = predictive_checks(statistics(factor, 300), statistics(1.0, 1), "months")
    found = {check.name: check for check in checks}
    survival = found["predictive: survival at 10 months, control"]
    assert survival.status in status
    assert survival.threshold == (CLEAR if survival.status == "fail" else DOUBTFUL)


@pytest.mark.parametrize(("replicates", "status"), [(15, "info"), (98, "info"), (200, "pass")])
def test_few_replicates_say_nothing_instead_of_passing(replicates, status):
    draws = xr.Dataset({"median": ("replicate", np.linspace(8.0, 12.0, replicates))})
    seen = xr.Dataset({"median": ("replicate", [10.0])})
    assert predictive_check("median", "median", draws, seen, {}).status == status
