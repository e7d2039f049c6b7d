"""The command `aggregate`, and what is refused of a study that reads its table."""

import re
from pathlib import Path

import pandas as pd
import pytest

from data.simulation.simulate import LevelCovariate, Truth, simulate_frame

LEVELS = {"grade": LevelCovariate({"I": 0.4, "II": 0.6}), "nodes": LevelCovariate({"no": 0.6, "yes": 0.4})}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a study of 600 patients, and of one that reads its table of counts."""
    place = tmp_path_factory.mktemp("registry")
    frame, text = simulate_frame(Truth(covariates=LEVELS, treatment={}, outcome={}), 600, seed=8)
    frame.to_csv(place / "cohort.csv", index=False)
    text = text.replace("cohort.csv", "../cohort.csv") + "[baseline]\ncutpoints = [12, 36]\n"
    counts = re.sub(r"\[cohort\.columns\].*?\[treatment\]", "[treatment]", text, flags=re.DOTALL)
    counts = counts.replace('source = "file"', 'source = "aggregate"').replace("cohort.csv", "table.parquet")
    for name, content in {"patients": text, "counts": counts}.items():
        (place / name).mkdir()
        (place / name / "study.toml").write_text(content, encoding="utf-8")
    return place


@pytest.mark.usefixtures("no_sampling")
def test_a_table_is_written_with_no_small_count_and_what_that_cost(rtsurv, registry):
    plain = rtsurv("aggregate", registry / "patients", "--out", registry / "table.parquet")
    assert (plain.code, "600 patients" in plain.out) == (0, True)
    least = pd.read_parquet(registry / "table.parquet")["patients"].min()
    assert least < 11
    limit = int(least) + 1
    large = registry / "large.parquet"
    kept = rtsurv("aggregate", registry / "patients", "--out", large, "--smallest-cell", limit)
    assert (kept.code, "are withheld" in kept.out) == (0, True)
    assert pd.read_parquet(large)["patients"].min() >= limit
    for option, reason in (
        ("--baseline weibull", "needs each patient's time"),
        ("--adjustment matched", "pairs single"),
    ):
        refused = rtsurv("fit", registry / "counts", *option.split(), "--out", registry / "out")
        assert refused.code == 2
        assert reason in refused.err
        assert not (registry / "out").exists()


@pytest.mark.long
def test_an_analysis_of_counts_has_its_page_and_states_what_it_leaves_out(rtsurv, registry):
    assert rtsurv("aggregate", registry / "patients", "--out", registry / "table.parquet").code == 0
    draws = ("--chains", "2", "--draws", "40", "--tune", "60", "--designs", "3")
    made = rtsurv("analyse", registry / "counts", *draws, "--out", registry / "analysed")
    assert made.code in (0, 3)
    estimands = pd.read_csv(registry / "analysed" / "estimands.csv")
    assert set(estimands["adjustment"]) == {"none", "joint", "cut", "iptw", "overlap"}
    assert set(estimands["baseline"]) == {"piecewise_exponential"}
    page = (registry / "analysed" / "report.html").read_text(encoding="utf-8")
    assert "counts-left-out" in page
    assert rtsurv("report", registry / "counts", "--out", registry / "analysed").code == made.code
    sensed = rtsurv("sensitivity", registry / "counts", "--quick", *draws, "--out", registry / "sensed")
    assert sensed.code in (0, 3)
