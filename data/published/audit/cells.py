"""Rows that could not be read, and so were not checked."""

from collections.abc import Iterator

from data.published.audit.finding import Finding, identifier
from data.published.evidence import Evidence
from data.study.study import Study

FAMILY = "cells"


def check_cells(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Every row that cannot be read, with its place and how to write it."""
    for line in evidence.unread:
        place, _, problem = line.partition(": ")
        place = place.removeprefix(f"{evidence.folder}/")
        yield Finding(
            identifier(FAMILY, place),
            FAMILY,
            "medium",
            place,
            problem,
            "not checked",
            f"A row cannot be read and was left out of all checks: {problem}",
            kind="not_reported",
        )
