"""The section on a late start and an overlooked condition: its numbers are those of the surface."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from data.study.study import load_study
from inference.report.sections.timing_and_confounding import (
    live_surface,
    timing_and_confounding_section,
)
from inference.sensitivity.surface import Surface
from inference.sensitivity.timing_and_confounding import DELAYS, STRENGTHS


def surface(start):
    """A plane over delay and log strength, with a standard deviation of 0.15."""
    delay, strength = (one.ravel() for one in np.meshgrid(DELAYS, STRENGTHS, indexing="ij"))
    mean = start + 0.02 * delay + 0.4 * np.log(strength)
    cells = pd.DataFrame(
        {
            "delay": delay,
            "strength": strength,
            "hazard_ratio": np.exp(mean),
            "lower": np.exp(mean - 0.294),
            "upper": np.exp(mean + 0.294),
            "probability_of_benefit": ndtr(-mean / 0.15),
            "rmst_difference": -12 * mean,
            "rmst_lower": -12 * mean - 3.5,
            "rmst_upper": -12 * mean + 3.5,
        }
    )
    checked = pd.DataFrame(
        {"delay": [9.0], "strength": [1.6], "shift": [-0.02], "sd_ratio": [1.0], "rmst_shift": [0.03]}
    )
    return Surface(cells, checked, 60.0, 1)


@pytest.mark.parametrize("start", [-0.9, -0.6])
def test_the_strength_that_is_needed_is_that_of_a_closed_form(start):
    section = timing_and_confounding_section(surface(start), load_study("gbsg2"))
    first, *_ = section.tables
    for row, delay in zip(first.rows, DELAYS, strict=True):
        needed = np.exp((-start - 1.6449 * 0.15 - 0.02 * delay) / 0.4)
        printed = row.cells[-1]
        if needed > STRENGTHS[-1]:
            assert np.isinf(printed.sort)
        else:
            assert printed.sort == pytest.approx(max(needed, 1.0), rel=3e-3)
        assert row.cells[1].sort == pytest.approx(np.exp(start + 0.02 * delay))
    assert [len(table.rows) for table in section.tables] == [len(DELAYS)] * 2
    said = [float(value) for value in re.findall(r"without delay ([\d.]+)[;,]", section.paragraphs[0])]
    expected = np.exp((-start - 0.2467) / 0.4)
    assert said == ([] if expected > STRENGTHS[-1] else [pytest.approx(expected, abs=0.06)])


def test_a_surface_that_is_doubtful_from_the_start_says_so():
    section = timing_and_confounding_section(surface(-0.1), load_study("gbsg2"))
    assert all(row.cells[-1].sort == 1.0 for row in section.tables[0].rows)


def test_what_is_set_on_the_page_is_the_surface():
    """A plane comes back from the splines; strengths and delays lie in the order in which the page looks them up."""
    start = -0.6
    content = live_surface(surface(start), load_study("gbsg2")).data
    count = content["strengths"]
    assert len(content["ratio"]) == len(content["time"]) == len(content["benefit"]) == 25 * count
    for delay, strength in ((0.0, 1.0), (7.0, 1.3), (24.0, 4.0)):
        at = round(delay / content["delay"]["step"]) * count + round(
            (strength - 1.0) / content["strength"]["step"]
        )
        mean = start + 0.02 * delay + 0.4 * np.log(strength)
        assert content["ratio"][at] == pytest.approx(np.exp([mean - 0.294, mean, mean + 0.294]), abs=2e-3)
        assert content["benefit"][at] == pytest.approx(ndtr(-mean / 0.15), abs=2e-3)
        assert content["time"][at] == pytest.approx(
            [-12 * mean - 3.5, -12 * mean, -12 * mean + 3.5], abs=2e-3
        )
