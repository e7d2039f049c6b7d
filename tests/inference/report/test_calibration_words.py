"""The page's sentence on calibration has the numbers of the card, and says whether the card is of this source."""

from dataclasses import replace

import pytest

from inference.calibration import Card, source_digest
from inference.report.calibration_words import calibration_words


@pytest.fixture
def card():
    row = {
        "scenario": "s",
        "baseline": "weibull",
        "adjustment": "none",
        "estimand": "rmst_difference",
        "cohorts": 40,
    }
    cells = [row | {"held_50%": 20, "held_95%": held, "bias": 0.0, "sd_ratio": 1.0} for held in (36, 40)]
    ranks = {"one": {"a": [0.1, 0.4, 0.6, 0.9], "b": [0.98, 0.99, 0.97, 0.96]}}
    made = {"commit": "abcdef0123456", "digest": source_digest(), "replications": 4, "cohorts": 40}
    return Card(made, ranks, cells)


def test_the_numbers_are_those_of_the_card(card):
    """All four ranks above 0.96: P = 2 x 0.04^4, which is 0.000."""
    said = calibration_words(card)
    assert "of 2 tests" in said
    assert "p-value is 0.000" in said
    assert "in 90 to 100 % of 40 cohorts" in said
    assert "abcdef0123" in said


def test_a_card_of_another_source_is_said_to_be(card):
    other = replace(card, made_of={**card.made_of, "digest": "other"})
    assert "out of date" in calibration_words(other)
    assert "out of date" not in calibration_words(card)
    assert calibration_words(None) == ""
