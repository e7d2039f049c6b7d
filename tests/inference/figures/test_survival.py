"""Survival by arm, weighted or not, and hazards: the numbers drawn are those given."""

import dataclasses
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from inference.fits.choices import prior_set
from inference.fits.requests import FitRequest
from inference.frequentist.survival import kaplan_meier, weighted_kaplan_meier
from inference.report.figures.hazard import hazard_figure
from inference.report.figures.rendering import lay_out
from inference.report.figures.risk_table import Followed
from inference.report.figures.style import ARM_COLOURS, CONTROL, MARGINAL, TREATED, one_column
from inference.report.figures.survival import survival_figure
from inference.report.figures.weighted_survival import WeightedPanel, weighted_survival_figure
from inference.report.observed_arms import weighted_arms
from inference.sampling.settings import SamplerSettings


def lines_of(axes, colour):
    return [line for line in axes.lines if line.get_color() == colour]


def test_posterior_and_kaplan_meier_are_those_given(curves, gbsg2):
    main = survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed).axes[0]
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
    lowest = [float(collection.get_paths()[0].vertices[:, 1].min()) for collection in main.collections[:2]]
    treated = curves.sel(population="all", arm="treated").isel(time=-1)
    assert_allclose(lowest, [treated["survival_band"].min(), treated["survival"].sel(quantile=0.025)])


def test_labels_unit_and_numbers_at_risk(curves, gbsg2, texts, assert_inside):
    figure = survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed)
    printed = texts(figure)
    assert figure.axes[0].get_xlabel() == "Time (days)"
    assert "Hormonal therapy" in printed
    cohort = gbsg2.cohort
    ticks = [tick for tick in figure.axes[0].get_xticks() if tick <= cohort.time.max()]
    for arm in (cohort.treatment, ~cohort.treatment):
        for tick in ticks:
            assert str(int(np.sum(cohort.time[arm] >= tick))) in printed
    assert_inside(figure)


def test_a_risk_table_counts_everybody_once(gbsg2):
    cohort = gbsg2.cohort
    times = [0.0, 1.0, 555.5, 1000.0, 2659.0, 5000.0]
    counted = gbsg2.followed["treated"].until(times)
    time, event = cohort.time[cohort.treatment], cohort.event[cohort.treatment]
    assert counted["At risk"] == [int(np.sum(time >= at)) for at in times]
    assert counted["Events"] == [int(np.sum(event & (time < at))) for at in times]
    assert {sum(column) for column in zip(*counted.values(), strict=True)} == {time.size}


def test_a_risk_table_knows_late_entry_and_several_cohorts():
    entry, time, event = np.array([0.0, 2.0, 0.0]), np.array([5.0, 6.0, 3.0]), np.array([True, False, False])
    assert Followed(entry, time, event).until([0.0, 2.0, 3.0, 6.0]) == {
        "At risk": [2, 2, 3, 1],
        "Censored": [0, 0, 0, 1],
        "Events": [0, 0, 0, 1],
    }
    both = Followed(np.tile(entry, 2), np.tile(time, 2), np.tile(event, 2), cohorts=2)
    assert both.until([3.0])["At risk"] == [3]


@pytest.mark.parametrize(
    "label",
    ["Hormonal therapy", "Hormonal therapy with tamoxifen for two years, costing $5 or $50_000 & more"],
)
def test_in_one_column_nothing_is_cut(curves, gbsg2, assert_inside, label):
    curves.attrs |= {"treated_label": label, "control_label": f"No {label}"}
    with one_column():
        figure = survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed)
    assert figure.get_size_inches()[0] == pytest.approx(85 / 25.4, abs=0.01)
    assert_inside(figure)


def test_long_labels_with_special_characters_are_printed_whole(
    curves, gbsg2, texts, assert_inside, long_label
):
    curves.attrs |= {"treated_label": long_label, "control_label": f"No {long_label}", "time_unit": "$_unit"}
    figure = survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed)
    assert_inside(figure)
    printed = " ".join(texts(figure)).replace("\n", " ")
    assert long_label in printed
    assert "Time ($_unit)" in printed


def test_labels_do_not_lie_on_each_other_where_curves_meet(curves, gbsg2):
    curves["survival"][:] = 0.5
    figure = survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed)
    heights = sorted(text.xy[1] for text in figure.axes[0].texts if hasattr(text, "xy"))
    assert heights[1] - heights[0] > 0.03


@pytest.mark.parametrize("power", [1.0, 6.0])
def test_the_key_lies_off_the_bands(curves, gbsg2, power):
    """Below the curves, or above where they fall too low for it."""
    low = curves.assign(survival=curves["survival"] ** power, survival_band=curves["survival_band"] ** power)
    main = survival_figure(low, {}, gbsg2.followed).axes[0]
    lay_out(main.figure)
    (key,) = (text for text in main.texts if "bands" in text.get_text())
    (left, bottom), (right, top) = main.transData.inverted().transform(key.get_window_extent())
    band = low["survival"].sel(population="all", time=slice(left, right))
    assert bottom > float(band.max()) or top < float(band.min())


def test_an_arm_without_a_curve_leaves_the_posterior(curves, gbsg2, assert_inside):
    nobody = dataclasses.replace(kaplan_meier([1.0], [True]), problem="no patients")
    figure = survival_figure(curves, gbsg2.kaplan_meier | {"treated": nobody}, gbsg2.followed)
    assert len(lines_of(figure.axes[0], TREATED)) == 1
    assert_inside(figure)


