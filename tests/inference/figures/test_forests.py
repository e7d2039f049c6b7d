"""Forests: every row once and where its numbers are, probabilities beside it, and no text over another."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation
from numpy.testing import assert_allclose

from inference.report.figures.adjustments import adjustments_figure
from inference.report.figures.effects import effects_figure
from inference.report.figures.exposures import COLOURS, exposures_figure
from inference.report.figures.loo import loo_figure
from inference.report.figures.prior_sets import prior_sets_figure
from inference.report.figures.rmst import rmst_figure
from inference.report.figures.style import COMPARATOR, MARGINAL, POSTERIOR


def labels_of(figure):
    return [tick.get_text() for tick in figure.axes[0].get_yticklabels()]


def points_of(axes, marks="osD"):
    """Estimates: one point each."""
    return [line for line in axes.lines if line.get_marker() in marks and len(line.get_xdata()) == 1]


def estimates_of(axes, colour=None):
    points = [line for line in points_of(axes) if colour in (None, line.get_color())]
    return [float(line.get_xdata()[0]) for line in points]


def bars_of(axes):
    """Ends of the intervals."""
    level = [line for line in axes.lines if len(set(line.get_ydata())) == 1]
    return np.array([line.get_xdata() for line in level if len(line.get_xdata()) == 2])


@pytest.fixture
def assert_readable(assert_inside, assert_apart):
    """No label of a row, number beside it, tick or axis label is cut off or lies over another."""

    def check(figure):
        assert_inside(figure)
        axes = figure.axes[0]
        numbers = [one for one in axes.texts if isinstance(one, Annotation)]
        texts = [*axes.get_yticklabels(), *axes.get_xticklabels(), *numbers, axes.xaxis.label]
        assert_apart(figure, texts, margin=1.0)

    return check


def test_every_model_and_cox_are_drawn(estimands, gbsg2, texts, assert_inside):
    figure = effects_figure(estimands, gbsg2.comparators)
    axes = figure.axes[0]
    assert_allclose(estimates_of(axes, POSTERIOR), [0.71, 0.72, 0.73, 0.74])
    assert_allclose(estimates_of(axes, MARGINAL), [0.71, 0.72, 0.73, 0.74])
    cox = gbsg2.comparators.query("statistic == 'hazard_ratio'")["estimate"]
    assert_allclose(estimates_of(axes, COMPARATOR), cox)
    assert axes.get_xscale() == "log"
    assert [1.0, 1.0] in [list(line.get_xdata()) for line in axes.lines]
    assert axes.get_xlim()[0] < 0.5
    assert axes.get_xlim()[1] > 1
    printed = texts(figure)
    assert printed.count("0.995") == 8
    assert "0.71 (0.51 to 0.96)" in printed
    labels = labels_of(figure)
    assert labels[:3] == [
        "Piecewise exponential baseline",
        "Joint propensity: conditional",
        "Joint propensity: marginal, all patients",
    ]
    assert labels[-2:] == ["Univariable", "Multivariable (Efron)"]
    assert not any("0.12" in text for text in printed), "a subgroup is not the whole cohort"
    assert_inside(figure)


def test_whatever_differs_between_models_is_named(estimands, gbsg2):
    timed = pd.concat([estimands, estimands.assign(exposure="time_split", prior_set="vague")])
    labels = labels_of(effects_figure(timed, gbsg2.comparators))
    assert "Joint propensity, time split, vague: conditional" in labels


def test_absurd_intervals_are_cut_with_an_arrow_and_missing_ones_said(estimands, gbsg2, texts, assert_inside):
    estimands.loc[0, ["lower", "upper"]] = [1e-9, 1e12]
    table = gbsg2.comparators.copy()
    rows = table["statistic"] == "hazard_ratio"
    table.loc[rows, ["estimate", "lower", "upper"]] = np.nan
    table.loc[rows, "method"] += "; not estimable: only one arm"
    figure = effects_figure(estimands, table)
    axes = figure.axes[0]
    assert {line.get_marker() for line in axes.lines} >= {"<", ">"}
    assert axes.get_xlim()[0] > 1e-3
    assert axes.get_xlim()[1] < 1e3
    assert texts(figure).count("not estimable") == 2
    assert_inside(figure)


def test_weighted_ratios_name_their_population(estimands, gbsg2):
    weighted = estimands.iloc[[0]].assign(adjustment="overlap", population="overlap")
    labels = labels_of(effects_figure(weighted, gbsg2.comparators))
    assert "Overlap weights: weighted, overlap population" in labels


def test_tables_read_from_a_file_have_no_empty_strings(estimands, gbsg2):
    read = estimands.assign(subgroup=estimands["subgroup"].replace("", np.nan))
    assert len(labels_of(effects_figure(read, gbsg2.comparators))) == 13


def test_numbers_unit_horizon_and_line_at_zero(estimands, texts, assert_inside):
    figure = rmst_figure(estimands)
    axes = figure.axes[0]
    assert_allclose(estimates_of(axes), np.repeat([110.0, 120.0, 130.0, 140.0], 3))
    assert [0.0, 0.0] in [list(line.get_xdata()) for line in axes.lines]
    label = "Difference in restricted mean survival to 1826 days, treated minus control (days)"
    assert axes.get_xlabel() == label
    populations = ("all patients", "the treated", "overlap population")
    assert labels_of(figure)[1:4] == [f"Joint propensity: {name}" for name in populations]
    assert "110 (10 to 250)" in texts(figure)
    assert_inside(figure)


def test_three_panels_agree_with_the_table(estimands, texts, assert_inside):
    model = estimands.query("baseline == 'weibull' and adjustment == 'joint' and subgroup == ''")
    other = model.assign(prior_set="sceptical", median=model["median"] + 0.05, probability_of_benefit=0.97)
    sets = pd.concat([model.assign(prior_set="default"), other])
    figure = prior_sets_figure(sets, {"default": (0.37, 2.7), "sceptical": (0.65, 1.53)})
    left, middle, right = figure.axes
    assert_allclose(estimates_of(left), [0.73, 0.78])
    drawn = [list(line.get_xdata()) for line in left.lines]
    assert [0.65, 1.53] in drawn, "the sceptical prior is shown whole"
    assert [1.0, 1.0] in drawn
    assert left.get_xscale() == "log"
    assert_allclose(estimates_of(middle), [130.0, 130.05])
    assert middle.get_xlabel() == "Difference (days)"
    assert middle.get_title(loc="left") == "Restricted mean to 1826 days"
    assert_allclose(right.lines[0].get_xdata(), [0.995, 0.97])
    assert {"0.995", "0.970", "0.73 (0.53 to 0.98)"} <= set(texts(figure))
    assert labels_of(figure) == ["default", "sceptical"]
    assert_inside(figure)


def test_no_prior_intervals_and_no_means_are_not_needed(estimands, long_label, assert_inside):
    assert_inside(prior_sets_figure(estimands.iloc[[0]].assign(prior_set=long_label)))


def test_loo_differences_and_standard_errors(texts, assert_inside):
    rows = [("piecewise_exponential", -2600.0, 0.0, 0.0), ("weibull", -2612.0, -12.0, 5.0)]
    figure = loo_figure(pd.DataFrame(rows, columns=["baseline", "elpd", "difference", "se"]))
    axes = figure.axes[0]
    assert [-17.0, -7.0] in [list(line.get_xdata()) for line in axes.lines]
    assert {"best", "−12.0 (SE 5.0)", "Weibull"} <= set(texts(figure))
    assert np.isclose(axes.lines[0].get_xdata()[0], 0.0)
    assert_inside(figure)


ADJUSTMENTS = {"all": ("joint", "cut", "none", "iptw"), "overlap": ("joint", "cut", "none", "overlap")} | {
    "treated": ("joint", "cut", "none"),
    "matched": ("matched",),
}
BASELINES = ("piecewise_exponential", "weibull")


RATIO, LIMITS = "marginal_hazard_ratio", (("lower", -1.96), ("upper", 1.96))


def compared_of(baselines=BASELINES, spread=0.15):
    rng = np.random.default_rng(4)
    rows = [
        (population, baseline, adjustment, np.exp(rng.normal(-0.3, 0.1)))
        for population, adjustments in ADJUSTMENTS.items()
        for adjustment in adjustments
        for baseline in baselines
    ]
    table = pd.DataFrame(rows, columns=["population", "baseline", "adjustment", f"{RATIO}_median"])
    ends = {f"{RATIO}_{end}": table[f"{RATIO}_median"] * np.exp(z * spread) for end, z in LIMITS}
    return table.assign(**ends, **{f"{RATIO}_probability_of_benefit": 0.97})


def test_every_model_is_drawn_under_its_population(texts, assert_readable):
    compared = compared_of()
    figure = adjustments_figure(compared)
    labels = labels_of(figure)
    assert len(labels) == len(compared) + 4
    headings = [label for label in labels if "," not in label]
    assert headings == ["All patients", "Overlap population", "The treated", "Matched patients"]
    assert labels[1:3] == ["Joint propensity, piecewise exponential", "Joint propensity, Weibull"]
    assert "Inverse-probability weights, Weibull" in labels
    printed = texts(figure)
    numbers = compared.loc[0, [f"{RATIO}_{name}" for name in ("median", "lower", "upper")]]
    assert "{:.2f} ({:.2f} to {:.2f})".format(*numbers) in printed
    assert printed.count("0.970") == len(compared)
    assert_readable(figure)


def test_points_and_intervals_lie_where_the_numbers_are():
    compared = compared_of()
    axes = adjustments_figure(compared).axes[0]
    assert_allclose(estimates_of(axes), compared[f"{RATIO}_median"])
    assert_allclose(bars_of(axes), compared[[f"{RATIO}_lower", f"{RATIO}_upper"]])
    assert axes.get_xscale() == "log"
    assert axes.get_yticks()[1] == points_of(axes)[0].get_ydata()[0]


def test_baselines_differ_in_colour_and_mark():
    compared = compared_of()
    points = points_of(adjustments_figure(compared).axes[0])
    looks = {baseline: set() for baseline in BASELINES}
    for baseline, line in zip(compared["baseline"], points, strict=True):
        looks[baseline].add((line.get_color(), line.get_marker(), line.get_markerfacecolor()))
    assert [len(each) for each in looks.values()] == [1, 1]
    (one,), (other,) = looks.values()
    assert all(first != second for first, second in zip(one, other, strict=True))


def test_with_one_baseline_rows_are_named_by_the_adjustment_alone(assert_readable):
    figure = adjustments_figure(compared_of(("weibull",)))
    named = ["Joint propensity", "Cut propensity", "Outcome regression", "Inverse-probability weights"]
    assert labels_of(figure)[1:5] == named
    assert_readable(figure)


ORDER = (
    ("naive", "Ever against never treated (naive)"),
    ("time_split", "Split at the start of treatment"),
    ("landmark_30", "Landmark at 30 days, those still followed only"),
)


def exposure_rows(spread=0.2):
    """In another order than the figure's."""
    rows = [
        (exposure, adjustment, middle * shift)
        for exposure, middle in (("landmark_30", 1.15), ("time_split", 0.98), ("naive", 0.55))
        for adjustment, shift in (("joint", 1.0), ("cut", 1.03))
    ]
    table = pd.DataFrame(rows, columns=["exposure", "adjustment", "median"])
    ends = {end: table["median"] * np.exp(z * spread) for end, z in LIMITS}
    return table.assign(**ends, probability_of_benefit=0.87)


