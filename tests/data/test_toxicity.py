"""Counts from printed percentages: every pair of whole numbers that fits, and no other."""

from dataclasses import replace
from itertools import product

import pytest

from data.published.printed import printed
from data.published.toxicity import counts_of, exposure_of, series_of, toxicity_evidence


def pairs(series):
    return [
        (*((arm.cases, arm.size) for arm in reading.arms), reading.left_out) for reading in series.readings
    ]


@pytest.mark.parametrize(("text", "most"), [("39.1", 45), ("4.5", 45), ("28.6", 12), ("50", 12), ("0", 5)])
def test_counts_are_those_that_would_be_printed_so(text, most):
    decimals = len(text.partition(".")[2])
    expected = [
        (cases, size)
        for size, cases in product(range(1, most + 1), range(most + 1))
        if cases <= size and abs(100 * cases / size - float(text)) <= 0.5 * 10**-decimals + 1e-9
    ]
    assert counts_of(printed(text), most) == expected
    assert expected


def test_the_counts_of_stumpf_are_the_only_ones(evidence):
    series = series_of(next(one for one in evidence.review if one.id == "E075"))
    assert pairs(series) == [((9, 23), (1, 22), 0)]
    assert series.certain
    assert [arm.exposure for arm in series.readings[0].arms] == ["any", "none"]


def test_the_counts_of_geraud_leave_somebody_out_and_say_so(evidence):
    series = series_of(next(one for one in evidence.review if one.id == "E074"))
    assert pairs(series) == [((2, 4), (2, 7), 1), ((1, 2), (2, 7), 3)]
    assert not series.certain
    assert [arm.exposure for arm in series.readings[0].arms] == ["concurrent", "sequential"]


def test_a_reading_of_everybody_leaves_no_room_for_readings_of_fewer(evidence):
    item = replace(
        next(one for one in evidence.review if one.id == "E074"), value="50", comparator_value="25", size="12"
    )
    # 4/8 and 1/4, 2/4 and 2/8 are all twelve; 1/2 and 1/4 would fit as well, but leave six out.
    assert pairs(series_of(item)) == [((2, 4), (2, 8), 0), ((4, 8), (1, 4), 0)]


def test_percentages_that_no_patients_give_are_refused(evidence):
    item = replace(next(one for one in evidence.review if one.id == "E074"), value="50.1")
    with pytest.raises(
        ValueError, match=r"E074: percentages must be of whole patients, but 50\.1 and 28\.6 of 12"
    ):
        series_of(item)


def test_the_range_without_the_drug_is_of_three_publications(evidence):
    found = toxicity_evidence(evidence)
    assert found is not None
    historical = found.historical
    assert (historical.id, historical.lower, historical.upper, historical.series) == ("E072", 0.06, 0.11, 3)
    assert [series.id for series in found.series] == ["E074", "E075"]
    assert found.skipped == ("E073", "E076")


def test_a_review_without_such_series_has_no_toxicity(evidence):
    without = tuple(item for item in evidence.review if item.id not in ("E074", "E075"))
    assert toxicity_evidence(replace(evidence, review=without)) is None
    assert toxicity_evidence(replace(evidence, review=())) is None
    without = tuple(item for item in evidence.review if item.id != "E072")
    assert toxicity_evidence(replace(evidence, review=without)) is None


def test_exposures_are_read_from_words():
    assert exposure_of("SRS + concurrent T-DM1") == "concurrent"
    assert exposure_of("SRS without T-DM1") == "none"
