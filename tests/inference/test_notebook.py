"""What a notebook calls: a fit is a tree that ArviZ draws and a file keeps; and the review of a fit, plot by plot."""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib import pyplot
from matplotlib.figure import Figure

import data
import inference
import models
import scripts
from data import InputError, cohort_from, study_from
from data.errors import CohortWarning
from data.simulation.simulate import Truth, simulate_frame, simulated_study
from inference import SamplerSettings, checks_of, estimands_of, fit, plot
from inference.fits.requests import FitRequest
from inference.report.numbers import number
from inference.report.review import chosen_fit, review, single_numbers
from inference.report.review_page import render_review
from models import PriorSet

NOTEBOOK = Path(__file__).parents[2] / "docs" / "gbsg2_notebook.py"
MAPPING = {
    "time_unit": "months",
    "cohort": {"columns": {"time": "survival_months", "event": "died", "treatment": "therapy"}},
    "treatment": {"treated": "yes"},
    "covariates": {"age": {}, "grade": {"levels": ["I", "II", "III"]}},
    "propensity": {"formula": "age + grade"},
    "outcome": {"formula": "age + grade"},
    "baseline": {"cutpoints": [12.0, 36.0]},
}


@pytest.fixture(scope="module")
def fitted():
    """The study, patients and fit of a frame and a mapping; too short, of which the fit warns."""
    frame, _ = simulate_frame(Truth(), 120, seed=11)
    study = study_from(MAPPING)
    cohort = cohort_from(frame, study)
    with pytest.warns(CohortWarning, match="chains must agree"):
        posterior = fit(study, cohort, settings=SamplerSettings(chains=2, draws=60, tune=60, seed=3))
    return study, cohort, posterior


@pytest.mark.parametrize("package", [data, models, inference, scripts], ids=lambda one: one.__name__)
def test_every_name_that_a_package_offers_is_there(package):
    assert dir(package)
    for name in dir(package):
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = package.no_such_name


def test_patients_of_a_frame_are_those_of_a_file():
    frame, text = simulate_frame(Truth(), 120, seed=11)
    study = simulated_study(text)
    one, other = cohort_from(frame, study), cohort_from(frame.astype(str), study)
    assert one.sha256 == other.sha256
    assert one.size == 120


def test_estimands_are_summaries_of_the_draws(fitted):
    _, cohort, posterior = fitted
    table = estimands_of(posterior).set_index("estimand")
    draws = posterior["posterior"]["treatment_effect"].to_numpy().ravel()
    row = table.loc["log_hazard_ratio"]
    np.testing.assert_allclose(
        row[["lower", "median", "upper"]].astype(float), np.quantile(draws, [0.025, 0.5, 0.975])
    )
    assert row["probability_of_benefit"] == pytest.approx((draws < 0).mean())
    assert posterior["observed_data"]["event"].to_numpy().sum() == cohort.events


def test_arviz_draws_a_fit_as_it_is_also_after_a_file(fitted, tmp_path):
    _, _, posterior = fitted
    posterior.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as read:
        pd.testing.assert_frame_equal(estimands_of(read), estimands_of(posterior))
        pd.testing.assert_frame_equal(checks_of(read), checks_of(posterior))
        for drawn in (
            az.plot_trace_dist(read, var_names=["treatment_effect"], backend="matplotlib"),
            az.plot_prior_posterior(read, var_names=["treatment_effect"], backend="matplotlib"),
        ):
            assert len(drawn.viz["figure"].item().axes) >= 1
    pyplot.close("all")
    assert az.loo(posterior, var_name="time").elpd < 0


def test_the_plot_has_both_arms(fitted):
    _, cohort, posterior = fitted
    main = plot(cohort, posterior).axes[0]
    heights = [line.get_ydata()[-1] for line in main.lines if line.get_linewidth() == 1.8]
    last = posterior["curves"]["survival"].sel(quantile=0.5, population="all").isel(time=-1)
    assert len(heights) == 2
    assert min(heights) >= float(last.min()) - 1e-9


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"adjustment": "joints"}, "adjustment must be one of none, joint"),
        ({"priors": "no_such_set"}, "known name"),
        ({"adjustment": "iptw", "effect": "by_interval"}, "must be constant"),
    ],
)
def test_wrong_requests_are_refused_before_sampling(fitted, monkeypatch, changed, message):
    monkeypatch.delattr("inference.sampling.modes.compiled_for")
    study, cohort, _ = fitted
    with pytest.raises(InputError, match=message):
        fit(study, cohort, **changed)


