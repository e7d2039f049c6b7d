"""R's lung with every covariate imputed: the hazard ratio of sex against imputations and Cox models of statsmodels."""

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.imputation.mice import MICEData

from data.study.imputation import impute
from data.study.imputed_outcome import Outcome, cumulated_hazard
from inference.frequentist.efron import EfronCox

COVARIATES = ["age", "ph.ecog", "ph.karno", "pat.karno", "meal.cal", "wt.loss"]
IMPUTATIONS = 20
DAYS = 30.4375


@pytest.fixture(scope="module")
def lung():
    """Months, deaths, women as the treated, and covariates of 228 patients, 60 of whom lack a cell or more."""
    table = load_lung()
    time, died = table["time"].to_numpy() / DAYS, (table["status"] == table["status"].max()).to_numpy()
    return time, died, (table["sex"] == 2).to_numpy(), table[COVARIATES].astype(float)


@pytest.fixture(scope="module")
def imputed(lung):
    time, died, women, covariates = lung
    return impute(covariates, Outcome(time, died, np.zeros(len(time)), women), IMPUTATIONS, 1).covariates


def by_statsmodels(lung, imputations):
    """Mean log hazard ratio of Cox models on imputations by predictive mean matching, of another program throughout."""
    time, died, women, covariates = lung
    hazard = cumulated_hazard(Outcome(time, died, np.zeros(len(time)), women), np.ones(len(time)))
    outcome = pd.DataFrame({"sex": women, "died": died, "hazard": hazard}, dtype=float)
    data = pd.concat([outcome, covariates.rename(columns=lambda name: name.replace(".", "_"))], axis=1)
    np.random.seed(3)  # noqa: NPY002 # MICEData draws from numpy's global state
    mice, found = MICEData(data), []
    for _ in range(imputations):
        mice.update_all(4)
        columns = np.column_stack([women, mice.data[list(data.columns[3:])]]).astype(float)
        found.append(
            PHReg(time, columns - columns.mean(axis=0), status=died.astype(int), ties="efron").fit().params[0]
        )
    return float(np.mean(found))


@pytest.mark.slow
def test_the_log_hazard_ratio_of_sex_is_that_of_another_program(lung, imputed, full):
    time, died, women, covariates = lung
    assert len(time) == 228
    assert died.sum() == 165
    assert covariates.isna().to_numpy().any(axis=1).sum() == 60
    found = []
    for completed in imputed:
        columns = np.column_stack([women, completed]).astype(float)
        cox = EfronCox(time, died, np.zeros(len(time)), columns - columns.mean(axis=0))
        found.append(cox.estimates()[0][0])
    assert np.mean(found) == pytest.approx(by_statsmodels(lung, IMPUTATIONS if full else 4), abs=0.08)
