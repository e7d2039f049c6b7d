"""Fits of structures that are compiled: seeds, one fit in place of another, names as they are, checks that fail, other versions."""

import json
import re
from importlib.metadata import version

import pandas as pd
import pytest
import xarray as xr

import inference.sampling.compiled as compiled

BRIEF = ("--chains", "2", "--draws", "100", "--tune", "100", "--designs", "3", "--quiet")
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_plot")]


def _fit(rtsurv, study, folder, *more):
    return rtsurv(
        "fit", study, "--adjustment", "none", "--baseline", "weibull", "--out", folder, *BRIEF, *more
    )


def test_same_seed_same_numbers_other_seed_others_and_another_fit_replaces_the_first(
    rtsurv, small_study, tmp_path
):
    def files(name, *more):
        _fit(rtsurv, small_study, tmp_path / name, *more)
        return {path.name: path.read_bytes() for path in (tmp_path / name).iterdir() if path.is_file()}

    before, same = files("one", "--seed", 5), files("other", "--seed", 5)
    assert before["estimands.csv"] == same["estimands.csv"]
    assert before["estimands.csv"] != files("other", "--seed", 6)["estimands.csv"]
    after = files("one", "--seed", 6, "--priors", "sceptical")
    assert set(after) == set(before)
    assert {name for name in after if after[name] == before[name]} == {"comparators.csv"}
    assert set(pd.read_csv(tmp_path / "one" / "estimands.csv")["prior_set"]) == {"sceptical"}
    assert json.loads(after["manifest.json"])["seed"] == 6


@pytest.mark.parametrize("adjustment", ["iptw", "overlap"])
def test_weights_have_as_many_draws_as_designs(rtsurv, small_study, tmp_path, adjustment):
    """Neither one for each draw of the treatment model, nor fewer chains than it has."""
    options = ("--chains", "2", "--draws", "40", "--tune", "40", "--designs", "30")
    ended = rtsurv("fit", small_study, "--adjustment", adjustment, "--out", tmp_path, *options)
    assert ended.code in (0, 3), ended.err
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as tree:
        assert tree["posterior"]["treatment_effect"].size == 30
    table = pd.read_csv(tmp_path / "estimands.csv")
    ratio = table[table["estimand"] == "log_hazard_ratio"].iloc[0]
    assert ratio["mcse"] == pytest.approx(ratio["sd"] / 30**0.5)


def test_names_from_files_are_no_markup(rtsurv, small_study, tmp_path):
    text = (small_study / "study.toml").read_text(encoding="utf-8")
    changed = text.replace('"Therapy"', '"[bold]Drug[/b] :smile:"').replace(
        "cohort.csv", str(small_study / "cohort.csv")
    )
    (tmp_path / "study.toml").write_text(changed, encoding="utf-8")
    (tmp_path / "mine.toml").write_text('name = "mine [/x]"\n', encoding="utf-8")
    options = ("--adjustment", "none", "--baseline", "weibull", "--priors", tmp_path / "mine.toml")
    ended = rtsurv("fit", tmp_path, *options, "--out", tmp_path / "[out]", *BRIEF[:-1])
    assert ended.code in (0, 3), ended.err
    assert "[bold]Drug[/b] :smile: against No therapy" in ended.out
    assert "priors: mine [/x]" in ended.out
    assert f"Written: {tmp_path / '[out]'}" in ended.out


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


def test_console_counts_and_shows_failures_first(fitted):
    folder, ended = fitted
    checks = pd.read_csv(folder / "checks.csv")
    counts = [f"{(checks['status'] == status).sum()} {status}" for status in STATUSES]
    assert f"Checks: {', '.join(counts)}" in ended.out
    shown = re.findall(r"^  (fail|warn|pass|info)  ", ended.out, flags=re.MULTILINE)
    assert shown[0] == "fail"
    assert shown == sorted(shown, key=STATUSES.index)
    assert shown.count("fail") == (checks["status"] == "fail").sum()
    assert "convergence: bulk ESS" in ended.out


def test_quiet_still_tells_by_the_exit_code(rtsurv, small_study, tmp_path):
    ended = rtsurv("fit", small_study, "--out", tmp_path, "--quiet", *FEW)
    assert (ended.code, ended.out, ended.err) == (3, "", "")


@pytest.mark.long
@pytest.mark.filterwarnings("default::data.errors.CohortWarning")
def test_a_fit_with_enough_draws_exits_with_0_warns_in_one_line_and_says_what_compiled_it(
    rtsurv, small_study, tmp_path, monkeypatch
):
    monkeypatch.setitem(compiled.TESTED, "pytensor", "0.0.1")
    compiled.compiler.cache_clear()
    try:
        ended = rtsurv("fit", small_study, "--adjustment", "none", "--baseline", "weibull", "--out", tmp_path)
    finally:
        monkeypatch.undo()
        compiled.compiler.cache_clear()
    assert ended.code == 0
    assert "Therapy against No therapy" in ended.out
    assert "Checks: 0 fail" in ended.out
    assert str(tmp_path) in ended.out
    (line,) = ended.err.splitlines()
    assert line.startswith("warning: ")
    assert f"pytensor {version('pytensor')} instead of 0.0.1" in line
    with xr.open_datatree(tmp_path / "fit.nc") as fit:
        assert json.loads(fit.attrs["provenance"])["model"]["compiler"] == "public"
    assert json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))["compiler"] == "public"
