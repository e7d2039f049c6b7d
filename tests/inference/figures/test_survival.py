"""Survival by arm: the numbers drawn are those given."""

import dataclasses

import numpy as np
from numpy.testing import assert_allclose

from inference.frequentist import kaplan_meier
from inference.report.figures.style import CONTROL, TREATED
from inference.report.figures.survival import at_risk, survival_figure


def lines_of(axes, colour):
    return [line for line in axes.lines if line.get_color() == colour]


def test_posterior_and_kaplan_meier_are_those_given(curves, gbsg2):
    main = survival_figure(curves, gbsg2.kaplan_meier).axes[0]
    for arm, colour in (("treated", TREATED), ("control", CONTROL)):
        posterior, steps, lower, upper = lines_of(main, colour)
        assert_allclose(
            posterior.get_ydata(), curves["survival"].sel(population="all", arm=arm, quantile=0.5)
        )
        observed = gbsg2.kaplan_meier[arm]
        assert steps.get_drawstyle() == "steps-post"
        assert_allclose(steps.get_xdata(), observed.times)
        assert_allclose(steps.get_ydata(), observed.survival)
        assert_allclose(lower.get_ydata(), observed.lower)
        assert_allclose(upper.get_ydata(), observed.upper)
    band = main.collections[0].get_paths()[0].vertices
    assert_allclose(
        [band[:, 1].min(), band[:, 1].max()],
        [float(curves["survival"].sel(population="all", arm="treated", quantile=0.025)[-1]), 1.0],
    )


def test_labels_unit_and_numbers_at_risk(curves, gbsg2, texts, assert_inside):
    figure = survival_figure(curves, gbsg2.kaplan_meier)
    printed = texts(figure)
    assert figure.axes[0].get_xlabel() == "Time (days)"
    assert "Hormonal therapy" in printed
    cohort = gbsg2.cohort
    ticks = [tick for tick in figure.axes[0].get_xticks() if tick <= cohort.time.max()]
    for arm in (cohort.treatment, ~cohort.treatment):
        for tick in ticks:
            assert str(int(np.sum(cohort.time[arm] >= tick))) in printed
    assert_inside(figure)


def test_at_risk_equals_a_count(gbsg2):
    cohort = gbsg2.cohort
    times = [0.0, 1.0, 555.5, 1000.0, 2659.0, 5000.0]
    expected = [int(np.sum(cohort.time[cohort.treatment] >= time)) for time in times]
    assert at_risk(gbsg2.kaplan_meier["treated"], times) == expected


def test_long_labels_with_special_characters_are_printed_whole(
    curves, gbsg2, texts, assert_inside, long_label
):
    curves.attrs |= {"treated_label": long_label, "control_label": f"No {long_label}", "time_unit": "$_unit"}
    figure = survival_figure(curves, gbsg2.kaplan_meier)
    assert_inside(figure)
    printed = " ".join(texts(figure)).replace("\n", " ")
    assert long_label in printed
    assert "Time ($_unit)" in printed


def test_labels_do_not_lie_on_each_other_where_curves_meet(curves, gbsg2):
    curves["survival"][:] = 0.5
    figure = survival_figure(curves, gbsg2.kaplan_meier)
    heights = sorted(text.xy[1] for text in figure.axes[0].texts if hasattr(text, "xy"))
    assert heights[1] - heights[0] > 0.03


def test_an_arm_without_a_curve_leaves_the_posterior(curves, gbsg2, assert_inside):
    nobody = dataclasses.replace(kaplan_meier([1.0], [True]), problem="no patients")
    figure = survival_figure(curves, gbsg2.kaplan_meier | {"treated": nobody})
    assert len(lines_of(figure.axes[0], TREATED)) == 1
    assert_inside(figure)


def test_a_curve_is_dashed_beyond_the_last_follow_up_of_its_arm(curves, gbsg2):
    end = float(curves["time"][40])
    main = survival_figure(curves.assign_attrs(treated_end=end), gbsg2.kaplan_meier).axes[0]
    followed, beyond, *_ = lines_of(main, TREATED)
    assert followed.get_xdata()[-1] == beyond.get_xdata()[0] == end
    assert beyond.get_xdata()[-1] == float(curves["time"][-1])
    assert beyond.is_dashed()
    assert len(lines_of(main, CONTROL)) == 4
