"""Cox tables, cut-offs, repeats, claims and subgroups: what li2024 prints, and errors planted in it."""

import math

import numpy as np
import pytest
from lifelines import CoxPHFitter
from pandas import DataFrame
from scipy.stats import norm

from data.published.audit.causes import centre_fits
from data.published.audit.cox import log_error_range, p_range
from data.published.audit.cutoffs import implied_share
from data.published.cited import read_claim
from data.published.evidence_cells import RowCells
from data.published.printed import printed


def test_only_the_hazard_ratio_in_the_text_is_off(found):
    off = {name: one.severity for name, one in found("cox").items() if one.severity != "consistent"}
    assert off == {"cox-centre-univariable-text-after-rt-yes": "high", "cox-selection": "low"}
    one = found("cox")["cox-centre-univariable-text-after-rt-yes"]
    assert (one.printed, one.recomputed) == ("0.361 (0.361–0.650)", "centre of the interval 0.484–0.485")
    assert "lower end" in one.finding


@pytest.mark.parametrize(("ratio", "severity"), [("1.467", "low"), ("2.467", "medium")])
def test_a_misprinted_hazard_ratio_of_a_covariate(found, recoxed, ratio, severity):
    changed = {"hazard_ratio": printed(ratio, "1.217", "2.229")}
    planted = found("cox", recoxed("univariable", "Brain metastasis", "yes", **changed))
    assert planted["cox-centre-univariable-after-brain-metastasis-yes"].severity == severity


def test_an_interval_that_excludes_no_effect_against_a_large_p(found, recoxed):
    planted = found("cox", recoxed("univariable", "Brain metastasis", "yes", p=printed("0.100")))
    one = planted["cox-p-univariable-after-brain-metastasis-yes"]
    assert one.severity == "medium"
    assert "excludes" in one.finding


def test_a_p_that_does_not_follow(found, recoxed):
    planted = found("cox", recoxed("univariable", "Lung metastasis", "yes", p=printed("0.456")))
    assert planted["cox-p-univariable-after-lung-metastasis-yes"].severity == "low"


def test_the_overall_p_of_t_stage_is_that_of_its_levels(found, recoxed):
    overall = found("cox")["cox-overall-univariable-after-t-stage"]
    assert overall.severity == "consistent"
    assert overall.recomputed == "about 0.197; deaths by level about 15, 70, 60, 43"
    planted = found("cox", recoxed("univariable", "T stage", "overall", p=printed("0.800")))
    assert planted["cox-overall-univariable-after-t-stage"].severity == "low"


def test_a_share_implied_by_a_standard_error_against_a_fitted_cox_model():
    rng = np.random.default_rng(5)
    old = np.repeat([0, 1], [700, 300])
    table = DataFrame({"time": rng.exponential(1, 1000), "event": 1, "old": old})
    fitted = CoxPHFitter().fit(table, "time", "event")
    assert implied_share(float(fitted.standard_errors_["old"]), 1000) == pytest.approx(0.3, abs=0.03)


def test_age_is_cut_in_two_ways_and_the_standard_error_says_which(found):
    one = found("cutoffs")["cutoffs-two-ways-age-ge-60"]
    assert one.severity == "medium"
    assert "45.2 % of patients" in one.recomputed
    assert "implies 45.4 % or 54.6 %" in one.recomputed
    assert "fits the patients with ≥50" in one.finding
    assert [two.id for two in found("cutoffs").values() if two.severity != "consistent"] == [one.id]


def test_a_standard_error_of_other_patients(found, recoxed):
    error = 1 / math.sqrt(188 * 0.1 * 0.9)  # a tenth of the patients, not those of Table 1
    ends = [f"{math.exp(sign * 1.96 * error):.3f}" for sign in (-1, 1)]
    row = recoxed("univariable", "Bone metastasis", "yes", hazard_ratio=printed("1.000", *ends))
    planted = found("cutoffs", row)
    assert planted["cutoffs-standard-error-after-bone-metastasis-yes"].severity == "medium"


def test_the_same_hazard_ratio_printed_twice(found, recoxed):
    repeats = found("repeats")
    twice = repeats["repeats-univariable-after-rt-yes"]
    assert twice.severity == "high"
    assert "0.485 (0.361–0.650) and 0.361 (0.361–0.650)" in twice.finding
    assert repeats["repeats-univariable-after-brain-metastasis-yes"].severity == "consistent"
    mended = recoxed("univariable_text", "RT", "yes", hazard_ratio=printed("0.485", "0.361", "0.650"))
    assert found("repeats", mended)["repeats-univariable-after-rt-yes"].severity == "consistent"
    other = printed("1.747", "1.217", "2.229")
    planted = found("repeats", recoxed("univariable_text", "Brain metastasis", "yes", hazard_ratio=other))
    assert planted["repeats-univariable-after-brain-metastasis-yes"].severity == "medium"


def test_a_claim_without_a_row(found, recoxed):
    claims = found("claims")
    assert {name: one.severity for name, one in claims.items()} == {
        "claims-c1-brain-metastasis": "consistent",
        "claims-c2-liver-metastasis": "medium",
        "claims-c3-rt": "consistent",
    }
    assert "no multivariable row" in claims["claims-c2-liver-metastasis"].recomputed
    assert "univariable P 0.092" in claims["claims-c2-liver-metastasis"].recomputed


def test_a_claim_that_its_row_denies(found, recoxed):
    planted = found("claims", recoxed("multivariable", "RT", "yes", p=printed("0.200")))
    assert planted["claims-c3-rt"].severity == "medium"
    assert planted["claims-c3-rt"].finding.endswith("P value is 0.200.")


