"""Numbers as journals print them: read where the meaning is plain, else how to write them."""

import pytest

from data.published.evidence_cells import RowCells
from data.published.printed import in_unit, p_value, printed
from data.published.printed_text import count_of


@pytest.mark.parametrize(
    ("text", "value", "half_digit"),
    [
        (".092", 0.092, 0.0005),
        ("0·470", 0.47, 0.0005),
        ("0,470", 0.47, 0.0005),
        ("12,5", 12.5, 0.05),
        ("−44.5", -44.5, 0.05),
        ("–3", -3, 0.5),
        ("52.2%", 52.2, 0.05),
        ("52.2 %", 52.2, 0.05),
        ("1,204.5", 1204.5, 0.05),
        ("1 204", 1204, 0.5),
        ("1\u2009204", 1204, 0.5),
        ("1,204,567", 1204567, 0.5),
        ("0.00", 0, 0.005),
        ("5.", 5, 0.5),
        ("1.2 × 10⁻⁵", 1.2e-5, 0.5e-6),
        ("1.2×10-5", 1.2e-5, 0.5e-6),
        ("3e-4", 3e-4, 0.5e-4),
        ("0.03*", 0.03, 0.005),
        ("0.03†", 0.03, 0.005),
        ("P = .03", 0.03, 0.005),
    ],
)
def test_one_meaning_is_read(text, value, half_digit):
    found = printed(text)
    assert (found.value, found.operator) == (value, "=")
    assert found.half_digit == pytest.approx(half_digit, rel=1e-9)


@pytest.mark.parametrize("text", ["<.001", "<0.001", "P<0.001", "p < .001", "≤0.001", "<0·001", "< 0,001"])
def test_an_upper_bound_is_a_bound(text):
    found = p_value(text)
    assert (found.operator, found.value) == ("<", 0.001)
    assert p_value(text.lstrip("Pp <≤"), "<").operator == "<"


@pytest.mark.parametrize(
    ("text", "low"), [(">.99", 0.99), (">0.99", 0.99), ("NS", 0.05), ("n.s.", 0.05), ("P>.05", 0.05)]
)
def test_a_lower_bound_is_the_range_up_to_1(text, low):
    found = p_value(text)
    assert found.operator == "="
    assert found.possible == pytest.approx((low, 1))
    assert found.holds(low + 0.001)
    assert not found.holds(low - 0.001)


@pytest.mark.parametrize(
    ("text", "interval", "halves"),
    [
        ("51.7 (48.8-63.8)", (48.8, 63.8), (0.05, 0.05)),
        ("51.7 (48.8–63.8)", (48.8, 63.8), (0.05, 0.05)),
        ("51.7 (48.8 to 63.8)", (48.8, 63.8), (0.05, 0.05)),
        ("51.7 [95% CI: 48.8, 63.8]", (48.8, 63.8), (0.05, 0.05)),
        ("51.7 (95 % CI 48.8 — 63.8)", (48.8, 63.8), (0.05, 0.05)),
        ("0·62 (0·4–0·90)", (0.4, 0.9), (0.05, 0.005)),
        ("1,85 (1,4–2,5)", (1.4, 2.5), (0.05, 0.05)),
        ("1,85 (1,4; 2,5)", (1.4, 2.5), (0.05, 0.05)),
        ("−3.1 (−5.0 to −1.2)", (-5.0, -1.2), (0.05, 0.05)),
        ("−3.1 (−5.0–−1.2)", (-5.0, -1.2), (0.05, 0.05)),
        ("43.3% (36.1%–51.9%)", (36.1, 51.9), (0.05, 0.05)),
    ],
)  # fmt: skip
def test_an_interval_in_the_same_cell(text, interval, halves):
    found = printed(text)
    assert found.interval == interval
    assert found.half_digits_of_interval == pytest.approx(halves)


@pytest.mark.parametrize("upper", ["NR", "NE", "not reached", "Inf", "∞", "NC"])
def test_an_end_that_is_not_reached_is_not_printed(upper):
    for found in (printed(f"51.7 (48.8–{upper})"), printed("51.7", "48.8", upper)):
        assert (found.lower, found.upper, found.interval) == (48.8, None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,204", "read in one way, but found '1,204'; write 1.204 or 1204"),
        ("12.3 ± 4.5", "write 12.3, and other numbers in their own columns"),
        ("NR", "leave the cell empty where a number is not printed"),
        ("51.7 (48.8", "write 51.7"),
        ("12/40", "write 12"),
        ("about 12", "must be a number"),
        ("1 2", "must be a number"),
        ("0.0.3", "must be a number"),
        ("1,4,2", "must be a number"),
    ],
)
def test_what_may_mean_two_things_is_refused_with_how_to_write_it(text, message):
    with pytest.raises(ValueError, match="must be a number") as raised:
        printed(text)
    assert message in str(raised.value)


@pytest.mark.parametrize(("text", "count", "percent"), [("108", 108, ""), ("108 (52.2)", 108, "52.2"), ("108 (52.2%)", 108, "52.2"), ("108 [52·2 %]", 108, "52.2"), ("1,204", 1204, ""), ("1.204", None, ""), ("<11", None, ""), ("12.5", None, ""), ("-3", None, ""), ("108/207 (52.2)", 108, "52.2")])  # fmt: skip
def test_counts(text, count, percent):
    if count is None:
        with pytest.raises(ValueError, match="must be a whole number"):
            count_of(text)
        return
    assert count_of(text) == (count, percent)


def test_two_intervals_or_an_impossible_probability_are_refused():
    with pytest.raises(ValueError, match="its interval once"):
        printed("51.7 (48.8-63.8)", "48.8", "63.8")
    with pytest.raises(ValueError, match="from low to high"):
        printed("51.7 (63.8-48.8)")
    for text in ("5.04", "-0.1", "42"):
        with pytest.raises(ValueError, match="must be a probability"):
            p_value(text)


def test_a_time_in_years_is_known_to_half_a_digit_of_years():
    found = in_unit(printed("4.3", "4.1", "5.34"), "years", "months")
    assert (found.value, found.interval) == (51.6, (49.2, 64.08))
    assert found.half_digit == pytest.approx(0.6)
    assert found.half_digits_of_interval == pytest.approx((0.6, 0.06))
    assert found.possible == pytest.approx((51, 52.2))


@pytest.mark.parametrize("text", ["", "NR", "NA", "n/a", "–", "not reported"])
def test_a_number_that_is_not_printed_is_none(text):
    cells = RowCells({"hr": text, "p": text})
    assert cells.optional("hr") is None
    assert cells.optional_p("p") is None
    cells.finish()
