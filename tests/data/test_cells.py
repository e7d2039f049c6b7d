"""What cells mean, whatever type they come in."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from data.study.cells import canonical, known_numbers, numbers, texts


@pytest.mark.parametrize("one", [1, 1.0, "1", "1.0", " 1 ", np.int8(1), np.float32(1), Decimal("1.00")])
def test_one_is_one_in_every_type(one):
    assert canonical(one) == "1"


@pytest.mark.parametrize("true", [True, np.True_, "true", "True", "TRUE"])
def test_true_is_true_in_every_type(true):
    assert canonical(true) == "true"


@pytest.mark.parametrize("text", ["01", "1.5", "I", "1.0.0", "v1.0", "yes", "NO"])
def test_other_text_stays_as_written(text):
    assert canonical(text) == text


@pytest.mark.parametrize("nothing", [None, math.nan, pd.NA, pd.NaT, np.float64("nan")])
def test_nothing_is_none(nothing):
    assert canonical(nothing) is None


def test_text_that_reads_like_nothing_is_missing_unless_kept():
    column = pd.Series(["NA", "none", "", " ", "a"])
    assert texts(column).tolist() == [None, None, None, None, "a"]
    assert texts(column, kept=["NA"]).tolist() == ["NA", None, None, None, "a"]


def test_numbers_keep_the_text_that_is_none():
    read = numbers(pd.Series(["1e3", "-2", "NA", "1,5", "1_000", "inf"]))
    assert read.iloc[[0, 1, 3, 4, 5]].tolist() == [1000.0, -2.0, "1,5", "1_000", math.inf]
    assert math.isnan(read.iloc[2])
    np.testing.assert_array_equal(known_numbers(read), [1000, -2, math.nan, math.nan, math.nan, math.inf])


@pytest.mark.parametrize("kind", ["int32", "float32", "Int64", "Float64", "object", "string", "category"])
def test_numbers_of_every_type_of_column(kind):
    column = pd.Series(["1", "2"] if kind in ("string", "category") else [1, 2]).astype(kind)
    assert numbers(column).tolist() == [1.0, 2.0]


def test_a_date_is_not_a_number():
    dates = numbers(pd.Series(pd.to_datetime(["2020-01-01"])))
    assert isinstance(dates.iloc[0], str)


def test_a_missing_integer_is_missing():
    assert math.isnan(numbers(pd.Series([1, pd.NA], dtype="Int64")).iloc[1])
