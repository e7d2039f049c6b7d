"""A study with missing covariates, from the table to the page and back."""

import json
import shutil

import pandas as pd
import pytest

BRIEF = ("--quick", "--chains", "2", "--draws", "20", "--tune", "20", "--designs", "3", "--quiet")


@pytest.fixture(scope="module")
def study(tmp_path_factory, with_gaps):
    """The folder of a study of 120 patients, a fifth of whose ages and grades are missing."""
    folder = tmp_path_factory.mktemp("missing")
    with_gaps(folder, '[missing]\nmethod = "impute"\n')
    return folder


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.usefixtures("one_process")
def test_imputations_are_pooled_shown_and_read_again(rtsurv, study, tmp_path):
    ended = rtsurv("analyse", study, "--out", tmp_path, "--cohorts", "2", *BRIEF)
    assert (ended.code, ended.err) == (3, "")  # 40 draws
    pooling = pd.read_csv(tmp_path / "pooling.csv")
    effect = pooling[(pooling["estimand"] == "log_hazard_ratio") & (pooling["adjustment"] == "joint")].iloc[0]
    assert effect["cohorts"] == 2
    assert effect["between_variance"] > 0
    checks = pd.read_csv(tmp_path / "checks.csv")
    assert "convergence: imputation, R-hat" in set(checks["name"])
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert '<section id="missing"' in page
    assert "pseudo-patient" not in page
    before = {name: (tmp_path / name).read_bytes() for name in ("estimands.csv", "checks.csv")}
    shutil.rmtree(tmp_path / "figures")
    assert rtsurv("report", study, "--out", tmp_path, "--quiet").code == 3
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["analysis"]["cohorts"] == 2


def test_weights_are_made_within_each_imputation(rtsurv, study, tmp_path):
    brief = ("--chains", "2", "--draws", "20", "--cohorts", "3", "--quiet")
    ended = rtsurv("fit", study, "--baseline", "weibull", "--adjustment", "iptw", "--out", tmp_path, *brief)
    assert ended.code in (0, 3)
    assert ended.err == ""
    pooled = pd.read_csv(tmp_path / "pooling.csv").set_index("estimand")
    assert pooled.loc["hazard_ratio", "cohorts"] == 3
    assert pooled.loc["hazard_ratio", "fraction_of_missing_information"] > 0
    assert len(json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["fit"]) == 3
