"""The comparison of adjustments: which rows stand beside each other, and how far they are from the main model."""

import numpy as np
import pandas as pd
import pytest

from inference.frequentist.efron import EfronCox
from inference.sensitivity.adjustments import LogRatio, compare_adjustments, difference_sd

MAIN = {
    "baseline": "weibull",
    "adjustment": "joint",
    "effect": "constant",
    "exposure": "time_split",
    "prior_set": "default",
}
Z = 1.959964
ERROR = 0.002


def of_fit(adjustment, population, log_ratio, sd=0.1, difference=100.0, **fit):
    """The two contrasts of a fit, of a log ratio with a normal posterior."""
    ends = {"median": 0.0, "lower": -Z * sd, "upper": Z * sd}
    named = {"study": "s", **MAIN, "adjustment": adjustment, "population": population, "subgroup": "", **fit}
    ratio = {name: np.exp(log_ratio + step) for name, step in ends.items()}
    mean = {name: difference + 100 * step for name, step in ends.items()}
    error = {"mcse": ERROR * ratio["median"]}
    return [
        {**named, "estimand": "marginal_hazard_ratio", **ratio, "probability_of_benefit": 0.9, **error},
        {**named, "estimand": "rmst_difference", **mean, "probability_of_benefit": 0.8},
        {**named, "estimand": "hazard_ratio", **ratio, "probability_of_benefit": 0.7},
    ]


@pytest.fixture
def estimands():
    rows = [
        *of_fit("joint", "all", -0.3),
        *of_fit("joint", "overlap", -0.4, 0.2),
        *of_fit("none", "all", -0.25),
        *of_fit("iptw", "all", -0.5, 0.3, 40.0),
        *of_fit("overlap", "overlap", -0.1),
        *of_fit("matched", "matched", 0.2),
        *of_fit("joint", "all", -0.32, baseline="piecewise_exponential"),
    ]
    return pd.DataFrame(rows)


def test_rows_stand_by_population_in_its_order(estimands):
    compared = compare_adjustments(estimands, MAIN)
    found = list(zip(compared["population"], compared["adjustment"], compared["baseline"], strict=True))
    assert found == [
        ("all", "joint", "weibull"),
        ("all", "none", "weibull"),
        ("all", "iptw", "weibull"),
        ("all", "joint", "piecewise_exponential"),
        ("overlap", "joint", "weibull"),
        ("overlap", "overlap", "weibull"),
        ("matched", "matched", "weibull"),
    ]


def test_a_shift_is_in_standard_deviations_of_the_difference_in_the_same_population(estimands):
    fits = ["population", "adjustment", "baseline"]
    compared = compare_adjustments(estimands, MAIN).set_index(fits)["shift"]
    assert compared["all", "joint", "weibull"] == 0
    assert compared["all", "none", "weibull"] == pytest.approx(0.05 / (np.sqrt(2) * ERROR))
    assert compared["all", "iptw", "weibull"] == pytest.approx(-0.2 / np.sqrt(0.3**2 - 0.1**2 + 2 * ERROR**2))
    assert compared["all", "joint", "piecewise_exponential"] == pytest.approx(-0.02 / (np.sqrt(2) * ERROR))
    sd = np.sqrt(0.2**2 - 0.1**2 + 2 * ERROR**2)
    assert compared["overlap", "overlap", "weibull"] == pytest.approx(0.3 / sd)
    assert np.isnan(compared["matched", "matched", "weibull"])


def test_numbers_are_those_of_the_table(estimands):
    compared = compare_adjustments(estimands, MAIN)
    (row,) = compared[compared["adjustment"] == "iptw"].to_dict("records")
    assert row["marginal_hazard_ratio_median"] == pytest.approx(np.exp(-0.5))
    assert row["marginal_hazard_ratio_upper"] == pytest.approx(np.exp(-0.5 + Z * 0.3))
    assert row["marginal_hazard_ratio_probability_of_benefit"] == 0.9
    assert row["rmst_difference_lower"] == pytest.approx(40.0 - 100 * Z * 0.3)
    assert row["rmst_difference_probability_of_benefit"] == 0.8


@pytest.mark.parametrize(
    "other",
    [{"exposure": "naive"}, {"effect": "by_interval"}, {"prior_set": "vague"}, {"subgroup": "grade=I"}],
    ids=lambda one: next(iter(one)),
)
def test_other_effects_exposures_priors_and_subgroups_are_not_compared(estimands, other):
    more = pd.DataFrame([*of_fit("joint", "all", 2.0, **other), *of_fit("iptw", "treated", 2.0, **other)])
    together = pd.concat([more, estimands], ignore_index=True)
    pd.testing.assert_frame_equal(compare_adjustments(together, MAIN), compare_adjustments(estimands, MAIN))


def test_subgroups_may_be_missing_values(estimands):
    read_back = estimands.assign(subgroup=np.nan)
    pd.testing.assert_frame_equal(compare_adjustments(read_back, MAIN), compare_adjustments(estimands, MAIN))


def test_the_difference_of_an_efficient_and_a_wasteful_estimate_of_the_same_patients():
    """Cox against Cox of a random half: correlated, as pairs of all patients are; over 300 cohorts the sd is as stated."""
    rng, size = np.random.default_rng(7), 240
    differences, stated = [], []
    for _ in range(300):
        treated = np.repeat([0.0, 1.0], size // 2)
        time = rng.exponential(1 / np.exp(-0.4 * treated))
        half = rng.permutation(size) < size // 2
        found = [
            EfronCox(
                time[kept], np.ones(kept.sum(), bool), np.zeros(kept.sum()), treated[kept, None]
            ).estimates()
            for kept in (half | ~half, half)
        ]
        one, other = (LogRatio(float(fit[0][0]), float(np.sqrt(fit[1][0, 0])), 0.0) for fit in found)
        differences.append(one.middle - other.middle)
        stated.append(difference_sd(one, other))
    assert np.sqrt(np.mean(np.square(stated))) == pytest.approx(np.std(differences), rel=0.12)
    alone = np.std(differences) / np.sqrt(2 * 4 / size)
    assert alone < 0.9  # what independent fits would have


def test_without_the_main_model_nothing_is_a_shift(estimands):
    others = estimands[estimands["adjustment"] != "joint"]
    compared = compare_adjustments(others, MAIN)
    assert len(compared) == 4
    assert compared["shift"].isna().all()
