"""Survival, hazards and follow-up: what li2024 prints, and errors planted in it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from lifelines import KaplanMeierFitter

from data.published.audit.hazards import interval_ratios
from data.published.evidence_rows import Fact
from data.published.printed import printed


def test_the_median_with_a_lopsided_interval(found):
    survival = found("survival")
    lopsided = [one for one in survival.values() if one.severity != "consistent"]
    assert [one.id for one in lopsided] == ["survival-interval-median-os-treated-before"]
    assert lopsided[0].severity == "medium"
    assert lopsided[0].printed == "51.7 (48.8–63.8)"
    assert lopsided[0].recomputed == "centre 56.30; ±7.5 around 51.7 is 44.2–59.2"


def test_survival_that_rises(found, reprinted):
    planted = found("survival", reprinted("control", "after", "survival_36m", "90.1"))
    assert planted["survival-falls-control-after"].severity == "high"
    assert planted["survival-falls-control-before"].severity == "consistent"


def test_a_median_outside_the_times_where_the_curve_passes_one_half(found, reprinted):
    planted = found("survival", reprinted("treated", "after", "median_os", "61.2"))
    assert planted["survival-median-treated-after"].severity == "high"
    assert planted["survival-median-treated-after"].recomputed.startswith("between 36 and 60 months")


def test_intervals_of_another_method_are_not_out_of_line(found, evidence):
    """Where most intervals lean, leaning says nothing but that they come from no standard error; nor does it where all lean."""

    def leaning(kept: int) -> list[str]:
        rows = list(evidence.survival)
        places = [place for place, row in enumerate(rows) if row.number.interval]
        for place in places[kept:]:
            number = rows[place].number
            rows[place] = replace(
                rows[place], number=replace(number, lower=number.value - 1, upper=number.value + 5)
            )
        planted = found("survival", replace(evidence, survival=tuple(rows)))
        return sorted(one.severity for name, one in planted.items() if "interval" in name)

    assert leaning(kept=0) == ["consistent"] * 6
    assert leaning(kept=1) == ["consistent"] + ["low"] * 5


def test_interval_hazard_ratios_by_hand(evidence):
    ratios = [one.ratio for one in interval_ratios(evidence, "before")]
    by_hand = [
        math.log(0.946) / math.log(0.839),
        math.log(0.708 / 0.946) / math.log(0.455 / 0.839),
        math.log(0.433 / 0.708) / math.log(0.250 / 0.455),
    ]
    assert ratios == pytest.approx(by_hand)


def test_the_variance_is_greenwoods_without_censoring(evidence, with_rows):
    """Against lifelines: an uncensored cohort with the printed survival at the first time."""
    size, dead = 135, 9
    times = np.array([6.0] * dead + [100.0] * (size - dead))
    fitted = KaplanMeierFitter().fit(times, np.ones(size))
    share = float(fitted.predict(12.0))
    ends = fitted.confidence_interval_survival_function_.loc[6.0].to_numpy()  # log-log, as the variance here
    error = (math.log(-math.log(ends[0])) - math.log(-math.log(ends[1]))) / (2 * 1.959964)

    def number(row):
        return {"number": replace(row.number, value=100 * share)}

    changed = with_rows(evidence, "survival", number, quantity="survival_12m")
    first = interval_ratios(changed, "after")[0]
    assert first.ratio == pytest.approx(1)
    assert first.log_variance == pytest.approx(2 * error**2, rel=1e-4)


def test_hazards_are_proportional_after_matching_and_not_before(found):
    hazards = found("hazards")
    assert hazards["hazards-proportional-before"].severity == "medium"
    assert "0.32 (0–12), 0.47 (12–36), 0.82 (36–60); P for one common ratio 0.019" in (
        hazards["hazards-proportional-before"].recomputed
    )
    assert hazards["hazards-proportional-after"].severity == "consistent"
    assert hazards["hazards-cox-after"].recomputed == "0.49 over the intervals of the printed survival"
    assert hazards["hazards-log-rank-before"].severity == "consistent"


def test_a_hazard_ratio_that_the_curves_deny(found, recoxed):
    other = printed("0.800", "0.650", "0.985")
    planted = found("hazards", recoxed("univariable", "RT", "yes", hazard_ratio=other))
    assert planted["hazards-cox-after"].severity == "high"


def test_a_log_rank_p_that_the_curves_deny(found, reprinted):
    planted = found("hazards", reprinted("contrast", "after", "logrank_p", "0.3"))
    assert planted["hazards-log-rank-after"].severity == "medium"


def test_deaths_fit_curves_and_follow_up(found):
    deaths = found("follow_up")["follow-up-deaths-before"]
    assert deaths.severity == "consistent"
    alive = (207 * 0.433 * (0.433 / 0.708) ** (4.9 / 24) + 281 * 0.25 * (0.25 / 0.455) ** (4.9 / 24)) / 488
    assert deaths.recomputed.startswith(f"{488 * (1 - alive):.0f} if all were observed")


@pytest.mark.parametrize("number", ["150", "430"])
def test_deaths_that_cannot_be(found, reprinted, number):
    planted = found("follow_up", reprinted("", "before", "deaths", number))
    assert planted["follow-up-deaths-before"].severity == "high"


def test_follow_up_of_the_matched_differs_from_that_of_all(found, reprinted):
    assert found("follow_up")["follow-up-matched-against-all"].severity == "low"
    planted = found("follow_up", reprinted("", "after", "median_followup", "66.0", "62.0", "70.0"))
    assert planted["follow-up-matched-against-all"].severity == "consistent"


def test_follow_up_more_alike_than_even_accrual_makes_it(found, evidence, reprinted):
    window = (Fact("accrual_window", "2006-03 to 2021-09", "3.2"),)
    one = found("follow_up", replace(evidence, facts=window))["follow-up-precision-before"]
    assert one.severity == "low"
    assert one.recomputed == "at least 4.2 if patients entered evenly over 186 months"
    wide = reprinted("", "before", "median_followup", "64.9", "56.0", "73.8")
    two = found("follow_up", replace(wide, facts=window))["follow-up-precision-before"]
    assert two.severity == "consistent"


def test_the_least_error_of_follow_up_is_that_of_simulated_accrual():
    rng = np.random.default_rng(3)
    medians = [np.median(rng.uniform(0, 186, 488)) for _ in range(4000)]
    assert np.std(medians) == pytest.approx(186 * math.sqrt(0.25 / 488), rel=0.05)
