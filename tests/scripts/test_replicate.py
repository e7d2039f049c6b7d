"""The verb replicate: what it writes, what it prints, and how it ends."""

import json

import pandas as pd
import pytest

from inference.published.reanalysis.lines import SUMMARY


def test_a_study_without_published_numbers_is_refused(rtsurv, tmp_path):
    ended = rtsurv("replicate", "gbsg2", "--out", tmp_path)
    assert ended.code == 2
    assert "published numbers must lie in" in ended.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("caliper", ["0", "-0.1", "2", "wide"])
def test_a_wrong_caliper_is_refused(rtsurv, tmp_path, caliper):
    ended = rtsurv("replicate", "li2024", "--caliper", caliper, "--out", tmp_path)
    assert ended.code == 2
    assert "--caliper" in ended.err.lower()
    assert not list(tmp_path.iterdir())


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
