"""The published numbers: read as printed, refused where they were changed or cannot be read."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from data.errors import InputError
from data.published.audit import audit
from data.published.evidence import load_evidence
from data.published.printed import printed
from data.study.study import STUDIES, load_study

TABLES = ("baseline.csv", "cox.csv", "review_evidence.csv", "subgroups.csv", "survival.csv", "trials.csv")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the study that may be broken."""
    shutil.copytree(STUDIES / "li2024", tmp_path / "li2024")
    return tmp_path / "li2024"


def change(folder: Path, table: str, old: str, new: str, meant: bool = False) -> None:
    """Change a text of a table; where it is meant, the checksum too."""
    file = folder / "evidence" / table
    text = file.read_text(encoding="utf-8")
    assert old in text
    changed = text.replace(old, new, 1).encode()
    if meant:
        names = folder / "evidence" / "evidence.toml"
        said = names.read_text(encoding="utf-8")
        before = hashlib.sha256(file.read_bytes()).hexdigest()
        assert before in said
        names.write_text(said.replace(before, hashlib.sha256(changed).hexdigest()), encoding="utf-8")
    file.write_bytes(changed)


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as raised:
        load_evidence(load_study(folder))
    return str(raised.value)


def test_numbers_are_read_as_printed():
    evidence = load_evidence(load_study("li2024"))
    median = evidence.find("treated", "after", "median_os")
    assert median is not None
    assert (median.value, median.interval, median.half_digit) == (57.2, (44.5, 69.8), 0.05)
    assert evidence.find("contrast", "before", "logrank_p").operator == "<"
    assert (evidence.size("treated", "before"), evidence.size("control", "before")) == (207, 281)
    assert evidence.phases == ("before", "after")
    of_brain = ("brain", "treated", "before")
    (brain,) = (row for row in evidence.counts if (row.column, row.arm, row.phase) == of_brain)
    assert (brain.count, brain.size, brain.multiple, brain.value) == (92, 207, True, "1")
    final = [row for row in evidence.cox if (row.model, row.variable) == ("multivariable", "RT")]
    assert final[0].hazard_ratio == printed("0.470", "0.351", "0.631", place="li2024 Table 2")
    assert next(one for one in evidence.review if one.id == "E075").value == "39.1"
    assert {fact.quantity for fact in evidence.facts} >= {"accrual_window", "time_zero"}
    assert len(evidence.trials) == 8


def test_every_row_of_every_table_is_read():
    study = load_study("li2024")
    evidence = load_evidence(study)
    read = {
        "baseline.csv": evidence.counts,
        "cox.csv": evidence.cox,
        "review_evidence.csv": evidence.review,
        "subgroups.csv": evidence.subgroups,
        "survival.csv": (*evidence.survival, *evidence.facts),
        "trials.csv": evidence.trials,
    }
    for name, rows in read.items():
        lines = (study.folder / "evidence" / name).read_text(encoding="utf-8").splitlines()
        assert len(rows) == len(lines) - 1, name


@pytest.mark.parametrize("table", TABLES)
def test_a_changed_digit_is_refused(copied, table):
    text = (copied / "evidence" / table).read_text(encoding="utf-8")
    number = re.search(r",\d+(\.\d+)?,", text)
    assert number is not None
    last = number[0][-2]
    change(copied, table, number[0], f"{number[0][:-2]}{(int(last) + 1) % 10},")
    message = refusal(copied)
    assert table in message
    assert "a number was changed" in message


@pytest.mark.parametrize("table", [*TABLES, "evidence.toml"])
def test_a_missing_table_is_refused(copied, table):
    (copied / "evidence" / table).unlink()
    assert table in refusal(copied)


def test_a_missing_folder_is_refused(copied):
    shutil.rmtree(copied / "evidence")
    message = refusal(copied)
    assert "evidence" in message
    assert "source = 'file'" in message


