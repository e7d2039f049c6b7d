import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.report.numbers import (
    difference_in_words,
    number,
    percent,
    probability,
    ratio,
    span,
    trimmed,
    written,
)

FINITE = st.floats(-1e5, 1e5)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (686.0, "686"),
        (-12.0, "−12"),
        (1.00123, "1.00"),
        (0.012345, "0.0123"),
        (-0.357, "−0.357"),
        (1645.4, "1645"),
        (math.nan, "–"),
        (None, "–"),
        (math.inf, "not reached"),
    ],
)
def test_a_number_has_few_digits_and_a_true_minus(value, text):
    assert number(value) == text


@given(FINITE)
def test_a_number_stays_within_half_of_its_last_digit(value):
    text = number(value)
    assert "-" not in text
    assert float(text.replace("−", "-")) == pytest.approx(value, rel=0.006, abs=1e-12)


def test_no_probability_is_printed_as_certain():
    assert probability(1.0) == "> 0.999"
    assert probability(0.0) == "< 0.001"
    assert probability(0.9986) == "0.999"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((0.70, 0.5432, 0.8765), "0.70 (0.54 to 0.88)"),
        ((1.0041, 0.9963, 1.0119), "1.004 (0.996 to 1.012)"),
        ((0.031, 0.004, 0.06), "0.031 (0.004 to 0.060)"),
        ((0.7, math.nan, math.nan), "0.700"),
        ((2.0, 0.5, math.inf), "2.0 (0.5 to not reached)"),
        ((math.nan, math.nan, math.nan), "–"),
    ],
)
def test_a_ratio_has_two_decimals_unless_they_hide_it(numbers, text):
    assert ratio(*numbers) == text


def test_times_beyond_the_follow_up_are_said_in_words():
    assert span(math.inf, 1700.0, math.inf) == "not reached (1700 to not reached)"
    assert span(math.inf, math.inf, math.inf) == "not reached (not reached to not reached)"
    assert span(2018.0, 1918.0, math.inf) == "2018 (1918 to not reached)"


def test_percentages_have_one_decimal():
    assert percent(0.9274, 0.9061, 0.9462) == "92.7 (90.6 to 94.6)"
    assert percent(-0.0002, -0.05, 0.04) == "0.0 (−5.0 to 4.0)"


def test_numbers_of_checks_have_no_idle_zeros():
    assert trimmed(0.05) == "0.05"
    assert trimmed(1.0234) == "1.023"
    assert trimmed(400.0) == "400"
    assert trimmed(math.nan) == "–"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((112.3, 31.2, 195.8), "112 months longer (95 % interval 31 to 196 months longer)"),
        (
            (-12.4, -80.1, 55.0),
            "12 months shorter (95 % interval from 80 months shorter to 55 months longer)",
        ),
        ((-50.0, -80.0, -20.0), "50 months shorter (95 % interval 20 to 80 months shorter)"),
    ],
)
def test_a_difference_is_said_without_signs(numbers, text):
    assert difference_in_words(*numbers, "months") == text


@given(FINITE, FINITE, FINITE)
def test_a_difference_always_has_a_side(a, b, c):
    lower, median, upper = sorted((a, b, c))
    text = difference_in_words(median, lower, upper, "days")
    assert "−" not in text
    assert ("shorter" in text) or ("longer" in text)


def test_values_of_a_manifest_are_written_as_they_are():
    assert written(True) == "yes"
    assert written(20240101) == "20240101"
    assert written(["a", 2]) == "a, 2"
    assert written(None) == "–"
