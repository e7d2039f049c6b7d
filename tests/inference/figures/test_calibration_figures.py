"""Leave-one-out probabilities against uniform ones, and the treated share against the fitted probability."""

import numpy as np
import pytest
import xarray as xr
from numpy.testing import assert_allclose
from scipy import stats

from inference.report.figures.loo_pit import loo_pit_figure, simultaneous_band
from inference.report.figures.treatment_calibration import treatment_calibration_figure

GRID = np.linspace(0.0, 1.0, 101)


def test_lines_are_cumulative_shares_less_uniform_ones(texts, assert_inside):
    pit = np.random.default_rng(1).random((5, 40)) ** 2
    models = {
        "piecewise_exponential": (xr.DataArray(pit, dims=("imputation", "patient")), 0.021),
        "weibull": (xr.DataArray(pit[:1], dims=("imputation", "patient")), 0.5),
    }
    figure = loo_pit_figure(models)
    first, second = figure.axes
    lines = [line for line in first.lines if len(line.get_xdata()) > 2]
    assert len(lines) == 5
    for line, row in zip(lines, pit, strict=True):
        x, y = line.get_xdata(), line.get_ydata()
        assert_allclose(y, [(row <= at).mean() - at for at in x])
        assert y[-1] == 0.0
    assert len([line for line in second.lines if len(line.get_xdata()) > 2]) == 1
    assert {"5 imputations, p = 0.021", "p = 0.5"} <= set(texts(figure))
    assert_inside(figure)


def test_one_model_has_one_panel_and_several_cohorts_a_line_each(texts):
    pit = xr.DataArray(np.random.default_rng(1).random((3, 20)), dims=("cohort", "patient"))
    figure = loo_pit_figure({"weibull": (pit, 0.4)})
    assert len(figure.axes) == 1
    assert "3 cohorts, p = 0.4" in texts(figure)


@pytest.mark.parametrize("patients", [50, 700])
def test_the_band_holds_whole_lines_of_uniform_numbers(patients):
    grid, low, high = simultaneous_band(patients)
    assert len(grid) <= 201
    assert (low[0], high[0], low[-1], high[-1]) == (0.0, 0.0, 0.0, 0.0)
    drawn = np.sort(np.random.default_rng(2).random((600, patients)), axis=1)
    shares = np.array([np.searchsorted(row, grid, side="right") for row in drawn]) / patients - grid
    inside = np.all((shares >= low - 1e-12) & (shares <= high + 1e-12), axis=1).sum()
    assert stats.binom.ppf(0.0005, 600, 0.93) <= inside <= stats.binom.ppf(0.9995, 600, 0.975)


def calibration(shift=0.0):
    end = 0.7 + shift
    inside = (GRID > 0.2) & (end > GRID)
    curves = {name: np.where(inside, GRID + off, np.nan) for name, off in (("lower", -0.1), ("upper", 0.1))}
    share = np.where(inside, np.round(GRID, 1), np.nan)
    return xr.Dataset(
        {name: ("propensity", curve) for name, curve in (curves | {"share": share}).items()},
        coords={"propensity": GRID},
    )


def test_the_share_and_its_band_are_drawn_where_the_cohort_has_patients(texts, assert_inside):
    found = calibration()
    figure = treatment_calibration_figure(found, 0.34)
    axes = figure.axes[0]
    assert_allclose(axes.lines[1].get_ydata(), found["share"])
    corners = axes.collections[0].get_paths()[0].vertices
    inside = GRID[np.isfinite(found["share"])]
    assert_allclose([corners[:, 0].min(), corners[:, 0].max()], [inside.min(), inside.max()])
    assert_allclose([corners[:, 1].min(), corners[:, 1].max()], [inside.min() - 0.1, inside.max() + 0.1])
    assert "p = 0.34" in texts(figure)
    assert_inside(figure)


def test_several_cohorts_have_a_line_each_and_the_mean_band_of_those_that_reach(texts):
    both = xr.concat([calibration(), calibration(0.2)], dim="cohort")
    figure = treatment_calibration_figure(both, 0.5)
    axes = figure.axes[0]
    assert len(axes.lines) == 3
    assert_allclose(axes.collections[0].get_paths()[0].vertices[:, 0].max(), 0.89)
