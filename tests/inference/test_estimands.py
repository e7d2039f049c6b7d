"""What every estimand must keep to, and what patients cannot tell: a row with its reason."""

import io
import typing
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from rich.console import Console

from data.errors import NotEstimableError
from data.simulation.simulate import Truth, simulate_frame
from data.study.cohort import validate_cohort
from data.study.study import parse_study
from inference.diagnostics.summaries import probability_of_benefit
from inference.estimands import ESTIMANDS
from inference.estimands.curves import POPULATIONS, standardise, time_grid
from inference.estimands.estimand import Unit
from inference.fits.analysis import summaries_of
from inference.fits.fits import FitSummary
from inference.fits.requests import FitRequest
from inference.fits.stored import StoredModel
from inference.report.results import Results
from inference.sampling.engine import SamplerSettings
from models.baselines import PiecewiseExponential
from models.prior_files import read_prior_set
from models.specification import known_parameters
from scripts.summary import print_effects

DRAWS = 7
BASELINE = PiecewiseExponential((12.0, 36.0))
GRID = time_grid(BASELINE.cutpoints, 60.0, (12.0, 36.0, 60.0), 72.0)


@pytest.fixture(scope="module")
def curves_of(made, small_cohort):
    """Curves under a given log hazard ratio, all else equal."""

    def build(effect):
        design = made(
            small_cohort, BASELINE, draws=DRAWS, treatment_effect=effect, log_hazard=np.full((1, 1, 3), -3.2)
        )
        return standardise(design, small_cohort, GRID, np.random.default_rng(1))

    return build


@pytest.fixture(params=ESTIMANDS.values(), ids=list(ESTIMANDS))
def estimand(request):
    return request.param


def test_it_is_listed_under_its_name_and_labelled(estimand):
    assert ESTIMANDS[estimand.name] is estimand
    assert estimand.label
    assert estimand.unit in typing.get_args(Unit)


def test_draws_have_populations_times_and_draws(estimand, curves_of):
    values = estimand.draws(curves_of(-0.3))
    assert values.shape == (
        1 if estimand.conditional else len(POPULATIONS),
        len(estimand.times(GRID)),
        2 * DRAWS,
    )
    assert np.all(np.isfinite(values))


def test_times_are_those_of_the_grid(estimand):
    assert all(time is None or time in (*GRID.times, GRID.horizon) for time in estimand.times(GRID))


def test_a_contrast_has_a_null_and_a_side_of_benefit(estimand):
    one_arm = estimand.name.endswith(("_treated", "_control"))
    assert (estimand.null is None) == one_arm
    assert (estimand.benefit == 0) == one_arm
    assert estimand.benefit in (-1, 0, 1)


def test_no_effect_is_the_null(estimand, curves_of):
    if estimand.null is not None:
        assert_allclose(estimand.draws(curves_of(0.0)), estimand.null, atol=1e-9)


@pytest.mark.parametrize(("effect", "probability"), [(-0.5, 1.0), (0.5, 0.0), (0.0, 0.0)])
def test_a_better_treatment_is_a_benefit(estimand, curves_of, effect, probability):
    values = estimand.draws(curves_of(effect))
    if effect == 0.0:  # equal up to rounding: on neither side
        values = np.round(values, 9)
    rows = values.reshape(-1, 2, DRAWS, 1)
    share = probability_of_benefit(rows, estimand.null, estimand.benefit)
    assert np.isnan(share).all() if estimand.null is None else np.all(share == probability)


def test_both_arms_and_their_difference_agree(curves_of):
    curves = curves_of(-0.3)
    for quantity in ("survival", "rmst", "median"):
        treated, control, difference = (
            ESTIMANDS[f"{quantity}_{name}"].draws(curves) for name in ("treated", "control", "difference")
        )
        assert_allclose(difference, treated - control)
        assert np.all(difference > 0)


def test_ranges(curves_of):
    curves = curves_of(-0.3)
    assert_allclose(ESTIMANDS["log_hazard_ratio"].draws(curves), -0.3)
    assert_allclose(ESTIMANDS["hazard_ratio"].draws(curves), np.exp(-0.3))
    for arm in ("treated", "control"):
        survival = ESTIMANDS[f"survival_{arm}"].draws(curves)
        assert np.all((survival > 0) & (survival < 1))
        assert np.all(np.diff(survival, axis=1) < 0)
        rmst = ESTIMANDS[f"rmst_{arm}"].draws(curves)[:, 0]
        assert np.all((rmst > 60 * survival[:, -1]) & (rmst < 60))


def test_the_estimands_are_those_of_the_contract():
    assert list(ESTIMANDS) == [
        "log_hazard_ratio",
        "hazard_ratio",
        "marginal_hazard_ratio",
        *(
            f"{quantity}_{name}"
            for quantity in ("survival", "rmst", "median")
            for name in ("treated", "control", "difference")
        ),
        "hazard_ratio_at",
    ]


SETTINGS = SamplerSettings(chains=2, draws=20, tune=20, seed=1)


@contextmanager
def one_thread(folder):
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def study_and_frame():
    frame, text = simulate_frame(Truth(), 80, seed=9)
    return parse_study(text, "written.toml"), frame


@pytest.mark.filterwarnings("ignore:.*no event among")
def test_the_rest_of_an_analysis_is_made(tmp_path, study_and_frame):
    study, frame = study_and_frame
    treated = frame["therapy"] == "yes"
    without = validate_cohort(frame.assign(died=np.where(treated, 0, frame["died"])), study, "without")
    whole = validate_cohort(frame, study, "whole")
    priors = read_prior_set("default", known_parameters())
    asked = [("overlap", whole), ("iptw", without), ("matched", without)]
    models = [
        StoredModel(
            study, (cohort,), FitRequest("weibull", name, "constant", priors, SETTINGS, 2), tmp_path / name
        )
        for name, cohort in asked
    ]
    ready = []
    fitted, *lacking = summaries_of(models, lambda *done: ready.append(done), executors=one_thread)
    assert isinstance(fitted, FitSummary)
    # The result is shown as soon as it is there.
    ratio = fitted.estimands.set_index("estimand").loc["hazard_ratio"]
    limits = tuple(ratio[["median", "lower", "upper"]])
    assert ready == [("weibull, overlap, default: HR {:.2f} ({:.2f} to {:.2f})".format(*limits), 1, 3)]
    assert all(isinstance(one, NotEstimableError) for one in lacking)
    reasons = tuple((model.request, str(one)) for model, one in zip(models[1:], lacking, strict=True))
    results = SimpleNamespace(summaries=(fitted,), study=study, not_estimable=reasons)
    table = Results.estimands.func(results)
    rows = table[table["note"].str.startswith("not estimable: ")]
    assert list(zip(rows["adjustment"], rows["population"], strict=True)) == [
        ("iptw", "all"),
        ("matched", "matched"),
    ]
    assert rows[["mean", "median", "lower", "upper"]].isna().all(axis=None)
    assert len(table) == len(fitted.estimands) + 2
    shown = Console(file=io.StringIO(), width=120)
    print_effects(shown, study, table)
    assert shown.file.getvalue().count("not estimable") == 2
