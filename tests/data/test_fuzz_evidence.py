"""Broken tables of gbsg2_published: a finding, or one message that names the place; never a traceback, never silence."""

import csv
import io
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from data.errors import InputError
from data.published.audit import audit
from data.published.evidence import load_evidence
from data.published.evidence_uses import reconstruction_problems
from data.study.study import STUDIES, load_study

EVIDENCE = STUDIES / "gbsg2_published" / "evidence"
TABLES = {file.name: file.read_text(encoding="utf-8") for file in sorted(EVIDENCE.glob("*.csv"))}
NEEDED = {  # columns whose cells cannot be empty
    "baseline.csv": ("variable", "level", "arm", "phase", "n_arm", "count"),
    "survival.csv": ("arm", "phase", "quantity", "value"),
    "cox.csv": ("phase", "variable", "level"),
    "curves.csv": ("curve", "arm", "time", "survival"),
    "at_risk.csv": ("curve", "arm", "time", "at_risk"),
}
NONSENSE = ("", "?", "twelve")


@dataclass(frozen=True)
class Outcome:
    """What the tables lead to: what is doubted or refused, empty for silence."""

    refused: bool
    message: str


def rows_of(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(TABLES[name])))


def text_of(rows: list[dict[str, str]], columns: list[str] | None = None) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns or list(rows[0]), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Outcome]:
    """Load and audit the study with other texts of its files, None for a file that is gone; checksums are not checked."""
    folder = tmp_path_factory.mktemp("fuzz") / "gbsg2_published"
    shutil.copytree(EVIDENCE.parent, folder)
    names = re.sub(r'\.csv" = "\w+"', '.csv" = ""', (EVIDENCE / "evidence.toml").read_text(encoding="utf-8"))
    study = load_study(folder)

    def run(texts: dict[str, str | None]) -> Outcome:
        for name, text in {**TABLES, "evidence.toml": names, **texts}.items():
            if text is None:
                (folder / "evidence" / name).unlink()
            else:
                (folder / "evidence" / name).write_text(text, encoding="utf-8")
        try:
            evidence = load_evidence(study, readable=True)
        except InputError as error:
            return Outcome(True, str(error))
        doubts = [
            f"{one.id}: {one.subject}: {one.printed}"
            for one in audit(study, evidence)
            if one.severity != "consistent"
        ]
        return Outcome(False, "\n".join([*doubts, *reconstruction_problems(study, evidence)]))

    run.names = names
    return run


def test_nothing_is_said_of_the_tables_as_they_are(outcome):
    assert outcome({}) == Outcome(False, "")


@pytest.mark.parametrize("name", TABLES)
def test_a_file_that_is_gone_or_empty_is_named(outcome, name):
    for text in (None, "", text_of(rows_of(name)[:1]).splitlines()[0] + "\n"):
        found = outcome({name: text})
        assert found.refused
        assert name in found.message


@pytest.mark.parametrize(
    ("name", "column"), [(name, column) for name in TABLES for column in rows_of(name)[0]]
)
def test_a_column_that_is_gone_is_named(outcome, name, column):
    rows = rows_of(name)
    found = outcome({name: text_of(rows, [one for one in rows[0] if one != column])})
    assert found.refused
    assert re.search(rf"{name}: must have a column {column}", found.message)


@pytest.mark.parametrize("name", TABLES)
def test_a_cell_that_is_empty_or_nonsense_is_noticed(outcome, full, name):
    rng = np.random.default_rng(sum(map(ord, name)))
    rows = rows_of(name)
    for number, column in enumerate(rows[0]):
        for nonsense in NONSENSE if full else NONSENSE[number % 3 : number % 3 + 1]:
            place = int(rng.integers(len(rows)))
            changed = [dict(row) for row in rows]
            changed[place][column] = nonsense
            found = outcome({name: text_of(changed)})
            if column in NEEDED[name]:
                assert found.message, (column, nonsense)
            if found.refused:
                assert name in found.message