def test_all_problems_of_a_mapping_are_named_at_once():
    with pytest.raises(InputError, match="3 problems") as raised:
        study_from({**MAPPING, "time_unit": "", "treatment": {}, "covariate": {}})
    assert all(key in str(raised.value) for key in ("time_unit", "treated", "covariate"))
    with pytest.raises(InputError, match="must hold text"):
        study_from({**MAPPING, "title": object()})


def test_missing_cells_that_are_to_be_imputed_are_refused_in_one_cohort():
    frame, _ = simulate_frame(Truth(), 120, seed=11)
    frame.loc[3, "age"] = np.nan
    with pytest.raises(InputError, match="age"):
        cohort_from(frame, study_from({**MAPPING, "missing": {"method": "impute"}}))


@pytest.mark.long
def test_the_notebook_runs(fitted):
    """Every cell but those that read gbsg2 and sample, on the patients of the other tests."""
    study, cohort, posterior = fitted
    spec = importlib.util.spec_from_file_location("notebook", NOTEBOOK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = {"study": study, "cohort": cohort, "posterior": posterior, "sceptical": posterior}
    _, defined = module.app.run(defs=given)
    pyplot.close("all")
    pd.testing.assert_frame_equal(defined["table"], estimands_of(posterior))
    assert set(defined["checks"]["status"]) <= {"pass", "warn", "fail", "info"}
    assert defined["curves"].axes


def test_the_document_names_what_the_packages_offer():
    listed = re.findall(
        r"^\| `(\w+)` \| (.*) \|$", (NOTEBOOK.parent / "api.md").read_text(encoding="utf-8"), re.M
    )
    assert {name: sorted(re.findall(r"`(\w+)`", names)) for name, names in listed} == {
        package.__name__: dir(package) for package in (data, models, inference, scripts)
    }


def request_of(name):
    return FitRequest(
        "piecewise_exponential", name, "constant", PriorSet("default"), SamplerSettings(2, 60, 60, 3), 3
    )


@pytest.fixture(scope="module")
def reviewed(fitted):
    study, cohort, posterior = fitted
    return review(study, cohort, request_of("joint"), posterior)


def test_a_review_judges_every_plot_by_the_number_of_its_check(fitted, reviewed):
    """The fit is too short: what its checks fail, the review does not call good, and what they pass it does."""
    _, _, posterior = fitted
    by_name = {one.name: one for one in reviewed}
    assert {
        "trace",
        "rank",
        "ess_evolution",
        "mcse",
        "energy",
        "pairs",
        "prior_posterior",
        "loo",
        "loo_pit",
        "predictive",
    } == set(by_name)
    checks = checks_of(posterior).set_index("name")
    for shown, names in {
        "trace": ["R-hat", "divergences"],
        "ess_evolution": ["bulk ESS", "tail ESS"],
        "energy": ["E-BFMI"],
    }.items():
        made = checks.loc[[f"convergence: {name}" for name in names]]
        assert (by_name[shown].status == "pass") == (made["status"] == "pass").all()
        assert all(number(value, 4) in by_name[shown].found for value in made["value"])
    assert by_name["ess_evolution"].status == "fail"
    _, draws = single_numbers(posterior)
    mcse = max(float(az.mcse(one)) / one.std(ddof=1) for one in draws)
    assert f"{100 * mcse:.2g} %" in by_name["mcse"].found
    assert by_name["mcse"].status == "warn"


def test_the_page_of_a_review_holds_every_drawing(fitted, reviewed):
    study, _, _ = fitted
    drawn = [replace(one, draw=lambda: Figure(figsize=(2, 1))) for one in reviewed]
    page = render_review(study, "piecewise_exponential, joint, default", drawn)
    assert page.count("<svg") == 2 * len(reviewed), "wide and narrow"
    assert page.count('<section id="') == len(reviewed) + 1
    assert (
        f"{sum(one.status == 'pass' for one in reviewed)} of {sum(one.status != 'info' for one in reviewed)} plots"
        in page
    )


def test_fits_are_found_by_words_of_their_name_and_by_their_chains():
    def summary(name, rhat):
        return SimpleNamespace(request=request_of(name), value_of={"convergence: R-hat": rhat}.get)

    summaries = [
        summary("joint", 1.001),
        summary("cut", 1.02),
        summary("none", float("nan")),
        summary("iptw", 9.0),
    ]
    assert chosen_fit(summaries, "worst").adjustment == "cut"
    assert chosen_fit(summaries, "none").adjustment == "none"
    assert chosen_fit(summaries, "piecewise_exponential, default").adjustment == "joint"
    with pytest.raises(InputError, match="joint, default; piecewise_exponential, cut"):
        chosen_fit(summaries, "iptw")
