"""The statistics of the audit against scipy, statsmodels and enumeration by hand."""

import itertools
import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from statsmodels.stats.contingency_tables import SquareTable, mcnemar
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.proportion import proportion_confint

from data.published.audit.contingency import bowker_range, fisher, heterogeneity, mcnemar_exact, pearson
from data.published.audit.cox import log_error, p_range
from data.published.audit.curves import Point, median_bounds, median_of, survival_at
from data.published.audit.granularity import attainable, splits
from data.published.printed import printed


def test_pearson_is_that_of_the_formula():
    table = np.array([[108, 99], [138, 143]])
    a, b, c, d = table.ravel()
    n = table.sum()
    product = (a + b) * (c + d) * (a + c) * (b + d)
    assert_allclose(pearson(table), stats.chi2.sf(n * (a * d - b * c) ** 2 / product, 1))
    yates = n * (abs(a * d - b * c) - n / 2) ** 2 / product
    assert_allclose(pearson(table, corrected=True), stats.chi2.sf(yates, 1))


def test_a_level_that_nobody_has_changes_nothing():
    assert pearson(np.array([[5, 0, 9], [8, 0, 3]])) == pearson(np.array([[5, 9], [8, 3]]))
    assert pearson(np.array([[5, 0], [8, 0]])) == fisher(np.array([[5, 0], [8, 0]])) == 1.0


@pytest.mark.parametrize(
    "table", [[[8, 2], [1, 5]], [[37, 98], [47, 88]], [[0, 7], [3, 4]], [[12, 12], [12, 12]]]
)
def test_fisher_of_two_by_two_is_that_of_scipy(table):
    assert_allclose(fisher(np.array(table)), stats.fisher_exact(table)[1], rtol=1e-9)


def test_fisher_of_more_levels_is_the_sum_over_all_tables():
    table = np.array([[3, 1, 0, 2], [0, 4, 3, 1]])
    columns, first = table.sum(axis=0), table[0].sum()

    def chance(row):
        return math.prod(math.comb(c, x) for c, x in zip(columns, row, strict=True)) / math.comb(
            columns.sum(), first
        )

    rows = [row for row in itertools.product(*(range(c + 1) for c in columns)) if sum(row) == first]
    observed = chance(table[0])
    by_hand = sum(chance(row) for row in rows if chance(row) <= observed * (1 + 1e-9))
    assert_allclose(sum(chance(row) for row in rows), 1)
    assert_allclose(fisher(table), by_hand)


def test_fisher_gives_up_where_there_are_too_many_tables():
    assert fisher(np.full((2, 6), 500)) is None


def test_exact_mcnemar_is_that_of_statsmodels_for_every_pairing():
    pairs, treated, control = 30, 18, 13
    found = mcnemar_exact(treated, control, pairs)
    by_table = {}
    for both in range(min(treated, control) + 1):
        only, other = treated - both, control - both
        if pairs - both - only - other >= 0:
            table = [[both, only], [other, pairs - both - only - other]]
            by_table[only + other] = float(mcnemar(table, exact=True).pvalue)
    assert sorted(found) == sorted(by_table)
    assert_allclose([found[key] for key in sorted(found)], [by_table[key] for key in sorted(found)])


def square_tables(rows, columns):
    """All tables of three levels with given margins."""
    for a, b, d, e in itertools.product(range(max(rows) + 1), repeat=4):
        c, f = rows[0] - a - b, rows[1] - d - e
        g, h = columns[0] - a - d, columns[1] - b - e
        i = rows[2] - g - h
        table = np.array([[a, b, c], [d, e, f], [g, h, i]])
        if (table >= 0).all() and (table.sum(axis=0) == columns).all():
            yield table


def bowker(table):
    upper = np.triu_indices(3, 1)
    one, other = table[upper], table.T[upper]
    total = one + other
    return float((np.where(total, (one - other) ** 2 / np.maximum(total, 1), 0)).sum())


def test_the_bowker_formula_is_that_of_statsmodels():
    table = np.array([[20, 5, 3], [9, 11, 4], [2, 6, 8]])
    found = SquareTable(table, shift_zeros=False).symmetry()
    assert_allclose(bowker(table), found.statistic)
    assert found.df == 3


@pytest.mark.parametrize(
    ("rows", "columns"), [((7, 3, 2), (4, 6, 2)), ((5, 4, 3), (5, 4, 3)), ((9, 1, 2), (8, 3, 1))]
)
def test_the_bowker_range_holds_every_pairing_and_its_lower_end_is_reached(rows, columns):
    statistics = [bowker(table) for table in square_tables(rows, np.array(columns))]
    low, high = bowker_range(rows, columns)
    assert_allclose(low, stats.chi2.sf(max(statistics), 3), rtol=1e-6)
    highest = stats.chi2.sf(min(statistics), 3)
    assert highest - 1e-6 <= high <= highest + 0.15  # whole numbers are not asked for at the upper end


def test_cochrans_q_is_that_of_statsmodels():
    estimates, variances = np.array([-1.15, -0.75, -0.2]), np.array([0.11, 0.03, 0.035])
    reference = combine_effects(estimates, variances)
    pooled, p = heterogeneity(estimates, variances)
    assert_allclose(pooled, reference.mean_effect_fe)
    assert_allclose(p, reference.test_homogeneity().pvalue)


def test_p_values_of_a_hazard_ratio_hold_the_one_before_rounding():
    estimate, error = math.log(0.62), 0.21
    exact = 2 * stats.norm.sf(abs(estimate) / error)
    ends = [f"{math.exp(estimate + sign * 1.959964 * error):.3f}" for sign in (-1, 1)]
    ratio = printed(f"{math.exp(estimate):.3f}", *ends)
    lowest, highest = p_range(ratio)
    assert lowest <= exact <= highest
    assert highest - lowest < 0.002
    assert log_error(ratio) == pytest.approx(error, abs=0.002)


def test_whole_numbers_behind_percentages():
    size = 27
    assert attainable(printed("25.9"), size) == (7,)
    assert proportion_confint(7, 27)[0] < 0.259 < proportion_confint(7, 27)[1]
    (only,) = splits(printed("39.1"), printed("4.5"), 45)
    assert (only.first, only.first_size, only.second, only.second_size) == (9, 23, 1, 22)
    assert only.odds_ratio == pytest.approx(stats.contingency.odds_ratio(only.table, kind="sample").statistic)
    assert only.risk_ratio == pytest.approx(stats.contingency.relative_risk(9, 23, 1, 22).relative_risk)


def test_survival_between_printed_times_is_that_of_a_constant_hazard():
    points = tuple(Point(time, math.exp(-0.03 * time), 0.0005, "") for time in (12.0, 36.0, 60.0))
    for time in (5.0, 12.0, 30.0, 60.0, 80.0):
        assert survival_at(points, time) == pytest.approx(math.exp(-0.03 * time))
    assert median_of(points) == pytest.approx(math.log(2) / 0.03)
    assert median_bounds(points) == (12.0, 36.0)
    assert median_bounds(points[:1]) == (12.0, math.inf)
