"""A cohort of known effect is published as summaries only, and reconstructed from them."""

import csv
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test

from data.evidence import load_evidence
from data.reconstruction import reconstruct
from data.simulate import LevelCovariate, Truth, simulate_frame
from data.study import load_study

TRUTH = Truth(
    log_hazard_ratio=-0.5,
    covariates={"grade": LevelCovariate({"I": 0.4, "II": 0.6}), "node": LevelCovariate({"0": 0.5, "1": 0.5})},
    outcome={"grade[T.II]": 0.5, "node[T.1]": 0.3},
    treatment={"grade[T.II]": 0.6, "node[T.1]": -0.3},
)
SIZE, TIMES, COHORTS = 500, (12, 24, 48), 4

STUDY = """\
name = "published"
title = "Published as summaries"
time_unit = "months"
[cohort]
source = "reconstruction"
[treatment]
treated = "1"
[covariates]
grade = {levels = ["I", "II"]}
node = {levels = ["0", "1"]}
[propensity]
formula = "grade + node"
[outcome]
formula = "grade + node"
"""

NAMES = """\
[arms]
treated = "A"
control = "B"
[variables]
Grade = "grade"
[variables.Sites]
Node = "node"
[[cox]]
variable = "Grade"
level = "II"
column = "grade"
levels = ["II"]
[[cox]]
variable = "Therapy"
level = "yes"
column = "treatment"
levels = ["1"]
[sha256]
"""


@pytest.fixture(scope="module")
def patients():
    """The real patients of the simulated study, with pairs matched on both covariates."""
    frame, _ = simulate_frame(TRUTH, SIZE, 5)
    frame = frame.rename(columns={"survival_months": "time", "died": "event"})
    frame["treatment"] = (frame["therapy"] == "yes").astype(int)
    frame["matched"] = 0
    for _, alike in frame.groupby(["grade", "node"]):
        pairs = min((alike["treatment"] == arm).sum() for arm in (0, 1)) * 3 // 4
        for arm in (0, 1):
            frame.loc[alike.index[alike["treatment"] == arm][:pairs], "matched"] = 1
    return frame


def cox_of(rows, names):
    design = pd.DataFrame(
        {
            "II": (rows["grade"] == "II") * 1.0,
            "node": (rows["node"] == "1") * 1.0,
            "yes": rows["treatment"] * 1.0,
        }
    )
    return CoxPHFitter().fit(design[names].assign(time=rows["time"], event=rows["event"]), "time", "event")


def publish(frame, folder):
    """Write the summaries that a paper would print."""
    labels = {1: "A", 0: "B"}
    counts = [
        ["variable", "level", "multi_label", "arm", "phase", "n_arm", "count", "percent_printed", "p_printed"]
    ]
    counts[0] += ["p_scope", "source"]
    survival = [["arm", "phase", "quantity", "op", "value", "lower", "upper", "unit", "section"]]
    cox = [
        ["model", "phase", "variable", "level", "reference", "hr", "lower", "upper", "p_printed", "source"]
    ]

    def told(arm, phase, quantity, value, unit, op="="):
        survival.append([arm, phase, quantity, op, value, "", "", unit, "results"])

    for phase in ("before", "after"):
        inside = frame if phase == "before" else frame[frame["matched"] == 1]
        told("all", phase, "n", len(inside), "patients")
        told("all", phase, "deaths", inside["event"].sum(), "patients")
        reverse = KaplanMeierFitter().fit(inside["time"], inside["event"] == 0)
        told("all", phase, "median_followup", f"{reverse.median_survival_time_:.1f}", "months")
        for arm, label in labels.items():
            rows = inside[inside["treatment"] == arm]
            for variable, level, multiple, mask in (
                ("Grade", "I", 0, rows["grade"] == "I"),
                ("Grade", "II", 0, rows["grade"] == "II"),
                ("Sites", "Node", 1, rows["node"] == "1"),
            ):
                counts.append(
                    [variable, level, multiple, label, phase, len(rows), mask.sum(), "", "", "", "table 1"]
                )
            told(label, phase, "n", len(rows), "patients")
            curve = KaplanMeierFitter().fit(rows["time"], rows["event"])
            told(label, phase, "median_os", f"{curve.median_survival_time_:.1f}", "months")
            for time in TIMES:
                told(label, phase, f"survival_{time}m", f"{100 * curve.predict(time):.1f}", "percent")
        one, other = (inside[inside["treatment"] == arm] for arm in (1, 0))
        p = logrank_test(one["time"], other["time"], one["event"], other["event"]).p_value
        told(
            "A_vs_B",
            phase,
            "logrank_p",
            f"{p:.4f}" if p >= 0.0001 else "0.0001",
            "p",
            "=" if p >= 0.0001 else "<",
        )
    matched = frame[frame["matched"] == 1]
    names = {"II": ("Grade", "I"), "yes": ("Therapy", "no")}
    for model, fits in (("univariable", [["II"], ["yes"]]), ("multivariable", [["II", "yes"]])):
        for terms in fits:
            summary = cox_of(matched, terms).summary
            for term in terms:
                ratio, lower, upper, p = summary.loc[
                    term, ["exp(coef)", "exp(coef) lower 95%", "exp(coef) upper 95%", "p"]
                ]
                numbers = [f"{number:.3f}" for number in (ratio, lower, upper)]
                shown = f"{p:.3f}" if p >= 0.001 else "<0.001"
                cox.append([model, "after", names[term][0], term, names[term][1], *numbers, shown, "table 2"])
    (folder / "evidence").mkdir()
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    sums = ""
    for name, rows in (("baseline.csv", counts), ("survival.csv", survival), ("cox.csv", cox)):
        file = folder / "evidence" / name
        with file.open("w", newline="", encoding="utf-8") as written:
            csv.writer(written).writerows(rows)
        sums += f'"{name}" = "{sha256(file.read_bytes()).hexdigest()}"\n'
    (folder / "evidence" / "evidence.toml").write_text(NAMES + sums, encoding="utf-8")


@pytest.fixture(scope="module")
def made(patients, tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    publish(patients, folder)
    study = load_study(folder)
    return reconstruct(study, load_evidence(study), COHORTS, 1, workers=1)


@pytest.mark.slow
def test_what_was_published_is_met(made):
    assert made.missed.empty, made.conflicts
    assert made.targets["target"].nunique() > 35


@pytest.mark.slow
def test_the_matched_hazard_ratio_is_that_of_the_patients(patients, made):
    own = cox_of(patients[patients["matched"] == 1], ["II", "yes"]).hazard_ratios_["yes"]
    for _, cohort in made.patients.groupby("cohort"):
        reached = cox_of(cohort[cohort["matched"] == 1], ["II", "yes"]).hazard_ratios_["yes"]
        assert reached == pytest.approx(own, abs=0.02)


@pytest.mark.slow
def test_the_adjusted_effect_in_all_covers_the_truth(patients, made):
    """It is not published: cohorts differ in it, and the pooled interval (Rubin's rules) holds the truth."""
    fits = [cox_of(cohort, ["II", "node", "yes"]) for _, cohort in made.patients.groupby("cohort")]
    estimates = np.array([fit.params_["yes"] for fit in fits])
    within = np.mean([fit.standard_errors_["yes"] ** 2 for fit in fits])
    error = np.sqrt(within + (1 + 1 / COHORTS) * estimates.var(ddof=1))
    assert abs(estimates.mean() - TRUTH.log_hazard_ratio) < 1.96 * error
    own = cox_of(patients, ["II", "node", "yes"]).params_["yes"]
    assert estimates.mean() == pytest.approx(own, abs=error)
    assert error < 0.2