def test_a_curve_is_dashed_beyond_the_last_follow_up_of_its_arm(curves, gbsg2):
    end = float(curves["time"][40])
    main = survival_figure(curves.assign_attrs(treated_end=end), gbsg2.kaplan_meier, gbsg2.followed).axes[0]
    followed, beyond, *_ = lines_of(main, TREATED)
    assert followed.get_xdata()[-1] == beyond.get_xdata()[0] == end
    assert beyond.get_xdata()[-1] == float(curves["time"][-1])
    assert beyond.is_dashed()
    assert len(lines_of(main, CONTROL)) == 4


@pytest.mark.parametrize("population", ["all", "overlap"])
def test_hazard_is_scaled_as_the_axis_says(curves, population, assert_inside):
    figure = hazard_figure(curves, population)
    upper, lower = figure.axes
    assert upper.get_ylabel() == "Events per 10,000 days at risk"
    control = next(line for line in upper.lines if line.get_color() == CONTROL)
    assert_allclose(control.get_ydata(), 4.0)
    assert lower.get_xlabel() == "Time (days)"
    assert_inside(figure)


def test_a_dataset_without_populations_is_shown_as_it_is(curves):
    plain = curves.assign(hazard=curves["hazard"].isel(population=0, drop=True))
    assert hazard_figure(plain).axes[0].get_title(loc="left") == "Hazard"


def test_ratio_on_a_log_axis_with_a_line_at_one(curves):
    lower = hazard_figure(curves).axes[1]
    assert lower.get_yscale() == "log"
    ratio = next(line for line in lower.lines if line.get_color() == MARGINAL)
    assert_allclose(ratio.get_ydata(), 0.75)
    assert [1, 1] in [list(line.get_ydata()) for line in lower.lines]
    bottom, top = lower.get_ylim()
    assert bottom < 0.5
    assert top > 1.1
    assert "1" in [tick.get_text() for tick in lower.get_yticklabels()]


def test_a_hazard_that_is_infinite_at_zero_is_drawn(curves, assert_inside):
    curves["hazard"][..., 0] = np.inf
    figure = hazard_figure(curves)
    assert figure.axes[0].get_ylabel() == "Events per 10,000 days at risk"
    assert_inside(figure)


def test_hazards_above_one_keep_the_unit(curves):
    curves["hazard"] = curves["hazard"] * 1e4
    assert hazard_figure(curves).axes[0].get_ylabel() == "Hazard (unit: days)"


def test_whole_weights_are_patients_repeated_and_a_common_factor_changes_nothing(gbsg2):
    own = slice(0, 120)
    time, event = gbsg2.cohort.time[own], gbsg2.cohort.event[own]
    entry, weights = np.where(np.arange(120) % 5, 0.0, time / 3), np.arange(120) % 4
    times = np.linspace(0, 2200, 40)
    again = kaplan_meier(*(np.repeat(one, weights) for one in (time, event, entry)), times)
    for factor in (1.0, 0.37):
        found = weighted_kaplan_meier(time, event, entry, factor * weights, times)
        assert_allclose(found, again.survival, rtol=1e-9)


def test_numbers_at_risk_are_sums_of_weights():
    followed = Followed(
        np.zeros(3),
        np.array([5.0, 6.0, 3.0]),
        np.array([True, False, True]),
        weight=np.array([2.0, 7.0, 1.2]),
    )
    assert followed.until([0.0, 4.0, 7.0]) == {
        "At risk": [10, 9, 0],
        "Censored": [0, 0, 7],
        "Events": [0, 1, 3],
    }


@pytest.fixture(scope="module")
def arms(gbsg2):
    """Of gbsg2 under each design, by adjustment."""
    request = FitRequest(
        "weibull",
        "iptw",
        "constant",
        prior_set("default", gbsg2.study, gbsg2.cohort),
        SamplerSettings(chains=1, draws=10),
        2,
        "naive",
    )
    return {
        name: weighted_arms(gbsg2.study, [gbsg2.cohort], replace(request, adjustment=name))
        for name in ("iptw", "overlap", "matched")
    }


def test_weights_add_up_to_the_patients_and_pairs_to_those_in_pairs(gbsg2, arms):
    sizes = {"treated": int(gbsg2.cohort.treatment.sum()), "control": int((~gbsg2.cohort.treatment).sum())}
    for name in ("iptw", "overlap"):
        for arm, size in sizes.items():
            assert arms[name][arm].followed.until([0.0])["At risk"] == [size]
            assert 0.5 * size < arms[name][arm].effective < size
    pairs = [arms["matched"][arm].followed.until([0.0])["At risk"][0] for arm in sizes]
    assert pairs[0] == pairs[1] < sizes["treated"]


def test_a_panel_holds_steps_bands_and_numbers_of_its_design(curves, arms, texts, assert_inside):
    one = curves.sel(population=["overlap"])
    panels = [WeightedPanel("Inverse-probability weights", one, of_arms) for of_arms in arms.values()]
    figure = weighted_survival_figure(panels)
    for axes, of_arms in zip(figure.axes[:3], arms.values(), strict=True):
        for arm, colour in ARM_COLOURS.items():
            fitted, steps = (line for line in axes.lines if line.get_color() == colour)
            assert_allclose(fitted.get_ydata(), one["survival"].sel(arm=arm, quantile=0.5)[0])
            assert_allclose(steps.get_ydata(), of_arms[arm].survival)
    assert f"Hormonal therapy ({arms['iptw']['treated'].effective:.0f})" in texts(figure)
    assert_inside(figure)
    with one_column():
        assert_inside(weighted_survival_figure(panels))
