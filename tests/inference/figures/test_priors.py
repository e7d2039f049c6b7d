"""Prior against posterior, and prior survival beside printed points."""

import numpy as np
from numpy.testing import assert_allclose

from inference.report.figures.prior_points import PrintedPoint, prior_points_figure
from inference.report.figures.prior_survival import prior_survival_figure
from inference.report.figures.priors import prior_posterior_figure
from inference.report.figures.style import ARM_COLOURS

TIMES, RATES = np.linspace(0, 100, 51), np.linspace(0.001, 0.1, 1001)
SURVIVAL = np.exp(-np.outer(RATES, TIMES))
LABELS = {"treated": "Radiotherapy", "control": "No radiotherapy"}
POINTS = [
    PrintedPoint(12.0, 0.95, "treated"),
    PrintedPoint(12.0, 0.84, "control"),
    PrintedPoint(60.0, 0.22, "control", "after"),
]


def at_end(band):
    """Ends of a band at the last time."""
    corners = band.get_paths()[0].vertices
    heights = corners[np.isclose(corners[:, 0], TIMES[-1]), 1]
    return heights.min(), heights.max()


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
    figure = prior_survival_figure(TIMES, SURVIVAL, 80.0, "months")
    axes = figure.axes[0]
    assert_allclose(axes.lines[0].get_ydata(), np.exp(-np.median(RATES) * TIMES))
    for band, share in zip(axes.collections, (0.95, 0.5), strict=True):
        assert_allclose(at_end(band), np.quantile(SURVIVAL[:, -1], [0.5 - share / 2, 0.5 + share / 2]))
    assert list(axes.lines[1].get_xdata()) == [80.0, 80.0]
    assert axes.get_xlabel() == "Time (months)"
    assert {"95 %", "50 %", "median", "last follow-up"} <= set(texts(figure))
    assert_inside(figure)


def test_every_set_has_a_panel_with_its_own_bands_and_all_points(assert_inside, texts):
    curves = {f"set {place}": np.exp(-np.outer(place * RATES, TIMES)) for place in (1, 2, 3, 4)}
    figure = prior_points_figure(TIMES, curves, POINTS, LABELS, "months")
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels] == list(curves)
    for axes, survival in zip(panels, curves.values(), strict=True):
        assert_allclose(axes.lines[0].get_ydata(), np.median(survival, axis=0))
        marks = [
            (line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines[1:] if len(line.get_xdata())
        ]
        assert marks == [(point.time, point.survival) for point in POINTS]
        band = axes.collections[0]
        assert_allclose(band.get_paths()[0].vertices[:, 1].max(), 1.0)
        assert_allclose(at_end(band), np.quantile(survival[:, -1], [0.025, 0.975]), rtol=1e-6)
    shown = texts(figure)
    assert "Radiotherapy, before matching" in shown
    assert "No radiotherapy, after matching" in shown
    assert not any("Radiotherapy, after" in text and "No" not in text for text in shown)
    assert_inside(figure)


def test_points_after_matching_are_hollow_and_the_key_of_one_panel_is_whole(assert_inside):
    figure = prior_points_figure(TIMES, {"default": SURVIVAL}, POINTS, LABELS, "months")
    faces = [line.get_markerfacecolor() for line in figure.axes[0].lines[1:4]]
    assert faces == [ARM_COLOURS["treated"], ARM_COLOURS["control"], "white"]
    more = [*POINTS, PrintedPoint(36.0, 0.5, "treated", "after")]
    assert_inside(prior_points_figure(TIMES, {"default": SURVIVAL}, more, LABELS, "months"))
