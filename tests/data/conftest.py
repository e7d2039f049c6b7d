"""A small cohort with delayed entry, identifiers and treatment starts, and its study file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from data.published.evidence import Evidence
from data.study.study import Study, load_study

STUDY = """\
name = "small"
title = "A small study"
time_unit = "months"

[cohort]
source = "file"
path = "cohort.csv"

[cohort.columns]
time = "time"
event = "event"
treatment = "arm"
entry = "entry"
treatment_start = "start"
id = "patient"

[treatment]
treated = "yes"

[covariates]
age = {unit = "years"}
grade = {levels = ["I", "II", "III"]}

[propensity]
formula = "age + grade"
[outcome]
formula = "age"

[baseline]
cutpoints = [6, 12]
"""

COHORT = """\
patient,time,event,arm,entry,start,age,grade,ignored
a,10,1,yes,0,2,50,I,x
b,20,0,no,1,,60,II,y
c,5,1,yes,0,0,70,III,
d,30,1,no,2,,55,II,z
e,25,0,yes,3,10,65,I,
f,8,1,no,0,,45,III,
"""


@pytest.fixture(scope="session")
def study_text() -> str:
    """Text of the small study file."""
    return STUDY


@pytest.fixture(scope="session")
def as_read() -> Callable[[str], pd.DataFrame]:
    """A table whose cells are text, as a csv is read."""

    def read(text: str) -> pd.DataFrame:
        rows = [line.split(",") for line in text.splitlines()]
        return pd.DataFrame(rows[1:], columns=pd.Index(rows[0]))

    return read


@pytest.fixture
def frame(as_read: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """The small cohort as text."""
    return as_read(COHORT)


@pytest.fixture(scope="session")
def with_rows() -> Callable[..., Evidence]:
    """Evidence whose rows with these values in a table have other values, which may depend on the row."""

    def change(evidence: Evidence, table: str, values: dict | Callable[..., dict], **of: object) -> Evidence:
        before = getattr(evidence, table)
        rows = tuple(
            replace(row, **(values(row) if callable(values) else values))
            if all(getattr(row, name) == value for name, value in of.items())
            else row
            for row in before
        )
        assert rows != before
        return replace(evidence, **{table: rows})

    return change


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds the small study and its cohort."""
    (tmp_path / "study.toml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "cohort.csv").write_text(COHORT, encoding="utf-8")
    return tmp_path


@pytest.fixture
def study(folder: Path) -> Study:
    """The small study."""
    return load_study(folder)


@pytest.fixture
def edited(folder: Path, rewrite: Callable[[Path, str, str], None]) -> Callable[[str, str], Path]:
    """Replace a text in the small study file; the folder comes back."""

    def edit(old: str, new: str) -> Path:
        rewrite(folder / "study.toml", old, new)
        return folder

    return edit