def test_every_row_is_drawn_under_its_exposure_in_the_order_asked_for(texts, assert_readable):
    rows = exposure_rows()
    figure = exposures_figure(rows, ORDER)
    axes = figure.axes[0]
    pair = ["Joint propensity", "Cut propensity"]
    assert labels_of(figure) == [ORDER[0][1], *pair, ORDER[1][1], *pair, ORDER[2][1], *pair]
    ordered = pd.concat([rows[rows["exposure"] == exposure] for exposure, _ in ORDER])
    assert_allclose(estimates_of(axes), ordered["median"])
    assert [line.get_ydata()[0] for line in points_of(axes)] == [1, 2, 4, 5, 7, 8]
    assert_allclose(bars_of(axes), ordered[["lower", "upper"]])
    assert "0.55 (0.37 to 0.81)" in texts(figure)
    assert texts(figure).count("0.870") == 6
    assert_readable(figure)


def test_adjustments_differ_in_colour_and_the_reference_is_no_effect():
    axes = exposures_figure(exposure_rows(), ORDER).axes[0]
    assert [line.get_color() for line in points_of(axes)] == [COLOURS["joint"], COLOURS["cut"]] * 3
    assert COLOURS["joint"] != COLOURS["cut"]
    assert axes.get_xscale() == "log"
    assert_allclose(axes.lines[0].get_xdata(), 1.0)


def test_an_exposure_without_rows_leaves_its_heading_only(assert_inside):
    figure = exposures_figure(exposure_rows(), (*ORDER, ("landmark_60", ORDER[2][1].replace("30", "60"))))
    assert len(points_of(figure.axes[0])) == 6
    assert_inside(figure)


@pytest.mark.parametrize("spread", [0.02, 0.9, 1.2])
def test_narrow_and_wide_intervals_fit(spread, assert_readable):
    assert_readable(adjustments_figure(compared_of(spread=spread)))
    assert_readable(exposures_figure(exposure_rows(spread), ORDER))
