"""Prior against posterior, and prior survival."""

import numpy as np
from numpy.testing import assert_allclose

from inference.report.figures.prior_survival import prior_survival_figure
from inference.report.figures.priors import prior_posterior_figure


def draws():
    rng = np.random.default_rng(1)
    prior = {"treatment_effect": rng.normal(0, 0.5, 4000), "step": rng.lognormal(-1.4, 0.5, 4000)}
    posterior = {"treatment_effect": rng.normal(-0.3, 0.1, 4000), "step": rng.lognormal(-1.2, 0.3, 4000)}
    return prior, posterior


def test_densities_are_densities_on_one_scale(assert_inside):
    prior, posterior = draws()
    figure = prior_posterior_figure(prior, posterior, {"treatment_effect": "Effect ($ log HR_)"})
    before, after = figure.axes[0].lines[:2]
    # Normal densities at their means: 1 / (sd sqrt(2 pi)).
    for line, mean, sd in ((before, 0.0, 0.5), (after, -0.3, 0.1)):
        height = np.interp(mean, line.get_xdata(), line.get_ydata())
        assert_allclose(height, 1 / (sd * np.sqrt(2 * np.pi)), rtol=0.08)
    assert np.all(figure.axes[1].lines[0].get_xdata() > 0), "a positive parameter has no density below 0"
    assert figure.axes[0].get_xlabel() == "Effect ($ log HR_)"
    assert figure.axes[1].get_xlabel() == "step"
    assert_inside(figure)


def test_the_effect_has_a_second_axis_in_hazard_ratios(texts):
    prior, posterior = draws()
    figure = prior_posterior_figure(prior, posterior, {})
    above = figure.axes[0].child_axes[0]
    texts(figure)
    assert above.get_xlabel() == "Hazard ratio"
    assert_allclose(above.get_xlim(), np.exp(figure.axes[0].get_xlim()))
    assert "1" in [tick.get_text() for tick in above.get_xticklabels()]
    assert not figure.axes[1].child_axes


def test_a_wide_prior_leaves_the_posterior_readable(assert_inside):
    rng = np.random.default_rng(2)
    figure = prior_posterior_figure(
        {"coefficient": rng.normal(0, 50, 2000)}, {"coefficient": rng.normal(1, 0.01, 2000)}, {}
    )
    low, high = figure.axes[0].get_xlim()
    assert high - low < 1
    assert low < 1 < high
    assert_inside(figure)


def test_only_parameters_in_both_are_shown_and_a_constant_one_does_not_fail():
    figure = prior_posterior_figure({"a": np.ones(50)}, {"a": np.ones(50), "b": np.ones(50)}, {})
    assert [axes.get_xlabel() for axes in figure.axes] == ["a"]


def test_prior_survival_bands_are_quantiles(texts, assert_inside):
    times = np.linspace(0, 100, 51)
    rates = np.linspace(0.001, 0.1, 1001)
    survival = np.exp(-rates[:, None] * times)
    figure = prior_survival_figure(times, survival, 80.0, "months")
    axes = figure.axes[0]
    assert_allclose(axes.lines[0].get_ydata(), np.exp(-np.median(rates) * times))
    for band, share in zip(axes.collections, (0.95, 0.5), strict=True):
        heights = band.get_paths()[0].vertices
        at_end = heights[np.isclose(heights[:, 0], 100), 1]
        expected = np.quantile(survival[:, -1], [0.5 - share / 2, 0.5 + share / 2])
        assert_allclose([at_end.min(), at_end.max()], expected)
    assert list(axes.lines[1].get_xdata()) == [80.0, 80.0]
    assert axes.get_xlabel() == "Time (months)"
    assert {"95 %", "50 %", "median", "last follow-up"} <= set(texts(figure))
    assert_inside(figure)
