"""The verbs reconstruct and replicate: what they write, what they print, and how they end."""

import json
import shutil
from hashlib import sha256

import pandas as pd
import pytest

from data.study.cohort import validate_cohort
from data.study.study import load_study
from inference.published.reanalysis.lines import SUMMARY


@pytest.mark.parametrize("verb", ["audit", "reconstruct", "replicate"])
def test_a_study_without_published_numbers_is_refused(rtsurv, tmp_path, verb):
    ended = rtsurv(verb, "gbsg2", "--out", tmp_path)
    assert ended.code == 2
    assert "gbsg2/study.toml: [cohort] source = 'package': published numbers must lie in" in ended.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("verb", "option", "value"),
    [
        *(("reconstruct", "--cohorts", value) for value in ("0", "1.5", "many")),
        *(("replicate", "--caliper", value) for value in ("0", "-0.1", "2", "wide")),
    ],
)
def test_a_wrong_number_is_refused(rtsurv, tmp_path, verb, option, value):
    ended = rtsurv(verb, "li2024", option, value, "--out", tmp_path)
    assert ended.code == 2
    assert option in ended.err.lower()
    assert not list(tmp_path.iterdir())


def test_a_reconstruction_is_written_and_taken_from_there_again(rtsurv, tmp_path):
    first = rtsurv("reconstruct", "li2024", "--cohorts", 1, "--seed", 3, "--out", tmp_path)
    assert first.code == 0, first.err
    assert "1 cohort of 488 pseudo-patients" in first.out
    names = ["cohorts.parquet", "modalities.parquet", "reconstruction.csv", "reconstruction.json"]
    for name in ("targets", "survival", "spread"):
        names += [f"figures/reconstruction-{name}.{kind}" for kind in ("svg", "png")]
    assert all((tmp_path / name).is_file() for name in names)
    study = load_study("li2024")
    patients = pd.read_parquet(tmp_path / "cohorts.parquet")
    assert validate_cohort(patients, study, "cohorts.parquet").events == 344
    told = json.loads((tmp_path / "reconstruction.json").read_text(encoding="utf-8"))
    assert (told["seed"], told["cohorts"], told["missed"], told["conflicts"]) == (3, 1, 0, [])
    assert "cox.csv" in told["inputs"]
    written = (tmp_path / "cohorts.parquet").stat().st_mtime_ns
    again = rtsurv("reconstruct", "li2024", "--cohorts", 1, "--seed", 3, "--out", tmp_path, "--quiet")
    assert again.out == ""
    assert (tmp_path / "cohorts.parquet").stat().st_mtime_ns == written


@pytest.mark.long
def test_numbers_that_cannot_be_held_together_end_with_three(rtsurv, rewrite, tmp_path):
    """The bundled study with one hazard ratio of the other sign: done, but a check failed."""
    shutil.copytree(load_study("li2024").folder, tmp_path / "li2024")
    cox, names = (tmp_path / "li2024" / "evidence" / name for name in ("cox.csv", "evidence.toml"))
    sealed = sha256(cox.read_bytes()).hexdigest()
    row = "univariable,after,RT,yes,no,{}"
    rewrite(cox, row.format("0.485,0.361,0.650"), row.format("1.300,0.970,1.742"))
    rewrite(names, f'"cox.csv" = "{sealed}"', '"cox.csv" = ""')
    ended = rtsurv("reconstruct", tmp_path / "li2024", "--cohorts", 1, "--out", tmp_path / "out")
    assert ended.code == 3
    assert "Not all can be held together" in ended.out
    assert "univariable hazard ratio, RT: yes (1 of 1 cohorts): printed 1.3" in ended.out
    assert (tmp_path / "out" / "cohorts.parquet").is_file()


@pytest.mark.slow
def test_the_papers_numbers_are_written_beside_those_of_pseudo_patients(rtsurv, tmp_path):
    ended = rtsurv("replicate", "li2024", "--cohorts", 1, "--seed", 3, "--caliper", 0.05, "--out", tmp_path)
    assert ended.code == 0, ended.err
    assert "1 cohort of pseudo-patients" in ended.out
    assert "Table 1: 124 of 124 counts hold in every cohort." in ended.out
    summary = pd.read_csv(tmp_path / "replicate.csv")
    assert list(summary.columns) == list(SUMMARY)
    median = summary[summary["line"] == "median survival, RT after matching"].iloc[0]
    assert median["printed"] == "57.2"
    assert abs(median["difference"]) < 0.6
    told = json.loads((tmp_path / "replicate.json").read_text(encoding="utf-8"))
    assert (told["seed"], told["cohorts"], told["settings"]["caliper"]) == (3, 1, 0.05)
    assert told["of"].startswith("pseudo-patients")
    names = ("arms", "metastatic-site", "rt-modality")
    figures = [*(f"replicated-{name}" for name in names), "pairs-by-caliper"]
    assert all(
        (tmp_path / "figures" / f"{name}.{kind}").is_file() for name in figures for kind in ("svg", "png")
    )
    kept = (tmp_path / "cohorts.parquet").stat().st_mtime_ns
    again = rtsurv("replicate", "li2024", "--cohorts", 1, "--seed", 3, "--out", tmp_path, "--quiet")
    assert (again.code, again.out) == (0, "")
    assert (tmp_path / "cohorts.parquet").stat().st_mtime_ns == kept
    narrower = pd.read_csv(tmp_path / "replicate.csv").set_index("line")["computed_mean"]
    assert narrower["optimal, pairs"] < summary.set_index("line").loc["optimal, pairs", "computed_mean"]
