"""The rounding likelihood of P values, and Newton steps far from print: no plateau, no second way to be right."""

import numpy as np
import pytest
from scipy import stats

from data.published.printed import printed
from data.published.reconstruction.arrays import LOG_RANK, WALD
from data.published.reconstruction.cox_rows import LONGEST_STEP, shortened
from data.published.reconstruction.layout import layout_of, membership_of
from data.published.reconstruction.statistics import evaluate, penalty
from data.published.reconstruction.target import CoxFit, Group, Term
from data.published.reconstruction.targets import p_target

PAIR = (Group("after", "treated"), Group("after", "control"))


def misfit(target, deviate):
    return penalty(deviate, target.aim, target.width, target.flat, int(target.operator == "<"))


def test_all_deviates_that_are_printed_alike_are_as_likely_in_the_middle_of_their_range():
    """0.001 is printed of P from 0.0005 to 0.0015, deviates from 3.18 to 3.48."""
    target = p_target("p", "log-rank", printed("0.001"), LOG_RANK, PAIR)
    ends = stats.norm.isf(np.array([0.0015, 0.0005]) / 2)
    middle = ends.mean() + 0.7 * np.array([-1, 1]) * np.ptp(ends) / 2
    assert [misfit(target, one) for one in (*middle, ends.mean())] == [0, 0, 0]
    for outside in (ends[0] - 0.02, ends[1] + 0.02):
        assert misfit(target, outside) > 8
        assert abs(target.deviation(target.value(outside))) > 1


@pytest.mark.parametrize("text", ["0.34", "0.048", "0.0213", "0.001", "0.97"])
def test_the_likelihood_of_a_p_value_ends_within_its_tolerance(text):
    """What the chain is steered to is what it is judged by: four standard deviations from the level part."""
    target = p_target("p", "hazard ratio P", printed(text), WALD, (CoxFit("after", ()), 0))
    for side in (-1, 1):
        far = target.aim + side * (target.flat + 3 * target.width)
        assert abs(target.deviation(target.value(far))) < 1.05


def test_a_p_value_printed_as_zero_is_a_bound():
    target = p_target("p", "log-rank", printed("0.000"), LOG_RANK, PAIR)
    assert (target.operator, target.printed) == ("<", 0.0005)
    assert misfit(target, 6.0) == 0
    assert target.deviation(target.value(3.6)) == 0
    assert target.deviation(target.value(3.4)) > 1


def test_steps_beyond_the_longest_are_shortened_and_remain_monotone():
    steps = np.linspace(-30, 30, 2001)
    short = np.array([shortened(step) for step in steps])
    assert (np.diff(short) > 0).all()
    inside = np.abs(steps) <= LONGEST_STEP
    assert (short[inside] == steps[inside]).all()
    assert (np.abs(short[~inside]) < np.abs(steps[~inside])).all()
    assert shortened(-5.0) == -shortened(5.0)


@pytest.mark.parametrize("printed_ratio", [2.0, 0.5])
def test_the_deviate_of_a_ratio_is_signed_by_the_printed_ratio(li2024, evidence, made, printed_ratio):
    """Treated pseudo-patients live longer: the deviate is positive for a printed ratio below 1, else negative."""
    from data.published.reconstruction.margins import strata_of

    cohort = made.patients[made.patients["cohort"] == 1]
    levels = np.stack(
        [
            cohort[name].map({level: number for number, level in enumerate(one.levels)})
            for name, one in li2024.covariates.items()
        ],
        axis=1,
    )
    fit = CoxFit("after", (Term("treatment", ("1",), float(np.log(printed_ratio))),))
    target = p_target("p", "hazard ratio P", printed("0.010"), WALD, (fit, 0))
    names = list(li2024.covariates)
    values = np.zeros(1)
    time, event = cohort["time"].to_numpy(), cohort["event"].to_numpy(np.int64)
    member = membership_of((target,), li2024, strata_of(li2024, evidence), levels)
    evaluate(np.argsort(time), time, event, layout_of((target,), names), member, values)
    assert np.sign(values[0]) == (1 if printed_ratio < 1 else -1)
