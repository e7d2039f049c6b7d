"""Long and summary tables of lines."""

import numpy as np
import pytest

from data.published.printed import printed
from inference.published.reanalysis.lines import LONG, SUMMARY, Line, end_of, long_table, summary_table


def made():
    def line(value, cohort):
        return [
            (cohort, Line("Survival", "median", printed("34.1"), value, "months")),
            (cohort, Line("Survival", "P", printed("0.001", operator="<"), value / 1e5, "P")),
            (cohort, Line("Own", "difference", None, value / 100, "")),
        ]

    return long_table([*line(34.0, 1), *line(34.14, 2), *line(34.3, 3)])


def test_one_row_a_line_and_cohort():
    table = made()
    assert list(table.columns) == list(LONG)
    assert len(table) == 9
    assert table["printed"].tolist()[:3] == ["34.1", "<0.001", ""]
    assert table["bound"].tolist()[:3] == [False, True, False]


def test_mean_range_difference_and_agreement():
    summary = summary_table(made())
    assert list(summary.columns) == list(SUMMARY)
    assert summary["line"].tolist() == ["median", "P", "difference"]
    median, p, own = (row for _, row in summary.iterrows())
    assert median["computed_mean"] == pytest.approx((34.0 + 34.14 + 34.3) / 3)
    assert (median["computed_low"], median["computed_high"]) == (34.0, 34.3)
    assert median["difference"] == pytest.approx(median["computed_mean"] - 34.1)
    assert median["agreeing"] == pytest.approx(1 / 3)  # only 34.14 is printed as 34.1
    assert (p["difference"], p["agreeing"]) == (0.0, 1.0)  # all lie under the bound
    assert np.isnan(own["difference"])
    assert np.isnan(own["agreeing"])


def test_a_bound_that_is_passed_differs_by_what_it_is_passed():
    table = long_table([(1, Line("Cox", "P", printed("<0.001"), 0.004, "P"))])
    (row,) = summary_table(table).to_dict("records")
    assert row["difference"] == pytest.approx(0.003)
    assert row["agreeing"] == 0.0


def test_cohorts_without_a_value_are_left_out_and_none_gives_nan():
    table = long_table(
        [(k, Line("Cox", "ratio", printed("0.5"), value)) for k, value in enumerate([np.nan, 0.4, 0.6])]
    )
    assert summary_table(table)["computed_mean"].item() == pytest.approx(0.5)
    nothing = summary_table(long_table([(1, Line("Cox", "ratio", printed("0.5"), np.nan))]))
    assert nothing[["computed_mean", "computed_low", "difference", "agreeing"]].isna().all(axis=None)


def test_a_median_that_is_not_reached_stays_infinite():
    table = long_table([(1, Line("Survival", "median", printed("50"), np.inf))])
    assert np.isinf(summary_table(table)["computed_mean"].item())


def test_ends_of_printed_intervals():
    number = printed("57.2", "44.5", "69.80")
    lower = end_of(number, "lower")
    assert lower is not None
    assert (lower.text, lower.value, lower.decimals) == ("44.5", 44.5, 1)
    assert end_of(printed("57.2"), "upper") is None
    assert end_of(None, "lower") is None
