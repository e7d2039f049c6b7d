"""The page docs/own_publication.md, followed from an empty folder to pseudo-patients, and to a posterior in the full run."""

import re
from pathlib import Path

import pandas as pd
import pytest

from data.published.evidence import load_evidence
from data.study.study import load_study

PAGE = Path(__file__).parents[2] / "docs" / "own_publication.md"
BLOCK = re.compile(r"```(?P<kind>console|csv|toml)(?: (?P<file>\S+))?\n(?P<text>.*?)```", re.S)


def follow(rtsurv, monkeypatch, folder: Path) -> list[str]:
    """Type the page's tables and run its commands but the last, which is returned."""
    monkeypatch.chdir(folder)
    commands = []
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block["kind"] == "console":
            commands += block["text"].splitlines()
            for command in block["text"].splitlines():
                if not command.startswith("rtsurv analyse"):
                    ended = rtsurv(*command.split()[1:])
                    assert (ended.code, ended.err) == (0, ""), command
            continue
        file = Path("trial") / block["file"]
        before = file.read_text(encoding="utf-8")
        assert block["text"].splitlines()[0] in before.replace(
            "# ", ""
        )  # the template has this header or section
        file.write_text(
            before + block["text"] if block["kind"] == "toml" else block["text"], encoding="utf-8"
        )
    return commands


def test_the_page_leads_to_evidence_without_a_problem(rtsurv, monkeypatch, tmp_path):
    commands = follow(rtsurv, monkeypatch, tmp_path)
    assert commands[-1] == "rtsurv analyse trial --quick"
    evidence = load_evidence(load_study("trial"))
    assert (evidence.size("treated", "before"), evidence.size("control", "before")) == (150, 148)
    assert [len(curve.time) for curve in evidence.curves] == [7, 7]
    assert evidence.cox[0].hazard_ratio.interval == (0.48, 0.85)
    audited = pd.read_csv("outputs/trial/audit.csv")
    assert (audited["severity"] == "consistent").all()


@pytest.mark.long
def test_the_page_leads_to_a_posterior(rtsurv, monkeypatch, tmp_path):
    *_, last = follow(rtsurv, monkeypatch, tmp_path)
    assert rtsurv(
        *last.split()[1:], "--chains", "2", "--draws", "100", "--tune", "100", "--cohorts", "3"
    ).code in (0, 3)
    patients = pd.read_parquet("outputs/trial/cohorts.parquet")
    treated = patients[(patients["treatment"] == 1) & (patients["cohort"] == 1)]
    assert [(treated["time"] >= at).sum() for at in (0, 12, 24, 36)] == [150, 112, 74, 40]
    table = pd.read_csv("outputs/trial/estimands.csv")
    ratio = table[
        (table["estimand"] == "hazard_ratio") & (table["baseline"] == "piecewise_exponential")
    ].iloc[0]
    assert ratio["lower"] < 0.64 < ratio["upper"]


def test_the_example_is_complete_and_a_new_study_says_what_it_lacks(rtsurv, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert rtsurv("new-publication", "trial").code == 0
    example = rtsurv("check-evidence", "trial/example")
    assert (example.code, example.err) == (0, "")
    assert "curves.csv: 30 rows" in example.out
    empty = rtsurv("check-evidence", "trial")
    assert empty.code == 2
    assert "no table of them has a row" in empty.err
    again = rtsurv("new-publication", "trial")
    assert (again.code, "must not be there yet" in again.err) == (2, True)
    assert rtsurv("new-publication", "li2024").code == 2
    assert rtsurv("new-publication", "Trial 1").code == 2


def test_curves_fill_the_first_tables(rtsurv, monkeypatch, tmp_path):
    files = Path(__file__).parents[1] / "data" / "digitised" / "files"
    monkeypatch.chdir(tmp_path)
    made = rtsurv("new-publication", "trial", "--curves", files / "wpd_datasets.csv")
    assert (made.code, made.err) == (0, "")
    points = pd.read_csv("trial/evidence/curves.csv", comment="#")
    assert points.groupby("arm").size().to_dict() == {"Control": 7, "Treated": 8}
    refused = rtsurv("new-publication", "other", "--curves", files / "plain.csv")
    assert refused.code == 2
    assert "--curves must hold two curves" in refused.err
    assert not Path("other").exists()


def test_all_problems_come_at_once(rtsurv, rewrite, monkeypatch, tmp_path):
    follow(rtsurv, monkeypatch, tmp_path)
    trial = tmp_path / "trial"
    rewrite(trial / "evidence" / "evidence.toml", 'level = "yes"', 'level = "no"')
    with (trial / "evidence" / "evidence.toml").open("a", encoding="utf-8") as names:
        names.write('[[cox]]\nvariable = "Stage"\nlevel = "III"\ncolumn = "treatment"\nlevels = ["1"]\n')
        names.write('[variables]\nStage = "stage"\n')
    rewrite(trial / "study.toml", "# stage", "stage")
    rewrite(trial / "evidence" / "curves.csv", "os,Treated,6,90", "os,Treated,6,9O")
    ended = rtsurv("check-evidence", "trial")
    assert (ended.code, ended.err.count("error:")) == (2, 1)
    for part in (
        "curves.csv, row 3: survival must be a number, but found '9O'",
        "which patients the row 'Treatment, yes' of cox.csv means",
        "finds none of 'Treatment, no'",
        "finds none of 'Stage, III'",
        "finds no row of 'Stage'",
        "stage, treated, before matching: must count every level",
    ):
        assert part in ended.err, part