def test_a_claim_must_name_its_row():
    cells = RowCells(
        {"id": "C1", "claim": "x", "place": "", "model": "multivariable", "variable": " ", "level": "yes"}
    )
    read_claim(cells)
    with pytest.raises(ValueError, match="variable must not be empty"):
        cells.finish()


def test_subgroups_without_numbers_of_patients(found, evidence, with_rows):
    assert found("subgroups")["subgroups-sizes-metastatic-site"].severity == "medium"
    sized = with_rows(evidence, "subgroups", {"size": "40"})
    assert found("subgroups", sized)["subgroups-sizes-metastatic-site"].severity == "consistent"


def test_medians_of_the_parts_of_an_arm_lie_around_its_own(found, evidence, with_rows):
    subgroups = found("subgroups")
    assert subgroups["subgroups-partition-rt-modality-before"].severity == "consistent"
    assert subgroups["subgroups-partition-rt-modality-after"].severity == "low"
    higher = with_rows(evidence, "subgroups", {"median": printed("60.0")}, analysis="rt_modality")
    planted = found("subgroups", higher)
    assert planted["subgroups-partition-rt-modality-before"].severity == "low"
    assert "outside" in planted["subgroups-partition-rt-modality-before"].finding


def test_a_p_value_that_needs_more_than_the_patients_there_are(found, evidence, with_rows):
    brain = found("subgroups")["subgroups-needed-brain"]
    score, died, share = 3.3288, 141 * 344 / 488, 92 / 141  # of P = 0.00087, two-sided
    assert f"HR {math.exp(-score / math.sqrt(died * share * (1 - share))):.2f} or lower" in brain.recomputed
    smaller = with_rows(evidence, "subgroups", {"p": printed("0.0000000001")}, subgroup="lung")
    one = found("subgroups", smaller)["subgroups-needed-lung"]
    assert one.severity == "low"
    assert "all patients" not in one.finding


@pytest.mark.parametrize(
    ("ratio", "ends", "p", "centres"),
    [
        ("0.62", ("0.4", "0.9"), "0.012", "0.545–0.654"),
        ("1.85", ("1.4", "2.5"), "<0.001", "1.819–1.923"),
        ("0.6", ("0.545", "0.654"), "<0.001", "0.597–0.598"),
    ],
)
def test_decimals_may_differ_within_a_row(found, recoxed, ratio, ends, p, centres):
    row = recoxed("univariable", "Brain metastasis", "yes", hazard_ratio=printed(ratio, *ends), p=printed(p))
    findings = found("cox", row)
    centre = findings["cox-centre-univariable-after-brain-metastasis-yes"]
    assert (
        centre.severity == findings["cox-p-univariable-after-brain-metastasis-yes"].severity == "consistent"
    )
    assert centre.recomputed == f"centre of the interval {centres}"
    assert centre.printed == f"{ratio} ({ends[0]}–{ends[1]})"


def test_fine_ends_deny_a_coarse_centre(found, recoxed):
    row = recoxed("univariable", "Brain metastasis", "yes", hazard_ratio=printed("0.6", "0.301", "0.900"))
    centre = found("cox", row)["cox-centre-univariable-after-brain-metastasis-yes"]
    assert centre.severity == "low"
    assert centre.recomputed == "centre of the interval 0.520–0.521"


def test_a_coarse_end_may_be_on_either_side_of_no_effect(found, recoxed):
    """0.7 (0.5-1.0) can end below 1, so that P 0.04 does not say the opposite; 0.70 (0.50-1.10) cannot."""
    for ends, severity in ((("0.5", "1.0"), "consistent"), (("0.45", "1.10"), "medium")):
        values = {"hazard_ratio": printed("0.70", *ends), "p": printed("0.04")}
        row = recoxed("univariable", "Lung metastasis", "yes", **values)
        assert found("cox", row)["cox-p-univariable-after-lung-metastasis-yes"].severity == severity


def test_the_ranges_of_rounding_hold_what_was_rounded():
    """Random hazard ratios and standard errors, each number rounded to decimals of its own: never a misprint."""
    rng = np.random.default_rng(8)
    for _ in range(400):
        estimate, error = rng.normal(0, 0.5), rng.uniform(0.1, 0.5)
        exact = [math.exp(estimate + sign * 1.959964 * error) for sign in (0, -1, 1)]
        digits = rng.integers(1, 4, size=3)
        texts = [f"{value:.{places}f}" for value, places in zip(exact, digits, strict=True)]
        if float(texts[1]) == 0:
            continue
        ratio = printed(*texts)
        lowest, highest = p_range(ratio)
        narrow, wide = log_error_range(ratio)
        assert centre_fits(ratio), texts
        assert lowest <= 2 * norm.sf(abs(estimate) / error) <= highest
        assert narrow <= error * (1 + 1e-9)
        assert wide >= error * (1 - 1e-9)


def test_the_precision_of_a_coarse_row_is_judged_within_its_rounding(found, recoxed):
    error = math.sqrt((1 / (160 / 270) + 1 / (110 / 270)) / 188)
    ends = [f"{math.exp(sign * 1.96 * error):.1f}" for sign in (-1, 1)]
    row = recoxed("univariable", "Bone metastasis", "yes", hazard_ratio=printed("1.0", *ends))
    assert found("cutoffs", row)["cutoffs-standard-error-after-bone-metastasis-yes"].severity == "consistent"


def test_the_same_ratio_with_fewer_decimals_is_no_other_ratio(found, recoxed):
    for texts, severity in ((("0.49", "0.36", "0.65"), "consistent"), (("0.47", "0.36", "0.65"), "high")):
        row = recoxed("univariable_text", "RT", "yes", hazard_ratio=printed(*texts))
        assert found("repeats", row)["repeats-univariable-after-rt-yes"].severity == severity
