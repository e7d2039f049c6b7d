"""Numbers and labels as they are printed."""

import math

import pytest

from inference.report.figures.wording import interval, number, probability, ratio_ticks, time_label, wrapped


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((126.4, 46.9, 210.2), "126 (47 to 210)"),
        ((1.234, -0.51, 2.9), "1.2 (−0.5 to 2.9)"),
        ((0.02, -0.0004, 0.04), "0.020 (0.000 to 0.040)"),
        ((2018.0, 1800.0, math.inf), "2018 (1800 to not reached)"),
        ((math.nan, 1.0, 2.0), "not estimable"),
    ],
)
def test_intervals_have_the_decimals_their_width_asks_for(numbers, text):
    assert interval(*numbers) == text


def test_ratios_have_two_decimals():
    assert interval(0.6951, 0.5432, 0.89, ratio=True) == "0.70 (0.54 to 0.89)"


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "> 0.999"), (0.0, "< 0.001"), (0.5, "0.500"), (math.nan, "–")]
)
def test_a_probability_is_never_printed_as_certain(value, text):
    assert probability(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(94.0, "94"), (0.6951, "0.695"), (math.inf, "not reached"), (-2.5, "−2.50")]
)
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize("limits", [(0.5, 1.1), (0.9, 1.05), (0.05, 20), (1e-6, 1e6), (0.3, 3.1)])
def test_ratio_ticks_are_few_and_hold_one(limits):
    ticks = ratio_ticks(*limits)
    assert 1 in ticks
    assert 2 <= len(ticks) <= 9
    assert all(limits[0] <= tick <= limits[1] for tick in ticks)


def test_labels():
    assert time_label("months") == "Time (months)"
    assert wrapped("a long label here", 8).split("\n") == ["a long", "label", "here"]
    assert wrapped("", 8) == ""
    assert wrapped("chemotherapy[T.Other]", 15).split("\n") == ["chemotherapy", "[T.Other]"]
    assert wrapped("of pseudo-patients", 10).split("\n") == ["of pseudo-", "patients"]
