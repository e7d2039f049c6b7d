"""A study that publishes no patients, from printed numbers to the page."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from data.study.pseudo_cohorts import of_pseudo_patients
from data.study.study import STUDIES

BRIEF = ("--cohorts", "2", "--chains", "2", "--draws", "40", "--tune", "60", "--designs", "2", "--quiet")
COVARIATES = [
    *("age", "pathology", "hr_expression", "ki67", "t_stage", "n_stage"),
    *("chemotherapy", "hormone_therapy", "targeted_therapy"),
    *("bone", "brain", "liver", "lung", "other_site"),
]
TABLES = [
    "estimands",
    "comparators",
    "checks",
    "sensitivity",
    "pooling",
    "reconstruction",
    "audit",
    "replicate",
]
OTHERS = ["cohorts.parquet", "modalities.parquet", "audit.json", "manifest.json", "report.html"]


@pytest.fixture(scope="module")
def published(rtsurv, fits_here, one_plot, tmp_path_factory) -> tuple[int, Path]:
    """A first look with few draws: exit code and folder."""
    folder = tmp_path_factory.mktemp("li2024")
    ended = rtsurv("analyse", "li2024", "--quick", "--out", folder, *BRIEF)
    assert ended.err == ""
    return ended.code, folder


@pytest.mark.slow
class TestAnalyse:
    def test_everything_is_written(self, published):
        code, folder = published
        assert code in (0, 3)
        for name in (*(f"{table}.csv" for table in TABLES), *OTHERS):
            assert (folder / name).is_file(), name

    def test_cohorts_have_the_columns_of_the_contract(self, published):
        patients = pd.read_parquet(published[1] / "cohorts.parquet")
        first = ["cohort", "patient", "treatment", "matched", "time", "event"]
        assert set(patients.columns) == {*first, *COVARIATES}
        assert list(patients.columns[:6]) == first
        assert patients.groupby("cohort").size().tolist() == [488, 488]
        assert patients.groupby("cohort")["event"].sum().tolist() == [344, 344]

    def test_printed_values_stand_beside_the_recomputed(self, published):
        table = pd.read_csv(published[1] / "comparators.csv")
        cox = table[table["method"].str.contains("multivariable as published", regex=False)]
        assert cox["published"].tolist() == [0.47]
        assert abs(cox["estimate"].item() - 0.47) < 0.02
        printed = table[(table["statistic"] == "median") & (table["arm"] == "treated")]
        assert sorted(printed["published"]) == [51.7, 57.2]
        shares = table[table["statistic"] == "survival"].dropna(subset=["published"])
        assert len(shares) == 12
        assert ((shares["estimate"] - shares["published"]).abs() < 0.002).all()

    def test_every_estimand_says_how_its_variance_divides(self, published):
        estimands = pd.read_csv(published[1] / "estimands.csv")
        pooling = pd.read_csv(published[1] / "pooling.csv")
        of_estimands = pooling[pooling["population"] != "parameter"]
        assert len(of_estimands) == len(estimands)
        share = of_estimands["fraction_of_missing_information"].dropna()
        assert share.between(0, 1).all()
        assert share.max() > 0
        assert (of_estimands["cohorts"] == 2).all()

    def test_printed_numbers_are_among_the_predictive_checks(self, published):
        checks = pd.read_csv(published[1] / "checks.csv")
        names = checks.loc[checks["name"].str.contains("joint, default: published", regex=False), "name"]
        of_survival = ("survival at 60 months", "median of Radiotherapy")
        for said in (*of_survival, "multivariable hazard ratio, RT", "log-rank P"):
            assert names.str.contains(said, regex=False).any(), said

    def test_the_page_calls_nobody_a_patient_who_was_never_there(self, published):
        page = (published[1] / "report.html").read_text(encoding="utf-8")
        assert "This study publishes no patients" in page
        assert "488 pseudo-patients" in page
        assert "488 patients" not in page
        for heading in ("What the paper&#39;s numbers say", "Beside the published analysis", "does not say"):
            assert heading in page, heading

    def test_no_figure_does_either(self, published):
        drawings = list(published[1].rglob("*.svg"))
        assert {"survival.svg", "overlap.svg", "loo.svg", "toxicity.svg"} <= {file.name for file in drawings}
        for file in drawings:
            said = " ".join(re.findall(r"<text\b[^>]*>([^<]*)", file.read_text(encoding="utf-8")))
            said = said.replace("seudo- patient", "seudo-patient")  # a line may end at the hyphen
            assert of_pseudo_patients(said) == said, file.name

    def test_the_manifest_names_every_table_of_evidence(self, published):
        manifest = json.loads((published[1] / "manifest.json").read_text(encoding="utf-8"))
        assert manifest["holds_patient_level_data"] is False
        assert manifest["analysis"]["cohorts"] == 2
        assert {"baseline.csv", "cox.csv", "survival.csv", "evidence.toml"} <= set(manifest["inputs"])
        assert all(len(keys) == 2 for keys in manifest["fits"].values())

    def test_the_page_is_made_again_without_sampling(self, rtsurv, published, no_sampling, monkeypatch):
        def refuse(*_, **__):
            raise AssertionError("nothing may be drawn here")

        monkeypatch.setattr("inference.published.cohort_cache.reconstruct", refuse)
        monkeypatch.setattr("inference.published.toxicity.sample_toxicity.function", refuse)
        code, folder = published
        before = pd.read_csv(folder / "estimands.csv")
        assert rtsurv("report", "li2024", "--out", folder, "--quiet").code == code
        pd.testing.assert_frame_equal(pd.read_csv(folder / "estimands.csv"), before)
        assert rtsurv("analyse", "li2024", "--quick", "--out", folder, *BRIEF).code == code

    @pytest.mark.long
    def test_a_single_cohort_has_nothing_to_pool(self, rtsurv, fits_here, tmp_path):
        one = ("--cohorts", "1", *BRIEF[2:])
        ended = rtsurv("analyse", "li2024", "--quick", "--out", tmp_path, *one)
        assert ended.code in (0, 3), ended.err
        assert not (tmp_path / "pooling.csv").exists()
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert "1 cohort of 488" in page
        assert "488 patients" not in page

    @pytest.mark.long
    def test_fit_pools_over_cohorts(self, rtsurv, tmp_path):
        ended = rtsurv("fit", "li2024", "--adjustment", "none", "--out", tmp_path / "one", *BRIEF)
        assert ended.code in (0, 3), ended.err
        with xr.open_datatree(tmp_path / "one" / "fit.nc", engine="h5netcdf") as tree:
            effect = tree["posterior"]["treatment_effect"]
            assert dict(effect.sizes) == {"cohort": 2, "chain": 2, "draw": 40}
        assert len(pd.read_csv(tmp_path / "one" / "pooling.csv"))


@pytest.mark.parametrize("verb", ["analyse", "fit", "audit", "reconstruct", "replicate", "sensitivity"])
@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        ("survival.csv", "57.2", "75.2", "a number was changed"),
        ("baseline.csv", None, None, "must be a readable file"),
        ("evidence.toml", "[arms]", "[arm]", "arms"),
    ],
)
def test_broken_evidence_ends_in_one_message(rtsurv, rewrite, tmp_path, verb, table, old, new, said):
    study = tmp_path / "li2024"
    shutil.copytree(STUDIES / "li2024", study)
    file = study / "evidence" / table
    if old is None:
        file.unlink()
    else:
        rewrite(file, old, new)
    ended = rtsurv(verb, study, "--out", tmp_path / "out", "--quiet")
    assert ended.code == 2
    assert said in ended.err
    assert table in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_prior_set_that_is_not_there_is_refused_before_anything_is_reconstructed(
    rtsurv, tmp_path, monkeypatch
):
    monkeypatch.setattr("inference.published.cohort_cache.reconstruct", None)
    ended = rtsurv("analyse", "li2024", "--priors", "nothing", "--out", tmp_path / "out", "--quiet")
    assert ended.code == 2
    assert "nothing" in ended.err
