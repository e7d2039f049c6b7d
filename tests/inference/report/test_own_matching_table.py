"""The table of a matching of one's own: frequentist and posterior of the pairs, by how exposure is counted, and nowhere else."""

import numpy as np
import pandas as pd
import pytest

from inference.diagnostics.checks import CheckResult, checks_table
from inference.frequentist.own_matching import AFTER, BEFORE, OWN_PAIRS, PAIRS
from inference.report.comparator_tables import comparators_table, other_comparators_table
from inference.report.own_matching_table import own_matching_table


def own(time=np.nan, estimate=0.71, method=OWN_PAIRS):
    rows = [
        (PAIRS, 231.0, np.nan, np.nan, np.nan),
        (BEFORE, 0.31, np.nan, np.nan, np.nan),
        (AFTER, 0.06, np.nan, np.nan, np.nan),
        ("hazard_ratio", estimate, 0.55, 0.92, 0.009),
    ]
    table = pd.DataFrame(rows, columns=pd.Index(["statistic", "estimate", "lower", "upper", "p"]))
    return table.assign(arm="", time=time, method=method, published=np.nan)


def matched(estimands, exposure="naive"):
    one = estimands[(estimands["estimand"] == "hazard_ratio") & (estimands["adjustment"] == "joint")]
    one = one[one["baseline"] == "piecewise_exponential"]
    return one.assign(adjustment="matched", population="matched", median=0.66, exposure=exposure)


@pytest.mark.parametrize(("time", "exposure"), [(np.nan, "naive"), (30.0, "landmark_30")])
def test_numbers_stand_beside_the_posterior_that_counts_exposure_alike(make_report, time, exposure):
    report = make_report()
    counted = "" if exposure == "naive" else f", {exposure}"
    fit = f"piecewise_exponential, matched, default{counted}"
    left = checks_table([CheckResult("overlap", "balance after the design", "pass", 0.03, 0.1, "", fit)])
    report = make_report(
        comparators=pd.concat([report.comparators, own(time)], ignore_index=True),
        estimands=pd.concat(
            [report.estimands, matched(report.estimands, exposure), matched(report.estimands, "landmark_60")]
        ),
        checks=pd.concat([report.checks, left]),
    )
    (table,) = own_matching_table(report)
    cells = [[cell.text for cell in row.cells] for row in table.rows]
    assert len(cells) == 2
    assert cells[0][2:6] == ["231", "0.310", "0.0600", "0.71 (0.55 to 0.92)"]
    assert cells[1][4] == "0.0300"
    assert cells[1][5].startswith("0.66")
    for other in (comparators_table(report), other_comparators_table(report)):
        assert not any(OWN_PAIRS in cell.text for row in other.rows for cell in row.cells)


def test_without_pairs_there_is_no_table_and_what_was_refused_says_why(make_report):
    assert own_matching_table(make_report()) == []
    refused = own(estimate=np.nan, method=f"Cox, {OWN_PAIRS}; not estimable: too few").tail(1)
    (table,) = own_matching_table(make_report(comparators=refused))
    (row,) = table.rows
    assert row.cells[0].text.endswith("not estimable: too few")
    assert all(cell.text == "–" for cell in row.cells[2:5])
