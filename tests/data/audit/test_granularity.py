"""Means of whole numbers: the impossible are found, the possible never doubted."""

from dataclasses import replace
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest

from data.errors import InputError
from data.published.audit import CHECKS
from data.published.audit.granularity import nearest_mean
from data.published.evidence import load_evidence
from data.published.evidence_rows import Mean
from data.published.printed import printed
from data.study.study import load_study


def test_what_rounds_from_whole_numbers_is_possible_whichever_way_a_half_is_rounded():
    rng = np.random.default_rng(3)
    for values, total in zip(rng.integers(5, 400, 2000), rng.integers(0, 20_000, 2000), strict=True):
        for rounding in (ROUND_HALF_EVEN, ROUND_HALF_UP):
            text = str((Decimal(int(total)) / Decimal(int(values))).quantize(Decimal("0.01"), rounding))
            assert printed(text).holds(nearest_mean(printed(text), int(values)))


def test_half_of_the_made_up_means_are_found():
    """Of 28 whole numbers 28 of 100 means of two decimals are possible."""
    possible = sum(
        number.holds(nearest_mean(number, 28)) for number in (printed(f"5.{end:02d}") for end in range(100))
    )
    assert possible == 28


def test_means_and_percentages_of_a_table(tiny: Path, rewrite):
    rewrite(tiny / "evidence" / "evidence.toml", "[sha256]", '[sha256]\n"means.csv" = ""')
    table = tiny / "evidence" / "means.csv"
    header = "variable,arm,phase,n,mean,items,source\n"
    table.write_text(
        f"{header}Age,Drug,before,40,61.18,1,T1\nAge,None,before,50,61.17,1,T1\nScore,Drug,before,40,3.04,5,T1\n"
        "Weight,Drug,before,40,70.13,,T1\nPulse,Drug,before,40,70.1,1,T1\n",
        encoding="utf-8",
    )
    study = load_study(tiny)
    evidence = load_evidence(study)
    found = {one.id: one.severity for one in CHECKS["granularity"](study, evidence) if "deaths" not in one.id}
    assert (
        found
        == {  # a score of 5 items and a pulse of one decimal have any mean, a weight is no whole number
            "granularity-age-treated-before": "consistent",
            "granularity-age-control-before": "medium",
        }
    )
    assert evidence.means[3] == Mean("Weight", "treated", "before", 40, printed("70.13", place="T1"), 0, "T1")
    table.write_text(f"{header}Age,Drug,before,forty,61.18,1,T1\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"means\.csv, row 2: n must be a whole number, but found 'forty'"):
        load_evidence(study)


def test_a_percentage_of_deaths_without_their_number(study, evidence, with_rows):
    without = tuple(row for row in evidence.survival if row.quantity != "deaths")
    changed = replace(evidence, survival=without)
    found = {one.id: one.severity for one in CHECKS["granularity"](study, changed)}
    assert found == {f"granularity-deaths-all-{phase}": "consistent" for phase in ("before", "after")}
    other = {"number": printed("70.6", unit="percent")}
    (row,) = (row for row in without if row.number.text == "69.6")
    wrong = with_rows(changed, "survival", other, number=row.number)
    found = {one.id: one.severity for one in CHECKS["granularity"](study, wrong)}
    assert found["granularity-deaths-all-after"] == "medium"  # of 270: 190 are 70.4 %, 191 are 70.7 %