@pytest.mark.parametrize(
    ("table", "old", "new", "message"),
    [
        ("baseline.csv", "207,108,52.2", "207,many,52.2", "baseline.csv, row 6: count must be a whole number, but found 'many'"),
        ("baseline.csv", "52.2,0.504", "52.2,P=5.04", "p_printed must be a probability, but found 'P=5.04'"),
        ("baseline.csv", "Age (years),<50,0,RT", "Age,<50,0,RT", "[variables]"),
        ("baseline.csv", "<50,0,RT,before", "<50,0,radiated,before", "arm must be RT or nonRT, but found 'radiated'"),
        ("survival.csv", "57.2,44.5,69.8", "57.2,69.8,44.5", "must have an interval from low to high"),
        ("survival.csv", "=,94.6", "~,94.6", "op must be one of =, <"),
        ("survival.csv", "survival_12m", "os_12m", "quantity must be one of n, deaths,"),
        ("survival.csv", "all,before,n", "everybody,before,n", "arm must be one of RT, nonRT, all, RT_vs_nonRT, but found 'everybody'"),
        ("survival.csv", "nonRT,after,n,=", "nonRT,after,deaths,=", "must give n of control after matching"),
        ("cox.csv", "1.647,1.217", "-1.647,1.217", "a hazard ratio must be above 0"),
        ("cox.csv", ",hr,", ",HR,", "must have a column hr"),
        ("subgroups.csv", "52.9,months", "soon,months", "must be a number, but found 'soon'"),
        ("trials.csv", "1 completed,NCT00470847,", "NCT00470847,", "cells"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named(copied, table, old, new, message):
    change(copied, table, old, new, meant=True)
    found = refusal(copied)
    assert table in found
    assert message in found


@pytest.mark.parametrize("name", ["digitised.csv", "Cox.CSV", "numbers.xlsx", "table2.tsv"])
def test_a_table_that_is_not_listed_is_refused(copied, name):
    (copied / "evidence" / name).write_text("a,b\n1,2\n", encoding="utf-8")
    message = refusal(copied)
    assert f"{name}: must be listed in evidence.toml" in message
    (copied / "evidence" / name).unlink()
    (copied / "evidence" / "NOTES.md").write_text("notes are no numbers", encoding="utf-8")
    (copied / "evidence" / ".~lock.cox.csv").write_text("", encoding="utf-8")
    load_evidence(load_study(copied))


def test_a_listed_table_that_nothing_reads_is_refused(copied, rewrite):
    rewrite(copied / "evidence" / "evidence.toml", "[sha256]", '[sha256]\n"coxes.csv" = ""')
    (copied / "evidence" / "coxes.csv").write_text("a\n1\n", encoding="utf-8")
    assert "[sha256] must list tables that are read" in refusal(copied)
    assert "coxes.csv" in refusal(copied)


def test_all_problems_of_the_evidence_come_at_once(copied, rewrite):
    four = ("207,108,52.2,0.504", "many,some,half,P")  # cells of one row
    change(copied, "baseline.csv", *four, meant=True)
    change(copied, "survival.csv", "=,94.6", "~,94.6", meant=True)
    change(copied, "cox.csv", "1.647,1.217", "-1.647,1.217", meant=True)
    change(copied, "cox.csv", "0.470,0.351", "0.470,x", meant=True)
    change(copied, "subgroups.csv", "44.0", "44.1")
    change(copied, "trials.csv", "nct,phase,", "NCT,PHASE,", meant=True)
    (copied / "evidence" / "claims.csv").unlink()
    (copied / "evidence" / "digitised.csv").write_text("a\n1\n", encoding="utf-8")
    rewrite(copied / "evidence" / "evidence.toml", 'Bone = "bone"', 'Bone = "bones"')
    message = refusal(copied)
    assert "evidence: 9 problems in the published numbers:" in message.splitlines()[0]
    for part in (
        "but found bones",
        "digitised.csv: must be listed",
        "claims.csv",
        "n_arm must be a whole number, but found 'many'; count must be a whole number, but found 'some'; percent_printed must be "
        "a number, but found 'half'; p_printed must be a number, but found 'P'",
        "op must be one of",
        "a hazard ratio must be above 0",
        "hr must be a number, but found 'x'",
        "subgroups.csv: must have the checksum",
        "trials.csv: must have columns nct, phase, but they are missing",
    ):
        assert part in message, part


@pytest.mark.parametrize(
    ("written", "time"), [("1y", 12.0), ("12m", 12.0), ("365.25d", 12.0), ("12", 12.0), ("5y", 60.0)]
)
def test_survival_at_a_time_of_another_unit_is_carried_over(copied, written, time):
    for arm in ("RT", "nonRT"):
        before, after = (f"{arm},before,survival_{at}" for at in ("12m", written))
        change(copied, "survival.csv", before, after, meant=True)
    evidence = load_evidence(load_study(copied))
    of = ("before", f"survival_{written}")
    found = [row.time for row in evidence.survival if (row.phase, row.quantity) == of]
    assert found == [time, time]


def test_a_unit_of_time_that_nobody_knows_is_refused(copied):
    change(copied, "survival.csv", "survival_12m", "survival_3fortnights", meant=True)
    change(copied, "survival.csv", "51.7,48.8,63.8,months", "4.3,4.1,5.3,cycles", meant=True)
    change(copied, "survival.csv", "94.6,,,percent", "94.6,,,per mille", meant=True)
    message = refusal(copied)
    known = "must be in months, or in units that can be carried over (days, weeks, months, years), but found"
    assert f"quantity {known} fortnights" in message
    assert f"value {known} cycles" in message
    assert "unit must be one of percent, %, fraction, probability, but found 'per mille'" in message


def test_names_must_be_covariates_of_the_study(copied, rewrite):
    rewrite(copied / "evidence" / "evidence.toml", 'Bone = "bone"', 'Bone = "bones"')
    assert "but found bones" in refusal(copied)


@pytest.mark.parametrize("text", ["", "ten", "1,204", "nan", "inf", "1 2", ">5", "1.2 ± 0.3", "3-4", "1,2,3"])
def test_only_numbers_are_numbers(text):
    with pytest.raises(ValueError, match="must be a number"):
        printed(text)


def test_a_number_holds_what_rounds_to_it():
    assert printed("0.47").holds(0.4749)
    assert not printed("0.470").holds(0.4749)
    assert printed("<0.001").holds(0.0009)
    assert not printed("<0.001").holds(0.001)


def test_what_can_be_read_is_read_where_that_is_wanted(copied):
    change(copied, "baseline.csv", "207,108,52.2", "207,<11,52.2", meant=True)
    change(copied, "cox.csv", "0.470,0.351", "1,204,0.351", meant=True)  # a cell too many
    study = load_study(copied)
    evidence = load_evidence(study, readable=True)
    whole = load_evidence(load_study("li2024"))
    assert len(evidence.counts) == len(whole.counts) - 1
    assert len(evidence.cox) == len(whole.cox) - 1
    unread = sorted(re.search(r"\w+\.csv, row \d+", line)[0] for line in evidence.unread)
    assert unread == ["baseline.csv, row 6", "cox.csv, row 17"]
    found = {one.id: one for one in audit(study, evidence) if one.family == "cells"}
    assert found["cells-baseline-csv-row-6"].kind == "not_reported"
    assert "leave out the variable" in found["cells-baseline-csv-row-6"].finding
    change(copied, "survival.csv", "nonRT,after,n,=,135", "nonRT,after,n,=,some", meant=True)
    with pytest.raises(InputError, match="must give n of control after matching"):
        load_evidence(study, readable=True)


def test_lines_that_begin_with_a_hash_are_comments(copied, rewrite):
    file = copied / "evidence" / "trials.csv"
    sealed = hashlib.sha256(file.read_bytes()).hexdigest()
    rewrite(copied / "evidence" / "evidence.toml", f'"trials.csv" = "{sealed}"', '"trials.csv" = ""')
    text = file.read_text(encoding="utf-8")
    file.write_text(f"# of the review\n{text}# the end\n", encoding="utf-8")
    assert len(load_evidence(load_study(copied)).trials) == 8
    short = text.replace("1 completed,NCT00470847,", "NCT00470847,")
    file.write_text(f"# of the review\n{short}", encoding="utf-8")
    assert "trials.csv, row 3: must have 9 cells" in refusal(copied)
    file.write_text("# a template\ntable,nct\n", encoding="utf-8")  # no row yet
    assert load_evidence(load_study(copied)).trials == ()
    file.write_text("table,nct\n", encoding="utf-8")
    assert "must hold rows, but found none" in refusal(copied)
