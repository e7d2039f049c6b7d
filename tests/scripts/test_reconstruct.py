"""The verb reconstruct: what it writes, and how it ends."""

import json
import shutil

import pandas as pd
import pytest

from data.study.cohort import validate_cohort
from data.study.study import load_study


def test_a_study_without_published_numbers_is_refused(rtsurv, tmp_path):
    ended = rtsurv("reconstruct", "gbsg2", "--out", tmp_path)
    assert ended.code == 2
    assert "published numbers must lie in" in ended.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cohorts", ["0", "1.5", "many"])
def test_a_wrong_number_of_cohorts_is_refused(rtsurv, tmp_path, cohorts):
    ended = rtsurv("reconstruct", "li2024", "--cohorts", cohorts, "--out", tmp_path)
    assert ended.code == 2
    assert "--cohorts" in ended.err.lower() or "must be" in ended.err


def test_a_reconstruction_is_written_and_taken_from_there_again(rtsurv, tmp_path):
    first = rtsurv("reconstruct", "li2024", "--cohorts", 1, "--seed", 3, "--out", tmp_path)
    assert first.code == 0, first.err
    assert "1 cohort of 488 pseudo-patients" in first.out
    names = ["cohorts.parquet", "modalities.parquet", "reconstruction.csv", "reconstruction.json"]
    names += [
        f"figures/reconstruction-{name}.{kind}"
        for name in ("targets", "survival", "spread")
        for kind in ("svg", "png")
    ]
    assert all((tmp_path / name).is_file() for name in names)
    study = load_study("li2024")
    patients = pd.read_parquet(tmp_path / "cohorts.parquet")
    assert validate_cohort(patients, study, "cohorts.parquet").events == 344
    told = json.loads((tmp_path / "reconstruction.json").read_text(encoding="utf-8"))
    assert (told["seed"], told["cohorts"], told["missed"], told["conflicts"]) == (3, 1, 0, [])
    assert "cox.csv" in told["inputs"]
    written = (tmp_path / "cohorts.parquet").stat().st_mtime_ns
    assert (
        rtsurv("reconstruct", "li2024", "--cohorts", 1, "--seed", 3, "--out", tmp_path, "--quiet").out == ""
    )
    assert (tmp_path / "cohorts.parquet").stat().st_mtime_ns == written


@pytest.mark.long
def test_numbers_that_cannot_be_held_together_end_with_three(rtsurv, tmp_path):
    """The bundled study with one hazard ratio of the other sign: done, but a check failed."""
    folder = load_study("li2024").folder
    shutil.copytree(folder, tmp_path / "li2024")
    cox = tmp_path / "li2024" / "evidence" / "cox.csv"
    text = cox.read_text(encoding="utf-8")
    assert text.count("univariable,after,RT,yes,no,0.485,0.361,0.650") == 1
    cox.write_text(
        text.replace("RT,yes,no,0.485,0.361,0.650", "RT,yes,no,1.300,0.970,1.742"), encoding="utf-8"
    )
    names = tmp_path / "li2024" / "evidence" / "evidence.toml"
    lines = [
        '"cox.csv" = ""' if line.startswith('"cox.csv"') else line
        for line in names.read_text(encoding="utf-8").splitlines()
    ]
    names.write_text("\n".join(lines), encoding="utf-8")
    ended = rtsurv("reconstruct", tmp_path / "li2024", "--cohorts", 1, "--out", tmp_path / "out")
    assert ended.code == 3
    assert "Not all can be held together" in ended.out
    assert "univariable hazard ratio, RT: yes (1 of 1 cohorts): printed 1.3" in ended.out
    assert (tmp_path / "out" / "cohorts.parquet").is_file()
