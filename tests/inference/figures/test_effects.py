"""Forest of hazard ratios: every model once, Cox beneath, probabilities at the right."""

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

from inference.report.figures.effects import effects_figure
from inference.report.figures.style import COMPARATOR, MARGINAL, POSTERIOR


def points(axes, colour):
    return [float(line.get_xdata()[0]) for line in axes.lines if line.get_color() == colour and one(line)]


def one(line):
    return len(np.atleast_1d(line.get_xdata())) == 1 and line.get_marker() not in "<>"


def test_every_model_and_cox_are_drawn(estimands, gbsg2, texts, assert_inside):
    figure = effects_figure(estimands, gbsg2.comparators)
    axes = figure.axes[0]
    assert_allclose(points(axes, POSTERIOR), [0.71, 0.72, 0.73, 0.74])
    assert_allclose(points(axes, MARGINAL), [0.71, 0.72, 0.73, 0.74])
    cox = gbsg2.comparators.query("statistic == 'hazard_ratio'")["estimate"]
    assert_allclose(points(axes, COMPARATOR), cox)
    printed = texts(figure)
    assert printed.count("0.995") == 8
    assert "0.71 (0.51 to 0.96)" in printed
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert labels[:3] == [
        "Piecewise exponential baseline",
        "Joint propensity: conditional",
        "Joint propensity: marginal, all patients",
    ]
    assert labels[-2:] == ["Univariable", "Multivariable (Efron)"]
    assert not any("0.12" in text for text in printed), "a subgroup is not the whole cohort"
    assert_inside(figure)


def test_log_axis_with_a_line_at_one(estimands, gbsg2):
    axes = effects_figure(estimands, gbsg2.comparators).axes[0]
    assert axes.get_xscale() == "log"
    assert [1.0, 1.0] in [list(line.get_xdata()) for line in axes.lines]
    low, high = axes.get_xlim()
    assert low < 0.5
    assert high > 1


def test_whatever_differs_between_models_is_named(estimands, gbsg2):
    timed = pd.concat([estimands, estimands.assign(exposure="time_split", prior_set="vague")])
    labels = [tick.get_text() for tick in effects_figure(timed, gbsg2.comparators).axes[0].get_yticklabels()]
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
    labels = [
        tick.get_text() for tick in effects_figure(weighted, gbsg2.comparators).axes[0].get_yticklabels()
    ]
    assert "Overlap weights: weighted, overlap population" in labels


def test_tables_read_from_a_file_have_no_empty_strings(estimands, gbsg2):
    read = estimands.assign(subgroup=estimands["subgroup"].replace("", np.nan))
    assert len(effects_figure(read, gbsg2.comparators).axes[0].get_yticklabels()) == 13
