"""What a study's published numbers say about each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from scripts.console import DONE, console, start
from scripts.options import Study_

if TYPE_CHECKING:
    from rich.console import Console

    from data.published.audit import Finding
    from data.published.evidence import Evidence
    from data.study.study import Study

app = App(name="audit")

STYLES = {"high": "bold red", "medium": "yellow", "low": "cyan", "consistent": "green"}


@app.default
def audit(
    study: Study_,
    *,
    out: Annotated[Path | None, Parameter(help="Where to write, instead of outputs/<study>.")] = None,
    quiet: Annotated[bool, Parameter(help="No table of findings.", negative="")] = False,
) -> int:
    """Check published numbers against each other. Samples nothing; findings are no failure."""
    from data.published.audit import audit as findings_of
    from data.published.evidence import load_evidence
    from data.study.study import load_study

    shown, loaded = console(quiet), load_study(study)
    evidence = load_evidence(loaded, readable=True)
    found = findings_of(loaded, evidence)
    folder = out if out is not None else Path("outputs") / loaded.name
    write_audit(loaded, evidence, found, folder)
    print_findings(shown, loaded, found)
    shown.print(f"\nWritten: {folder / 'audit.csv'}, {folder / 'audit.json'}", soft_wrap=True)
    return DONE


def write_audit(study: Study, evidence: Evidence, findings: Sequence[Finding], folder: Path) -> None:
    """Write the findings as `audit.csv`, and with their provenance as `audit.json`."""
    import json
    from dataclasses import asdict, fields
    from importlib.metadata import version

    import pandas as pd

    from data.published.audit.finding import KINDS, SEVERITIES, Finding
    from inference.storage.atomic import (  # not through scripts.jobs, which loads the sampler
        atomic_path,
        write_text,
    )
    from inference.storage.provenance import commit, versions

    columns = pd.Index([field.name for field in fields(Finding)])
    with atomic_path(folder / "audit.csv") as temporary:
        pd.DataFrame([asdict(one) for one in findings], columns=columns).to_csv(temporary, index=False)
    content = {
        "provenance": {
            "study": study.name,
            "citation": study.citation,
            **commit(),
            "versions": {**versions(), "scipy": version("scipy")},
            "evidence": dict(evidence.checksums),
        },
        "counts": {severity: sum(one.severity == severity for one in findings) for severity in SEVERITIES},
        "kinds": {
            kind: sum(one.kind == kind and one.severity != "consistent" for one in findings) for kind in KINDS
        },
        "findings": [asdict(one) for one in findings],
    }
    write_text(folder / "audit.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def print_findings(shown: Console, study: Study, findings: Sequence[Finding]) -> None:
    """Print every finding that is not consistent, by kind and the most severe first, and the counts."""
    from rich.table import Table
    from rich.text import Text

    from data.published.audit.finding import KIND_TITLES, KINDS, SEVERITIES

    shown.print(f"{study.title}: published numbers against each other")
    for kind in KINDS:
        rows = [one for one in findings if one.kind == kind and one.severity != "consistent"]
        if not rows:
            continue
        table = Table(
            box=None,
            padding=(0, 2, 0, 0),
            header_style="bold",
            title=f"\n{KIND_TITLES[kind]}",
            title_justify="left",
            title_style="bold",
        )
        table.add_column("severity", no_wrap=True)
        table.add_column("printed", ratio=2)
        table.add_column("finding", ratio=5)
        for one in rows:
            table.add_row(
                Text(one.severity, style=STYLES[one.severity]), Text(one.printed), Text(one.finding)
            )
        shown.print(table)
    counts = ", ".join(f"{sum(one.severity == name for one in findings)} {name}" for name in SEVERITIES)
    shown.print(f"\nFindings: {counts}")


if __name__ == "__main__":
    start(app)
