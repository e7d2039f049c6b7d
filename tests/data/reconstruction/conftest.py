"""li2024, its published numbers, and two cohorts of pseudo-patients drawn from them."""

from dataclasses import replace

import pytest

from data.evidence import load_evidence
from data.reconstruction import reconstruct
from data.study import load_study

SEED = 20240101


@pytest.fixture(scope="session")
def li2024():
    """The study that publishes no patient."""
    return load_study("li2024")


@pytest.fixture(scope="session")
def evidence(li2024):
    """Its published numbers."""
    return load_evidence(li2024)


@pytest.fixture(scope="session")
def made(li2024, evidence):
    """Two cohorts, drawn in this process."""
    return reconstruct(li2024, evidence, 2, SEED, workers=1)


@pytest.fixture(scope="session")
def with_counts():
    """Evidence with another count in one cell of Table 1."""

    def change(evidence, column, value, arm, phase, count):
        found = [
            row
            for row in evidence.counts
            if (row.column, row.value, row.arm, row.phase) == (column, value, arm, phase)
        ]
        assert len(found) == 1
        return replace(
            evidence,
            counts=tuple(replace(row, count=count) if row is found[0] else row for row in evidence.counts),
        )

    return change
