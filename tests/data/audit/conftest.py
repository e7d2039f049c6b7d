"""The published study li2024, whole or with a number changed, and a tiny published study in a folder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from data.published.audit import CHECKS, Finding
from data.published.evidence import Evidence, load_evidence
from data.published.printed import printed
from data.study.study import Study, load_study


@pytest.fixture(scope="session")
def study() -> Study:
    """The bundled study that is only published."""
    return load_study("li2024")


@pytest.fixture(scope="session")
def evidence(study: Study) -> Evidence:
    """Its published numbers."""
    return load_evidence(study)


@pytest.fixture
def found(study: Study, evidence: Evidence) -> Callable[..., dict[str, Finding]]:
    """Findings of one family by id, of the evidence as it is or of another."""

    def run(family: str, other: Evidence | None = None) -> dict[str, Finding]:
        return {one.id: one for one in CHECKS[family](study, other or evidence)}

    return run


@pytest.fixture
def recounted(evidence: Evidence) -> Callable[..., Evidence]:
    """The evidence with another count (or printed percentage, or P) of one level."""

    def change(variable: str, level: str, arm: str, phase: str, **values: object) -> Evidence:
        rows = tuple(
            replace(row, **values)
            if (row.variable, row.level, row.arm, row.phase) == (variable, level, arm, phase)
            else row
            for row in evidence.counts
        )
        assert rows != evidence.counts
        return replace(evidence, counts=rows)

    return change


@pytest.fixture
def reprinted(evidence: Evidence) -> Callable[..., Evidence]:
    """The evidence with another number in the survival text."""

    def change(arm: str, phase: str, quantity: str, text: str, lower: str = "", upper: str = "") -> Evidence:
        rows = tuple(
            replace(row, number=printed(text, lower, upper, unit=row.number.unit))
            if (row.arm, row.phase, row.quantity) == (arm, phase, quantity)
            else row
            for row in evidence.survival
        )
        assert rows != evidence.survival
        return replace(evidence, survival=rows)

    return change


@pytest.fixture
def recoxed(evidence: Evidence) -> Callable[..., Evidence]:
    """The evidence with another hazard ratio or P in one Cox row."""

    def change(model: str, variable: str, level: str, **values: object) -> Evidence:
        rows = tuple(
            replace(row, **values)
            if (row.model, row.variable, row.level) == (model, variable, level)
            else row
            for row in evidence.cox
        )
        assert rows != evidence.cox
        return replace(evidence, cox=rows)

    return change


@pytest.fixture
def cited(evidence: Evidence) -> Callable[..., Evidence]:
    """The evidence with another text in one cited number."""

    def change(identifier: str, **values: str) -> Evidence:
        rows = tuple(replace(row, **values) if row.id == identifier else row for row in evidence.review)
        assert rows != evidence.review
        return replace(evidence, review=rows)

    return change


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The folder of a published study without matching, Cox tables, subgroups or review."""
    return write_tiny(tmp_path)


def write_tiny(folder: Path) -> Path:
    """Write the tiny study."""
    (folder / "evidence").mkdir()
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    (folder / "evidence" / "evidence.toml").write_text(NAMES, encoding="utf-8")
    (folder / "evidence" / "baseline.csv").write_text(BASELINE, encoding="utf-8")
    (folder / "evidence" / "survival.csv").write_text(SURVIVAL, encoding="utf-8")
    return folder


STUDY = """\
name = "tiny"
title = "A tiny published study"
time_unit = "months"
[cohort]
source = "reconstruction"
[treatment]
treated = "1"
[covariates]
grade = {levels = ["I", "II"]}
[propensity]
formula = "grade"
[outcome]
formula = "grade"
"""
NAMES = """\
[sha256]
"baseline.csv" = ""
"survival.csv" = ""
[arms]
treated = "Drug"
control = "None"
[variables]
Grade = "grade"
"""
BASELINE = """\
variable,level,multi_label,arm,phase,n_arm,count,percent_printed,p_printed,p_scope,source
Grade,I,0,Drug,before,40,10,25.0,0.033,variable,Table 1
Grade,I,0,None,before,50,23,46.0,0.033,variable,Table 1
Grade,II,0,Drug,before,40,30,75.0,0.033,variable,Table 1
Grade,II,0,None,before,50,27,54.0,0.033,variable,Table 1
"""
SURVIVAL = """\
arm,phase,quantity,op,value,lower,upper,unit,section
Drug,before,n,=,40,,,patients,3
None,before,n,=,50,,,patients,3
all,before,n,=,90,,,patients,3
Drug,before,median_os,=,20.0,15.0,25.0,months,3
Drug,before,survival_12m,=,70,,,percent,3
None,before,survival_12m,=,55,,,percent,3
Drug,before,survival_24m,=,45,,,percent,3
None,before,survival_24m,=,30,,,percent,3
"""
