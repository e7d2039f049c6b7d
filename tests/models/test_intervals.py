"""Intervals (a, b]: where a cut point belongs, and where equal numbers of events put it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from models.intervals import equal_event_cutpoints, exposure_by_interval, interval_labels, interval_of

CUTS = (2.0, 5.0, 9.0)


def test_a_cut_point_belongs_to_the_interval_it_ends():
    found = interval_of(np.array([0.0, 1.0, 2.0, 2.0001, 5.0, 9.0, 100.0]), CUTS)
    assert found.tolist() == [0, 0, 0, 1, 1, 2, 3]


def test_without_cut_points_there_is_one_interval():
    assert interval_of(np.array([0.0, 3.0]), ()).tolist() == [0, 0]
    assert exposure_by_interval(np.array([0.0, 3.0]), ()).tolist() == [[0.0], [3.0]]
    assert interval_labels(()) == ["(0, inf)"]


def test_exposure_by_hand():
    assert_allclose(
        exposure_by_interval(np.array([0.0, 1.5, 2.0, 7.0, 12.0]), CUTS),
        [[0, 0, 0, 0], [1.5, 0, 0, 0], [2, 0, 0, 0], [2, 3, 2, 0], [2, 3, 4, 3]],
    )


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 50.0), min_size=1, max_size=20))
def test_exposure_adds_up_to_the_time_and_ends_in_its_interval(times):
    exposure = exposure_by_interval(np.array(times), CUTS)
    assert np.all(exposure >= 0)
    assert_allclose(exposure.sum(axis=1), times, rtol=1e-12)
    last = interval_of(np.array(times), CUTS)
    for row, interval in zip(exposure, last, strict=True):
        assert np.all(row[interval + 1 :] == 0)
        assert row[interval] > 0 or row.sum() == 0


def test_labels_name_the_limits():
    assert interval_labels((12, 36.5)) == ["(0, 12]", "(12, 36.5]", "(36.5, inf)"]


def test_equal_numbers_of_events_fall_between_the_cut_points():
    rng = np.random.default_rng(1)
    time, event = rng.exponential(20, 400), rng.random(400) < 0.7
    cuts = equal_event_cutpoints(time, event, 8)
    counts = np.bincount(interval_of(time[event], cuts), minlength=8)
    assert len(cuts) == 7
    assert counts.max() - counts.min() <= 1


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=30).filter(
        lambda listed: any(event for _, event in listed)
    ),
    st.integers(1, 12),
)
def test_ties_and_few_events_give_fewer_intervals_none_without_an_event(listed, intervals):
    time, event = np.array([t for t, _ in listed], dtype=float), np.array([e for _, e in listed])
    cuts = equal_event_cutpoints(time, event, intervals)
    assert len(cuts) < intervals or cuts == ()
    assert all(low < high for low, high in pairwise(cuts))
    assert set(cuts) <= set(time[event])
    assert all(0 < cut < time[event].max() for cut in cuts)
    assert np.all(np.bincount(interval_of(time[event], cuts), minlength=len(cuts) + 1) > 0)


@pytest.mark.parametrize("intervals", [1, 2, 5])
def test_a_single_event_gives_one_interval(intervals):
    assert equal_event_cutpoints(np.array([3.0, 4.0]), np.array([True, False]), intervals) == ()
