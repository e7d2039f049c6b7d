"""Curve and median interval of one group, against lifelines and a curve worked out by hand."""

import numpy as np
import pytest
from lifelines import KaplanMeierFitter

from inference.published.reanalysis.normal_median import GroupCurve


def test_the_interval_by_hand():
    """Twenty patients, nobody censored: S falls by 0.05 at each of the times 1 to 20."""
    times = np.arange(1.0, 21.0)
    median, lower, upper = GroupCurve(times, np.ones(20, bool)).median_interval()
    # S(9) = 0.55 and S(11) = 0.45: the slope is 0.10 over 2; the binomial error of S(10) = 0.5 is sqrt(0.25 / 20).
    half = 1.959964 * np.sqrt(0.25 / 20) / 0.05
    assert median == 10.0
    assert (lower, upper) == (pytest.approx(10 - half, abs=1e-4), pytest.approx(10 + half, abs=1e-4))


def test_the_curve_and_its_error_are_those_of_lifelines(rows):
    time, event = rows["time"].to_numpy(), rows["event"].to_numpy() == 1
    group = GroupCurve(time, event)
    with np.errstate(all="ignore"):
        fitted = KaplanMeierFitter().fit(time, event)
    at = np.array([6.0, 24.0, 60.0])
    np.testing.assert_allclose(group.at(at), fitted.predict(at).to_numpy())
    median, lower, upper = group.median_interval()
    assert median == fitted.median_survival_time_
    # The same standard error from lifelines' Greenwood variance of log S, and the slope read off its curve.
    curve = fitted.survival_function_.iloc[:, 0]
    u, low = curve.index[curve >= 0.55 - 1e-9][-1], curve.index[curve <= 0.45 + 1e-9][0]
    # A censoring time is a row of lifelines' curve; the last death at or above 0.55 is where the curve last stepped.
    deaths = np.unique(time[event])
    u = deaths[deaths <= u][-1]
    slope = (curve[u] - curve[low]) / (low - u)
    at_risk = np.array([(time >= one).sum() for one in deaths[deaths <= median]])
    died = np.array([(time[event] == one).sum() for one in deaths[deaths <= median]])
    error = curve[median] * np.sqrt((died / (at_risk * (at_risk - died))).sum()) / slope
    assert (upper - lower) / 2 == pytest.approx(1.959964 * error, rel=1e-6)


def test_a_median_that_is_not_reached_has_no_interval():
    median, lower, upper = GroupCurve(
        np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 0, 0, 0], bool)
    ).median_interval()
    assert np.isinf(median)
    assert np.isnan([lower, upper]).all()


def test_a_curve_that_ends_above_the_lower_limit_has_a_median_without_interval():
    """S falls to 0.5 and stays there: the slope around one half is not determined."""
    median, lower, upper = GroupCurve(
        np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 1, 0, 0], bool)
    ).median_interval()
    assert median == 2.0
    assert np.isnan([lower, upper]).all()
