"""Survival under weights: whole weights are patients repeated, and numbers at risk are sums of weights."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from inference.fits.choices import prior_set
from inference.fits.requests import FitRequest
from inference.frequentist import kaplan_meier
from inference.frequentist.weighted_curve import weighted_kaplan_meier
from inference.report.figures.risk_table import Followed
from inference.report.figures.style import ARM_COLOURS, one_column
from inference.report.figures.weighted_survival import WeightedPanel, weighted_survival_figure
from inference.report.observed_arms import weighted_arms
from inference.sampling.settings import SamplerSettings


def test_whole_weights_are_patients_repeated_and_a_common_factor_changes_nothing(gbsg2):
    own = slice(0, 120)
    time, event = gbsg2.cohort.time[own], gbsg2.cohort.event[own]
    entry, weights = np.where(np.arange(120) % 5, 0.0, time / 3), np.arange(120) % 4
    times = np.linspace(0, 2200, 40)
    again = kaplan_meier(*(np.repeat(one, weights) for one in (time, event, entry)), times)
    for factor in (1.0, 0.37):
        found = weighted_kaplan_meier(time, event, entry, factor * weights, times)
        assert_allclose(found, again.survival, rtol=1e-9)


def test_numbers_at_risk_are_sums_of_weights():
    followed = Followed(
        np.zeros(3),
        np.array([5.0, 6.0, 3.0]),
        np.array([True, False, True]),
        weight=np.array([2.0, 7.0, 1.2]),
    )
    assert followed.until([0.0, 4.0, 7.0]) == {
        "At risk": [10, 9, 0],
        "Censored": [0, 0, 7],
        "Events": [0, 1, 3],
    }


@pytest.fixture(scope="module")
def arms(gbsg2):
    """Of gbsg2 under each design, by adjustment."""
    request = FitRequest(
        "weibull",
        "iptw",
        "constant",
        prior_set("default", gbsg2.study, gbsg2.cohort),
        SamplerSettings(chains=1, draws=10),
        2,
        "naive",
    )
    return {
        name: weighted_arms(gbsg2.study, [gbsg2.cohort], replace(request, adjustment=name))
        for name in ("iptw", "overlap", "matched")
    }


def test_weights_add_up_to_the_patients_and_pairs_to_those_in_pairs(gbsg2, arms):
    sizes = {"treated": int(gbsg2.cohort.treatment.sum()), "control": int((~gbsg2.cohort.treatment).sum())}
    for name in ("iptw", "overlap"):
        for arm, size in sizes.items():
            assert arms[name][arm].followed.until([0.0])["At risk"] == [size]
            assert 0.5 * size < arms[name][arm].effective < size
    pairs = [arms["matched"][arm].followed.until([0.0])["At risk"][0] for arm in sizes]
    assert pairs[0] == pairs[1] < sizes["treated"]


def test_a_panel_holds_steps_bands_and_numbers_of_its_design(curves, arms, texts, assert_inside):
    one = curves.sel(population=["overlap"])
    panels = [WeightedPanel("Inverse-probability weights", one, of_arms) for of_arms in arms.values()]
    figure = weighted_survival_figure(panels)
    for axes, of_arms in zip(figure.axes[:3], arms.values(), strict=True):
        for arm, colour in ARM_COLOURS.items():
            fitted, steps = (line for line in axes.lines if line.get_color() == colour)
            assert_allclose(fitted.get_ydata(), one["survival"].sel(arm=arm, quantile=0.5)[0])
            assert_allclose(steps.get_ydata(), of_arms[arm].survival)
    assert f"Hormonal therapy ({arms['iptw']['treated'].effective:.0f})" in texts(figure)
    assert_inside(figure)
    with one_column():
        assert_inside(weighted_survival_figure(panels))
