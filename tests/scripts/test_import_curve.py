"""The command `import-curve`: digitised files become tables that load."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from data.published.evidence import load_evidence
from data.study.study import load_study

FILES = Path(__file__).parents[1] / "data" / "digitised" / "files"
NAMES = """\
# how the tables call what study.toml calls by other names
[arms]
treated = "Drug"  # the tablet
control = "Placebo"
[sha256]
"""


SEALED = f'"curves.csv" = "{"0" * 64}"'


@pytest.fixture
def folder(tmp_path: Path, write_publication) -> Path:
    """A study without any published number yet."""
    return write_publication(tmp_path, NAMES.removesuffix("[sha256]\n"), {})


def test_two_files_of_different_programs_become_one_curve(rtsurv, folder):
    given = (
        "--study",
        folder,
        "--curve",
        "os",
        "--at-risk",
        FILES / "risk_by_arm.csv",
        "--source",
        "Figure 2",
    )
    drug = ("--arm", "Drug", "--at-risk-counts", "before")
    one = rtsurv("import-curve", FILES / "wpd_datasets.csv", *given, *drug)
    assert (one.code, one.err) == (0, "")
    assert "taken for csv of WebPlotDigitizer; 8 points of 'Drug', survival as fraction" in one.out
    assert "times to 35.0122 months" in one.out
    assert "taken for a column of numbers at risk for each arm; 213 at 0" in one.out
    two = rtsurv("import-curve", FILES / "digitizeit_pairs.txt", *given, "--arm", "Placebo")
    assert (two.code, two.err) == (0, "")
    drug, placebo = load_evidence(load_study(folder)).curves
    found = [0.9987, 0.9702, 0.9098, 0.8411, 0.7189, 0.6103, 0.5012, 0.4087]
    np.testing.assert_allclose(drug.survival, found)
    np.testing.assert_allclose(placebo.survival, [1, 0.931, 0.84, 0.7, 0.551, 0.411, 0.3])  # of per cent
    assert (drug.source, drug.at_risk_counts) == ("Figure 2", "before")
    assert placebo.at_risk.tolist() == [211, 105, 61]
    text = (folder / "evidence" / "evidence.toml").read_text(encoding="utf-8")
    assert text.startswith("# how the tables call")  # comments stay
    assert "# the tablet" in text


def test_the_same_arm_again_replaces_its_points_and_keeps_the_checksum_right(rtsurv, folder):
    given = ("--study", folder, "--curve", "os", "--arm", "Drug")
    other = ("--at-risk", FILES / "ipdfromkm_risk.csv")
    assert rtsurv("import-curve", FILES / "plain.csv", *given, *other).code == 2
    risk = folder / "risk.csv"
    risk.write_text("time,n\n0,40\n6,30\n", encoding="utf-8")
    names = folder / "evidence" / "evidence.toml"
    for file, points in (("plain.csv", 4), ("survhe_survival.txt", 6)):
        assert rtsurv("import-curve", FILES / file, *given, "--at-risk", risk).code == 0
        found = load_evidence(load_study(folder)).curves
        assert [len(one.time) for one in found] == [points]
        listed = tomllib.loads(names.read_text(encoding="utf-8"))["sha256"]
        assert set(listed) == {"curves.csv", "at_risk.csv"}
        names.write_text(
            names.read_text(encoding="utf-8").replace('"curves.csv" = ""', SEALED), encoding="utf-8"
        )


def test_failure_in_years_joins_a_curve_of_survival_in_months(rtsurv, folder):
    given = ("--study", folder, "--curve", "pfs")
    risk = folder / "risk.csv"
    risk.write_text("time,n\n0,40\n6,30\n", encoding="utf-8")
    assert rtsurv("import-curve", FILES / "plain.csv", *given, "--arm", "Drug", "--at-risk", risk).code == 0
    failure = (FILES / "refused" / "failure.csv", *given, "--arm", "Placebo", "--at-risk", risk)
    refused = rtsurv("import-curve", *failure)
    assert refused.code == 2
    assert "--of failure" in refused.err
    assert rtsurv("import-curve", *failure, "--of", "failure", "--time-unit", "years").code == 0
    placebo = load_evidence(load_study(folder)).curves[1]
    np.testing.assert_allclose(placebo.survival, [1, 0.97, 0.91, 0.84])
    np.testing.assert_allclose(placebo.time, [0, 38.4, 73.2, 117.6])
    np.testing.assert_allclose(placebo.at_risk_time, [0, 72])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--arm": "Tablet"}, "--arm must be Drug or Placebo"),
        ({"--study": "li2024"}, "--study must be your own"),
        ({"FILE": FILES / "wpd_datasets.csv", "--series": "Tablet"}, "there are 'Drug', 'Placebo'"),
        ({"--at-risk": FILES / "ipdfromkm_risk.csv"}, "--at-risk must be in the unit of time of the curve, which ends at 9.8"),
        ({"FILE": FILES / "nothing.csv"}, "must be a readable file"),
        ({"--time-unit": "cycles"}, "units that can be carried over"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_leaves_the_study_as_it_is(rtsurv, folder, changed, message):
    given = {"FILE": FILES / "plain.csv", "--study": folder, "--curve": "os", "--arm": "Drug", **changed}
    ended = rtsurv("import-curve", given.pop("FILE"), *(part for pair in given.items() for part in pair))
    assert ended.code == 2
    assert message in ended.err
    assert ended.err.count("error:") == 1
    assert [one.name for one in (folder / "evidence").iterdir()] == ["evidence.toml"]
    assert (folder / "evidence" / "evidence.toml").read_text(encoding="utf-8") == NAMES
