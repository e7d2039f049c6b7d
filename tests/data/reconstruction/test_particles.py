"""The particle filter against every cohort that a small figure allows, and a follow-up that the figure does not show."""

from itertools import product
from math import factorial, lgamma

import numpy as np
import pytest
from scipy import stats

from data.published.reconstruction.particles import PARTICLES, Grid, draw_path, draw_window, loss_hazard

SIZE, LEFT, SD, RATE = 6, 1, 0.08, 0.2
TIMES = np.array([0.0, 1.0, 2.5, 4.0])
READ = np.array([0.85, np.nan, 0.45])
HAZARD = 0.3  # in the gap without a reading
DRAWS = 3000


def exact(apart, known_died):
    """Probability of every sequence of deaths and losses that leaves `LEFT` at risk, by enumeration.

    Beside these six are two members of the arm, one of whom dies in the last gap if `known_died`.
    """
    share = np.diff(TIMES) / TIMES[-1]
    found = {}
    for died in product(range(SIZE + 1), repeat=3):
        for lost in product(range(SIZE + 1), repeat=3):
            if sum(died) + sum(lost) != SIZE - LEFT:
                continue
            n, survival, known, exposed, weight = SIZE, 1.0, 1.0, 1 / RATE, 0.0
            for gap, (d, c, width, read) in enumerate(zip(died, lost, np.diff(TIMES), READ, strict=True)):
                others, own = (2, int(gap == 2)) if known_died else (0, 0)
                if d > n or c > n - d:
                    weight = -np.inf
                    break
                if np.isnan(read):
                    weight += stats.poisson.logpmf(d, n * HAZARD)
                else:
                    mean = n * width * known / exposed
                    shape = 1 / (1 / known + n / (apart * mean)) if n else 1.0
                    weight += stats.nbinom.logpmf(d, shape, shape / (shape + mean))
                known, exposed = known + d, exposed + n * width
                survival *= (n + others - d - own) / (n + others) if n + others else 1.0
                if not np.isnan(read):
                    weight += stats.norm.logpdf(read, survival, SD)
                n -= d + c
            ways = lgamma(sum(lost) + 1) - sum(np.log(factorial(c)) for c in lost)
            found[died, lost] = np.exp(weight + ways + (np.array(lost) * np.log(share)).sum())
    total = sum(found.values())
    return {key: value / total for key, value in found.items()}


@pytest.mark.parametrize(("apart", "known_died"), [(1e9, False), (4.0, True)])
def test_deaths_and_losses_are_those_of_the_posterior(apart, known_died):
    share = np.diff(TIMES) / TIMES[-1]
    grid = Grid(
        time=TIMES, reading=READ, hazard=np.full(3, HAZARD), marked=np.zeros(3), counted=np.array([-1, -1, LEFT]), events=np.full(3, -1),
        bridge=np.full(3, LEFT), share=share, before=np.concatenate([[0.0], np.cumsum(share)[:-1]]),
        reached=np.full(3, READ[-1]), known=np.full(3, 2 * known_died), known_died=np.array([0, 0, int(known_died)]),
    )  # fmt: skip
    draws = np.random.default_rng(1)
    followups = np.tile([0.0, 1.0, 5.0, 1.0], (PARTICLES, 1))
    drawn = [
        draw_path(grid, SIZE, SD, np.zeros(2), 0.0, followups, 0.0, np.full(PARTICLES, apart), RATE, draws)[
            :2
        ]
        for _ in range(DRAWS)
    ]
    probabilities = exact(apart, known_died)
    for of in (0, 1):
        values = np.array([one[of] for one in drawn])
        for gap in range(3):
            expected = sum(key[of][gap] * value for key, value in probabilities.items())
            error = values[:, gap].std() / np.sqrt(DRAWS)
            # a filter of so many particles is biased by the order of one over their number
            assert values[:, gap].mean() == pytest.approx(expected, abs=4 * error + 5 / PARTICLES)
    assert all((died.sum() + lost.sum()) == SIZE - LEFT for died, lost in drawn)


def test_follow_up_ends_evenly_between_two_times():
    followup = np.array([0.0, 10.0, 30.0, 1.0])
    assert loss_hazard(5.0, followup) == 0.0
    assert np.exp(-loss_hazard(20.0, followup)) == pytest.approx(0.5)
    followup[0] = 0.1
    assert np.exp(-loss_hazard(20.0, followup)) == pytest.approx(0.5 * np.exp(-2.0))
    followup[3] = 2.0
    assert np.exp(-loss_hazard(20.0, followup)) == pytest.approx(0.25 * np.exp(-2.0))


def test_a_window_drawn_anew_begins_later_and_ends_beyond_the_figure():
    draws, found = np.random.default_rng(2), np.zeros((2000, 4))
    for followup in found:
        draw_window(followup, 12.0, 40.0, draws)
    assert found[:, 1].min() >= 12.0
    assert found[:, 2].min() > 40.0
    assert stats.kstest((found[:, 1] - 12) / 28, "uniform").pvalue > 0.001
