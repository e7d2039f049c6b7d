"""Missing covariates: pooled over imputations by the rules for several cohorts, complete cases and shifts beside, and chains that disagree found."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data.study.imputed_cohorts import load_cohorts
from data.study.study import load_study
from inference.diagnostics.checks.imputation import imputation_checks, rhat_of_means
from inference.fits.requests import FitRequest
from inference.frequentist.pooled import pooled_comparators
from inference.report.sections.missing import IMPUTED, effects_table, missing_section
from inference.sampling.engine import SamplerSettings
from inference.sensitivity import MISSING
from inference.sensitivity.missing_cells import COMPLETE, SHIFTED, pooled_by_patients
from inference.sensitivity.sensitivity import MainAnalysis
from models.priors import PriorSet

MAIN = FitRequest("weibull", "joint", "constant", PriorSet("default"), SamplerSettings(2, 300, 50), cohorts=2)


@pytest.fixture(scope="module")
def analysis(tmp_path_factory, with_gaps):
    """A study of 120 patients, a fifth of whose ages and grades are missing."""
    folder = tmp_path_factory.mktemp("missing")
    with_gaps(folder, '[missing]\nmethod = "impute"\ndelta = {age = 4.0}\n')
    study = load_study(folder)
    cohorts, imputation = load_cohorts(study, 2, seed=1)
    return MainAnalysis(study, cohorts, MAIN, imputation)


def drawn(mean, patients, seed):
    rng = np.random.default_rng(seed)
    draws = (("chain", "draw"), rng.normal(mean, 0.1, (2, 1000)))
    return xr.Dataset({"log_hazard_ratio": draws, "divergences": seed}, attrs={"patients": patients})


def test_shifted_cohorts_are_pooled_and_complete_cases_stand_alone():
    computed = [drawn(-0.2, COMPLETE, 1), drawn(-0.5, SHIFTED, 2), drawn(-0.7, SHIFTED, 3)]
    table = pooled_by_patients(computed).set_index("patients")
    assert table["cohorts"].to_dict() == {COMPLETE: 1, SHIFTED: 2}
    assert table["divergences"].to_dict() == {COMPLETE: 1, SHIFTED: 5}
    assert table.loc[COMPLETE, "log_hazard_ratio"] == pytest.approx(-0.2, abs=0.01)
    assert table.loc[SHIFTED, "log_hazard_ratio"] == pytest.approx(-0.6, abs=0.01)
    assert table.loc[SHIFTED, "sd"] == pytest.approx(np.hypot(0.1, 0.1), rel=0.05)
    assert table.loc[SHIFTED, "hazard_ratio"] == pytest.approx(np.exp(-0.6), rel=0.02)


def test_what_is_computed_is_the_complete_cases_once_and_every_shifted_cohort(analysis):
    listed = MISSING.arguments(analysis)
    assert [one[-1] for one in listed] == [COMPLETE, SHIFTED, SHIFTED]
    assert listed[0][1].size == 120 - analysis.imputation.incomplete
    assert [one[1].sha256 for one in listed[1:]] == [one.sha256 for one in analysis.imputation.shifted]
    without = MainAnalysis(analysis.study, analysis.cohorts[:1], MAIN)
    assert not MISSING.applies(without)


def test_the_section_shows_cells_cost_and_effects(analysis):
    columns = ["log_hazard_ratio", "hazard_ratio"]
    estimands = pd.DataFrame(
        {"estimand": columns, "population": "conditional", "mean": [-0.5, 0.6], "sd": 0.1, "median": [-0.5, 0.61],
         "lower": [-0.7, 0.5], "upper": [-0.3, 0.74], "probability_of_benefit": 0.99, "rhat": 1.0, "ess_bulk": 900.0}
    )  # fmt: skip
    pooling = pd.DataFrame(
        {"estimand": ["log_hazard_ratio", "rmst_difference"], "population": ["conditional", "all"], "subgroup": "",
         "fraction_of_missing_information": [0.123, 0.261]}
    )  # fmt: skip
    main = SimpleNamespace(estimands=estimands, pooling=pooling)
    results = SimpleNamespace(study=analysis.study, cohorts=analysis.cohorts, main=main)
    others = pooled_by_patients([drawn(-0.2, COMPLETE, 1), drawn(-0.5, SHIFTED, 2)])
    figures = []
    material = SimpleNamespace(figure=lambda name, title, draw: figures.append(draw()) or name)
    section = missing_section(results, analysis.imputation, others, material)
    numbers = [re.findall(r"\d+", said) for said in (section.finding, *section.paragraphs)]
    assert numbers == [["120", str(analysis.imputation.incomplete)], ["2"], ["12", "26"]]
    cells, effects = section.tables
    assert [row.cells[1].sort for row in cells.rows] == list(analysis.imputation.cells.values())
    assert [row.kind for row in effects.rows] == ["main", "", ""]
    assert len(figures[0].axes) == 3
    assert effects_table(results, others)["patients"].tolist() == [IMPUTED, COMPLETE, SHIFTED]


def test_chains_that_drift_apart_are_found():
    rng = np.random.default_rng(1)
    same = rng.normal(size=(20, 20))
    apart = same + 2.0 * rng.normal(size=(20, 1))
    assert rhat_of_means(same[:, 10:]) == pytest.approx(1.0, abs=0.1)
    (good,) = imputation_checks({"age": same})
    (bad,) = imputation_checks({"age": same, "grade = II": apart})
    assert (good.status, bad.status) == ("pass", "warn")
    assert bad.text.endswith("grade = II")
    assert imputation_checks({}) == []
    assert rhat_of_means(np.ones((3, 10))) == 1.0


def test_cox_models_of_imputations_are_pooled_by_rubins_rules():
    """By hand: mean 0.2, within 0.01, between 0.02 with 3 imputations; other rows are means."""
    logs = np.array([0.1, 0.2, 0.3]) * np.sqrt(2)
    logs += 0.2 - logs.mean()
    tables = [
        pd.DataFrame(
            {"statistic": ["hazard_ratio", "rmst"], "method": "x", "estimate": [np.exp(one), 3.0],
             "lower": [np.exp(one - 0.196), 2.0], "upper": [np.exp(one + 0.196), 4.0], "p": [0.1, 0.2]}
        )
        for one in logs
    ]  # fmt: skip
    pooled = pooled_comparators(tables, imputed=True)
    error = np.sqrt((0.196 / 1.959964) ** 2 + 4 / 3 * 0.02)
    assert pooled.loc[0, "estimate"] == pytest.approx(np.exp(0.2))
    assert np.log(pooled.loc[0, ["lower", "upper"]].astype(float)).tolist() == pytest.approx(
        [0.2 - 1.959964 * error, 0.2 + 1.959964 * error]
    )
    assert pooled.loc[1, ["estimate", "lower", "upper", "p"]].tolist() == pytest.approx([3.0, 2.0, 4.0, 0.2])
    assert pooled["method"].unique().tolist() == ["x; mean over 3 imputations"]
    assert "pseudo-patients" in pooled_comparators(tables)["method"][0]
