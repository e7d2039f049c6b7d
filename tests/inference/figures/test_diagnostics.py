"""ArviZ's plots of a fit: every one, with and without designs."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from numpy.testing import assert_allclose

from inference.diagnostics.rank_test import rank_test
from inference.report.figures.diagnostics import DIAGNOSTICS, REVIEWED
from inference.report.figures.diagnostics.chosen import main_variables, one_design, panels, pooled
from inference.report.figures.rendering import svg_text
from inference.report.figures.style import COLUMN, one_column

LONG = "targeted_therapy[T.Trastuzumab + pertuzumab]"
PAGE = 348  # pixels of a figure on a screen of 390
READABLE = 6  # pixels


@pytest.mark.parametrize(
    ("name", "designs"),
    [
        *((name, 0) for name in REVIEWED),
        *(
            pytest.param(name, 3, marks=pytest.mark.long if name in ("rank", "ess") else ())
            for name in DIAGNOSTICS
        ),
    ],
)
def test_every_plot_draws_all_it_prints_inside(name, designs, make_fit, assert_inside):
    fit = make_fit(designs)
    before, open_figures = fit.copy(deep=True), plt.get_fignums()
    figure = REVIEWED[name](fit, None)
    assert_inside(figure)
    assert plt.get_fignums() == open_figures, "pyplot keeps no figure"
    assert fit.identical(before)
    title = figure.get_suptitle()
    expected = {"forest": "designs pooled", "prior_posterior": "designs pooled"}.get(name, "design 1 of 3")
    assert (expected in title) == bool(designs), title
    assert len(svg_text(figure, name)) < 150_000


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in ("trace", "forest", "pairs") else pytest.mark.long)
        for name in REVIEWED
    ],
)
def test_on_a_narrow_screen_no_plot_loses_or_covers_a_text(
    name, make_fit, texts, assert_inside, assert_apart
):
    """Every label of the wide plot stands in the narrow one, large enough to be read, and none lies on another."""
    fit = make_fit()
    groups = {one: group.to_dataset() for one, group in fit.children.items()}
    for one in ("prior", "posterior"):
        if "term" in groups[one].coords:
            groups[one] = groups[one].assign_coords(term=["age", LONG])
    fit = xr.DataTree.from_dict(groups)
    wide = REVIEWED[name](fit, None)
    with one_column():
        figure = REVIEWED[name](fit, None)
    assert figure.get_size_inches()[0] == COLUMN

    def labels(one):
        return {"".join(text.split()) for text in texts(one) if any(sign.isalpha() for sign in text)}

    assert labels(wide) <= labels(figure)
    assert_inside(figure)
    printed = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    assert min(text.get_fontsize() for text in printed) * PAGE / (72 * COLUMN) >= READABLE
    assert_apart(figure, [text for text in printed if any(sign.isalpha() for sign in text.get_text())])


def test_default_variables_are_the_effect_first_and_no_hazard_by_interval(make_fit):
    posterior = make_fit()["posterior"].to_dataset()
    names = main_variables(posterior)
    assert names == ["treatment_effect", "log_hazard_level", "outcome_coefficients", "propensity_intercept"]
    assert panels(posterior, names) == 5
    assert main_variables(posterior.drop_vars("log_hazard_level"))[-1] == "log_hazard"
    # a score from elsewhere is in the fit, and no draw changes it
    fixed = posterior.assign(propensity_intercept=xr.zeros_like(posterior["treatment_effect"]))
    assert main_variables(fixed) == names[:-1]


def test_named_variables_are_the_ones_shown(make_fit, texts):
    figure = DIAGNOSTICS["trace"](make_fit(), ["treatment_effect", "outcome_coefficients"])
    printed = texts(figure)
    assert {"treatment effect", "outcome: age", "outcome: grade[T.II]"} <= set(printed)
    assert not any("hazard" in text for text in printed)
    assert len(figure.axes) == 6


@pytest.mark.parametrize("name", ["trace", "rank", "ess"])
def test_of_many_parameters_those_are_shown_that_mix_worst(name, make_fit, texts):
    fit = make_fit()
    rng = np.random.default_rng(8)
    mixed = rng.normal(size=(4, 300, 30))
    mixed[..., 21] += 2.0 * np.arange(4)[:, None]
    mixed[..., 7] += np.arange(4)[:, None]
    posterior = fit["posterior"].to_dataset()[["treatment_effect"]]
    terms = [f"term {number}" for number in range(30)]
    posterior = posterior.isel(draw=slice(0, 300))
    posterior["outcome_coefficients"] = (
        ("chain", "draw", "outcome_term"),
        mixed[:, : posterior.sizes["draw"]],
    )
    fit["posterior"] = xr.DataTree(posterior.assign_coords(outcome_term=terms))
    figure = DIAGNOSTICS[name](fit, None)
    printed = " ".join(texts(figure)).replace("\n", " ").replace(":", "")
    assert "16 of 31 parameters" in printed
    assert sum(f"outcome {term} " in f"{printed} " for term in terms) == 15
    for shown in ("treatment effect", "outcome term 21", "outcome term 7"):
        assert shown in printed


def test_a_trace_holds_the_draws_of_the_design_it_names(make_fit):
    fit = make_fit(designs=3)
    figure = DIAGNOSTICS["trace"](fit, ["treatment_effect"])
    lines = figure.axes[1].lines
    expected = fit["posterior"]["treatment_effect"].isel(design=0).to_numpy()
    for chain in range(4):
        assert_allclose(lines[chain].get_ydata(), expected[chain])


def test_divergences_are_marked(make_fit):
    plain, marked = (DIAGNOSTICS["trace"](make_fit(divergences=n), ["treatment_effect"]) for n in (0, 5))
    artists = [len(figure.axes[1].collections) + len(figure.axes[1].lines) for figure in (plain, marked)]
    assert artists[1] > artists[0]


def test_labels_of_three_lines_have_rows_of_their_own(make_fit):
    kept = make_fit()["posterior"].to_dataset()[["treatment_effect", "outcome_coefficients"]]
    many = kept.isel(term=np.arange(24) % kept.sizes["term"])
    terms = [
        f"very_long_name_of_a_clinical_factor_number_{one:02d}[T.present in both lobes]" for one in range(24)
    ]
    posterior = many.assign_coords(term=terms)
    figure = REVIEWED["forest"](xr.DataTree.from_dict({"posterior": posterior}), None)
    FigureCanvasAgg(figure).draw()
    found = [one for one in figure.axes[0].findobj(Text) if one.get_text()]
    boxes = sorted((one.get_window_extent() for one in found), key=lambda box: box.y0)
    assert max(one.get_text().count("\n") for one in found) == 2
    assert all(lower.y1 <= upper.y0 for lower, upper in pairwise(boxes))


def test_forest_shows_95_percent_intervals_by_chain(make_fit):
    fit = make_fit()
    figure = DIAGNOSTICS["forest"](fit, ["treatment_effect"])
    draws = fit["posterior"]["treatment_effect"].to_numpy()
    drawn = [np.asarray(line.get_xdata(), dtype=float) for line in figure.axes[-1].lines]
    for chain in range(4):
        expected = np.quantile(draws[chain], [0.025, 0.975])
        assert any(len(line) == 2 and np.allclose(line, expected, atol=1e-6) for line in drawn)


def test_pooling_lays_designs_end_to_end(make_fit):
    fit = make_fit(designs=3)
    pool, note = pooled(fit, ("posterior",), ["treatment_effect"])
    flat = pool["posterior"]["treatment_effect"]
    assert dict(flat.sizes) == {"chain": 4, "draw": 300}
    assert note == "3 designs pooled"
    original = fit["posterior"]["treatment_effect"].to_numpy()
    assert_allclose(np.sort(flat.to_numpy(), axis=1), np.sort(original.reshape(4, -1), axis=1))
    single, note = one_design(fit, ("posterior", "absent"))
    assert list(single.children) == ["posterior"]
    assert note == "design 1 of 3"


def test_energy_names_the_limit_and_chains(make_fit):
    figure = DIAGNOSTICS["energy"](make_fit(), None)
    by_chain = figure.axes[0]
    assert by_chain.get_title(loc="left") == "E-BFMI" or by_chain.get_title() == "E-BFMI"
    assert list(by_chain.get_yticks()) == [0, 1, 2, 3]


def test_khat_has_one_point_a_patient(make_fit):
    axes = DIAGNOSTICS["loo"](make_fit(), None).axes[0]
    assert sum(len(points.get_offsets()) for points in axes.collections) == 40
    assert axes.get_ylabel() == "Pareto k"


@pytest.mark.parametrize("chains", [2, 4])
def test_a_rank_panel_prints_the_p_of_its_parameter(chains, make_fit, texts):
    """Chains that part have a small p, the others none below what chance gives: also two chains, of which ArviZ prints 1.00."""
    fit = make_fit()
    posterior = (
        fit["posterior"].to_dataset()[["treatment_effect", "log_hazard_level"]].isel(chain=slice(chains))
    )
    posterior["log_hazard_level"] = posterior["log_hazard_level"] + 3.0 * posterior[
        "log_hazard_level"
    ].std() * (posterior["chain"] == 0)
    fit["posterior"] = xr.DataTree(posterior)
    panels = [
        " ".join(text.get_text() for text in axes.texts)
        for axes in DIAGNOSTICS["rank"](fit, None).axes
        if axes.texts
    ]
    p = rank_test(posterior["treatment_effect"].to_numpy())
    assert panels == [f"p = {p:.2f}", "p < 0.01"]
