"""Checks that fail are results: written, marked, shown first, and told by the exit code."""

import re

import pandas as pd
import pytest

pytestmark = pytest.mark.slow
FEW = ("--adjustment", "none", "--baseline", "weibull", "--chains", "2", "--draws", "20", "--tune", "20")
STATUSES = ("fail", "warn", "pass", "info")


@pytest.fixture(scope="module")
def fitted(rtsurv, small_study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("failed")
    return folder, rtsurv("fit", small_study, "--out", folder, *FEW)


def test_fit_writes_marks_and_exits_with_3(fitted):
    folder, ended = fitted
    assert (ended.code, ended.err) == (3, "")
    found = {path.name for path in folder.iterdir()}
    assert found == {"fit.nc", "estimands.csv", "comparators.csv", "checks.csv", "manifest.json", "figures"}
    checks = pd.read_csv(folder / "checks.csv").set_index("name")
    assert checks.loc["convergence: bulk ESS", "status"] == "fail"
    assert checks.loc["convergence: bulk ESS", "value"] < checks.loc["convergence: bulk ESS", "threshold"]
    table = pd.read_csv(folder / "estimands.csv")
    assert table["ess_bulk"].min() < 400


def _summary(out: str) -> list[str]:
    """Statuses in the order in which the console names single checks."""
    return re.findall(r"^  (fail|warn|pass|info)  ", out, flags=re.MULTILINE)


def test_console_counts_and_shows_failures_first(fitted):
    folder, ended = fitted
    checks = pd.read_csv(folder / "checks.csv")
    counts = [f"{(checks['status'] == status).sum()} {status}" for status in STATUSES]
    assert f"Checks: {', '.join(counts)}" in ended.out
    shown = _summary(ended.out)
    assert shown[0] == "fail"
    assert shown == sorted(shown, key=STATUSES.index)
    assert shown.count("fail") == (checks["status"] == "fail").sum()
    assert "convergence: bulk ESS" in ended.out


def test_quiet_still_tells_by_the_exit_code(rtsurv, small_study, tmp_path):
    ended = rtsurv("fit", small_study, "--out", tmp_path, "--quiet", *FEW)
    assert (ended.code, ended.out, ended.err) == (3, "", "")
