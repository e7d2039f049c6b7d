"""The answer under other priors, and the comparison of baselines."""

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

from inference.report.figures.loo import loo_figure
from inference.report.figures.prior_sets import prior_sets_figure


def test_three_panels_agree_with_the_table(estimands, texts, assert_inside):
    model = estimands.query("baseline == 'weibull' and adjustment == 'joint' and subgroup == ''")
    sets = pd.concat(
        [
            model.assign(prior_set="default"),
            model.assign(prior_set="sceptical", median=model["median"] + 0.05, probability_of_benefit=0.97),
        ]
    )
    figure = prior_sets_figure(sets, {"default": (0.37, 2.7), "sceptical": (0.65, 1.53)})
    left, middle, right = figure.axes
    singles = [float(line.get_xdata()[0]) for line in left.lines if line.get_marker() == "o"]
    assert_allclose(singles, [0.73, 0.78])
    assert [0.65, 1.53] in [list(line.get_xdata()) for line in left.lines], (
        "the sceptical prior is shown whole"
    )
    assert [1.0, 1.0] in [list(line.get_xdata()) for line in left.lines]
    assert left.get_xscale() == "log"
    means = [float(line.get_xdata()[0]) for line in middle.lines if line.get_marker() == "o"]
    assert_allclose(means, [130.0, 130.05])
    assert middle.get_xlabel() == "Difference (days)"
    assert middle.get_title(loc="left") == "Restricted mean to 1826 days"
    assert_allclose(right.lines[0].get_xdata(), [0.995, 0.97])
    assert {"0.995", "0.970", "0.73 (0.53 to 0.98)"} <= set(texts(figure))
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["default", "sceptical"]
    assert_inside(figure)


def test_no_prior_intervals_and_no_means_are_not_needed(estimands, long_label, assert_inside):
    figure = prior_sets_figure(estimands.iloc[[0]].assign(prior_set=long_label))
    assert_inside(figure)


def test_loo_differences_and_standard_errors(texts, assert_inside):
    table = pd.DataFrame(
        {
            "baseline": ["piecewise_exponential", "weibull"],
            "elpd": [-2600.0, -2612.0],
            "difference": [0.0, -12.0],
            "se": [0.0, 5.0],
        }
    )
    figure = loo_figure(table)
    axes = figure.axes[0]
    assert [-17.0, -7.0] in [list(line.get_xdata()) for line in axes.lines]
    assert {"best", "−12.0 (SE 5.0)", "Weibull"} <= set(texts(figure))
    assert np.isclose(axes.lines[0].get_xdata()[0], 0.0)
    assert_inside(figure)
