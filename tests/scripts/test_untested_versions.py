"""A command beside package versions that native compilation was not tested with."""

import json
from importlib.metadata import version

import pytest
import xarray as xr

import inference.sampling.compiled as compiled

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default::data.errors.CohortWarning")]


@pytest.mark.long
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
