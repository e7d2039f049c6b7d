"""The command `audit`: files, what it prints, and exit codes."""

import csv
import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from data.study.study import STUDIES

COLUMNS = ["id", "family", "severity", "subject", "printed", "recomputed", "finding", "kind", "cause"]


@pytest.fixture(scope="module")
def audited(rtsurv, tmp_path_factory):
    """The folder of an audit of li2024, and how the command ended."""
    folder = tmp_path_factory.mktemp("audit")
    return folder, rtsurv("audit", "li2024", "--out", folder)


def test_findings_are_written_and_are_no_failure(audited):
    folder, ended = audited
    assert (ended.code, ended.err) == (0, "")
    with (folder / "audit.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    written = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert written["findings"] == rows
    assert sum(written["counts"].values()) == len(rows)
    assert written["counts"]["high"] == 1
    assert written["kinds"] == {"contradiction": 3, "not_reported": 6, "design": 6, "citation": 22}


def test_provenance_names_study_tables_commit_and_versions(audited):
    provenance = json.loads((audited[0] / "audit.json").read_text(encoding="utf-8"))["provenance"]
    assert provenance["study"] == "li2024"
    names = (STUDIES / "li2024" / "evidence" / "evidence.toml").read_text(encoding="utf-8")
    assert provenance["evidence"]["claims.csv"] in names
    assert {"python", "numpy", "scipy"} <= set(provenance["versions"])
    assert "commit" in provenance


def test_the_most_severe_are_printed_first_and_the_consistent_not(audited):
    out = audited[1].out
    titles = ("contradict each other", "Not reported", "Remarks on design", "cited from other")
    first, *others = sorted(out.index(title) for title in titles)
    assert first < out.index("high ") < out.index("medium ") < others[0]
    assert "Findings: 1 high, 12 medium," in out
    assert "Every percentage is that of its count" not in out


def test_a_cell_that_cannot_be_read_costs_its_row_and_not_the_audit(rtsurv, rewrite, tmp_path):
    shutil.copytree(STUDIES / "gbsg2_published", tmp_path / "study")
    cox, names = (tmp_path / "study" / "evidence" / name for name in ("cox.csv", "evidence.toml"))
    sealed = sha256(cox.read_bytes()).hexdigest()
    rewrite(cox, "0.69 (0.54–0.89)", '"0,690"')
    rewrite(cox, "1.35 (1.00–1.82)", '"1,350"')
    rewrite(names, f'"cox.csv" = "{sealed}"', '"cox.csv" = ""')
    ended = rtsurv("audit", tmp_path / "study", "--out", tmp_path / "out")
    assert (ended.code, ended.err) == (0, "")
    with (tmp_path / "out" / "audit.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["severity"] != "consistent"]
    assert [(row["id"], row["kind"]) for row in rows] == [("cells-cox-csv-row-6", "not_reported")]
    assert "'1,350'; write 1.350 or 1350" in rows[0]["finding"]  # 0,690 can mean one thing only
    refused = rtsurv("reconstruct", tmp_path / "study", "--out", tmp_path / "out")
    assert refused.code == 2
    assert "cox.csv, row 6: hr must be a number that can be read in one way" in refused.err


def test_quiet_prints_nothing_and_writes_the_same(rtsurv, audited, tmp_path):
    ended = rtsurv("audit", "li2024", "--out", tmp_path, "--quiet")
    assert (ended.code, ended.out) == (0, "")
    assert (tmp_path / "audit.csv").read_bytes() == (audited[0] / "audit.csv").read_bytes()


def test_a_folder_that_cannot_be_written_into_is_refused(rtsurv, tmp_path):
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    ended = rtsurv("audit", "li2024", "--out", tmp_path / "taken")
    assert ended.code == 2
    assert "taken must be readable or writable" in ended.err


def test_a_changed_table_is_refused(rtsurv, rewrite, tmp_path):
    shutil.copytree(STUDIES / "li2024", tmp_path / "changed")
    rewrite(tmp_path / "changed" / "evidence" / "claims.csv", "liver", "lung")
    ended = rtsurv("audit", tmp_path / "changed", "--out", tmp_path / "out")
    assert ended.code == 2
    assert "claims.csv: must have the checksum" in ended.err


def test_a_study_anywhere_can_be_audited(rtsurv, write_publication, tmp_path, monkeypatch):
    rows = ["arm,phase,quantity,op,value,lower,upper,unit,section"]
    rows += ["Drug,before,n,=,40,,,patients,3", "None,before,n,=,50,,,patients,3"]
    names = '[arms]\ntreated = "Drug"\ncontrol = "None"\n'
    write_publication(tmp_path / "study", names, {"survival.csv": "\n".join(rows)}, name="tiny")
    monkeypatch.chdir(tmp_path)
    ended = rtsurv("audit", tmp_path / "study")
    assert ended.code == 0
    assert (tmp_path / "outputs" / "tiny" / "audit.csv").is_file()
    assert "A tiny published study" in ended.out


def test_a_terminal_that_is_not_utf_8_loses_no_work(tmp_path):
    command = [sys.executable, "-m", "scripts.main", "audit", "li2024", "--out", str(tmp_path)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    made = subprocess.run(command, env=environment, capture_output=True, cwd=Path(__file__).parents[2])
    assert (made.returncode, made.stderr) == (0, b"")
    assert (tmp_path / "audit.csv").is_file()
    assert b"0.361 (0.361?0.650)" in made.stdout
