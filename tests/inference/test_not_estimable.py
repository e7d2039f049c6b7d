"""What patients cannot tell is a row with its reason: the other fits of an analysis are made."""

import io
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from data.errors import NotEstimableError
from data.simulation.simulate import Truth, simulate_frame
from data.study.cohort import validate_cohort
from data.study.study import parse_study
from inference.fits.analysis import summaries_of
from inference.fits.fits import FitSummary
from inference.fits.requests import FitRequest
from inference.fits.stored import StoredModel
from inference.report.results import Results
from inference.sampling.engine import SamplerSettings
from models.prior_files import read_prior_set
from models.specification import known_parameters
from scripts.summary import print_effects

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
