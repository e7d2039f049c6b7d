"""Divergent transitions: a rate that means something."""

import pytest

from inference.diagnostics.checks.convergence import divergence_check


@pytest.mark.parametrize(
    ("divergent", "draws", "status"),
    [
        (0, 4000, "pass"),
        (1, 80_000, "warn"),
        (3, 4000, "warn"),
        (4, 4000, "warn"),
        (5, 4000, "fail"),
        (1, 900, "fail"),
    ],
)
def test_more_than_one_in_a_thousand_draws_fail(divergent, draws, status):
    assert divergence_check(divergent, draws).status == status
