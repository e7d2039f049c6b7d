"""The published study li2024, whole or with a number changed, and a tiny published study in a folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from data.published.audit import CHECKS, Finding
from data.published.evidence import Evidence
from data.published.evidence_rows import SurvivalNumber
from data.published.printed import printed
from data.study.study import Study


@pytest.fixture(scope="session")
def study(li2024: Study) -> Study:
    """The study whose numbers are audited."""
    return li2024


@pytest.fixture
def found(study: Study, evidence: Evidence) -> Callable[..., dict[str, Finding]]:
    """Findings of one family by id, of the evidence as it is or of another."""

    def run(family: str, other: Evidence | None = None) -> dict[str, Finding]:
        return {one.id: one for one in CHECKS[family](study, other or evidence)}

    return run


@pytest.fixture
def recounted(evidence: Evidence, with_rows: Callable[..., Evidence]) -> Callable[..., Evidence]:
    """The evidence with another count (or printed percentage, or P) of one level."""

    def change(variable: str, level: str, arm: str, phase: str, **values: object) -> Evidence:
        of = {"variable": variable, "level": level, "arm": arm, "phase": phase}
        return with_rows(evidence, "counts", values, **of)

    return change


@pytest.fixture
def reprinted(evidence: Evidence, with_rows: Callable[..., Evidence]) -> Callable[..., Evidence]:
    """The evidence with another number in the survival text."""

    def change(arm: str, phase: str, quantity: str, *text: str) -> Evidence:
        def number(row: SurvivalNumber) -> dict[str, object]:
            return {"number": printed(*text, unit=row.number.unit)}

        return with_rows(evidence, "survival", number, arm=arm, phase=phase, quantity=quantity)

    return change


@pytest.fixture
def recoxed(evidence: Evidence, with_rows: Callable[..., Evidence]) -> Callable[..., Evidence]:
    """The evidence with another hazard ratio or P in one Cox row."""

    def change(model: str, variable: str, level: str, **values: object) -> Evidence:
        return with_rows(evidence, "cox", values, model=model, variable=variable, level=level)

    return change


@pytest.fixture
def cited(evidence: Evidence, with_rows: Callable[..., Evidence]) -> Callable[..., Evidence]:
    """The evidence with another text in one cited number."""
    return lambda identifier, **values: with_rows(evidence, "review", values, id=identifier)


@pytest.fixture
def tiny(tmp_path: Path, write_publication: Callable[..., Path]) -> Path:
    """The folder of a published study without matching, Cox tables, subgroups or review."""
    tables = {"baseline.csv": BASELINE, "survival.csv": SURVIVAL}
    return write_publication(tmp_path, NAMES, tables, name="tiny", grade=("I", "II"))


NAMES = """\
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