def test_a_row_that_is_there_twice_is_named(outcome):
    for name in TABLES:
        rows = rows_of(name)
        found = outcome({name: text_of([*rows, rows[3]])})
        assert f"{name}, row {len(rows) + 2}: must be there once, but repeats row 5" in found.message
        again = [dict(row) for row in (*rows, rows[-1])]
        again[-1] |= {key: "9" for key in again[-1] if key in ("value", "count", "at_risk")}
        if name in ("baseline.csv", "at_risk.csv"):  # the same cell with another number
            assert outcome({name: text_of(again)}).message


def test_a_row_of_table_1_that_is_gone_is_missed(outcome):
    rows = rows_of("baseline.csv")
    for place in (0, 7, len(rows) - 1):
        found = outcome({"baseline.csv": text_of(rows[:place] + rows[place + 1 :])})
        assert "must count every level" in found.message
    rows = rows_of("cox.csv")
    for place in (0, len(rows) - 1):
        variable = rows[place]["variable"]
        found = outcome({"cox.csv": text_of([row for row in rows if row["variable"] != variable])})
        assert f"finds none of '{variable}" in found.message
    rows = [row for row in rows_of("survival.csv") if row["quantity"] != "n" or row["arm"] == "all"]
    assert not outcome(
        {"survival.csv": text_of(rows)}
    ).message  # the numbers at risk at time 0 say how many there are
    at_risk = [row for row in rows_of("at_risk.csv") if row["time"] != "0"]
    found = outcome({"survival.csv": text_of(rows), "at_risk.csv": text_of(at_risk)})
    assert "must give n of treated" in found.message


@pytest.mark.parametrize("name", ["baseline.csv", "survival.csv", "curves.csv", "at_risk.csv"])
def test_arms_that_are_swapped_are_noticed(outcome, name):
    swap = {"Hormones": "No hormones", "No hormones": "Hormones"}
    rows = [{**row, "arm": swap.get(row["arm"], row["arm"])} for row in rows_of(name)]
    found = outcome({name: text_of(rows)})
    assert found.message
    assert not found.refused or "size" in found.message or "n_arm" in found.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('time_unit = "months"', 'time_unit = "years"'),
        ('time_unit = "months"', ""),
        ('time_unit = "months"', 'time_unit = "cycles"'),
        ('scale = "fraction"', 'scale = "percent"'),
        ('of = "survival"', 'of = "failure"'),
        ('treated = "Hormones"', 'treated = "No hormones"'),
        ('"Tumour grade" = "tgrade"', '"Tumour grade" = "menostat"'),
        ('"Tumour grade" = "tgrade"', ""),
        ('levels = [">60"]', 'levels = [">61"]'),
        ("[curves.rfs]", "[curves.os]"),
        ('"cox.csv" = ""', ""),
        ("[arms]", "[arm]"),
        ("[sha256]", "[sha256"),
    ],
)
def test_what_the_tables_mean_is_checked(outcome, old, new):
    assert old in outcome.names
    assert outcome({"evidence.toml": outcome.names.replace(old, new, 1)}).message


@pytest.mark.parametrize(
    ("quantity", "unit"),
    [
        ("median_os", "years"),
        ("median_os", "days"),
        ("median_followup", "years"),
        ("survival_3y", "fraction"),
        ("survival_3y", "patients"),
        ("n", "percent"),
        ("deaths", "months"),
        ("logrank_p", "percent"),
    ],
)
def test_another_unit_is_noticed(outcome, quantity, unit):
    rows = [{**row, "unit": unit} if row["quantity"] == quantity else row for row in rows_of("survival.csv")]
    assert outcome({"survival.csv": text_of(rows)}).message


def test_a_changed_number_is_refused_by_its_checksum():
    folder = EVIDENCE.parent
    assert '.csv" = ""' not in (folder / "evidence" / "evidence.toml").read_text(encoding="utf-8")


def test_random_bytes_never_end_in_a_traceback(outcome, full):
    rng = np.random.default_rng(5)
    for _ in range(100 if full else 10):
        name = str(rng.choice(list(TABLES)))
        text = list(TABLES[name])
        for _ in range(int(rng.integers(1, 4))):
            place = int(rng.integers(len(text)))
            text[place] = str(rng.choice(list('",\n;x9- ')))
        outcome({name: "".join(text)})
