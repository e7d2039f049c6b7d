"""Beyond the follow-up of one arm: marked in every table, and a median there is not reached."""

import numpy as np
import pandas as pd
import pytest

from inference.diagnostics.checks.notes import extrapolation_checks
from inference.estimands import ESTIMANDS
from inference.estimands.curves import Curves, time_grid
from inference.fits.tables import _note
from inference.report.table import SPAN, Column, Table

GRID = time_grid((), 48.0, (12.0, 36.0), 60.0, (60.0, 24.0))


@pytest.mark.parametrize(
    ("name", "time", "note"),
    [
        ("survival_treated", 12.0, ""),
        ("survival_treated", 36.0, "extrapolated beyond 24"),
        ("survival_control", 36.0, ""),
        ("survival_difference", 36.0, "extrapolated beyond 24"),
        ("rmst_treated", 48.0, "extrapolated beyond 24"),
        ("rmst_control", 48.0, ""),
        ("rmst_difference", 48.0, "extrapolated beyond 24"),
        ("marginal_hazard_ratio", 48.0, "extrapolated beyond 24"),
        ("log_hazard_ratio", 36.0, ""),
        ("median_treated", None, ""),
    ],
)
def test_what_rests_on_an_arm_beyond_its_follow_up_is_marked(name, time, note):
    assert _note(ESTIMANDS[name], time, GRID) == note


def test_a_median_beyond_the_follow_up_of_its_arm_is_not_reached():
    """Exponential survival with medians of 20 and 30 in both arms: 30 is beyond 24, where the treated end."""
    hazard = np.log(2.0) / np.array([20.0, 30.0])
    survival = np.exp(-hazard[:, None] * GRID.time)[None, None].repeat(2, axis=1)
    curves = Curves(GRID, survival, survival, np.zeros((1, 2)), (("", None),), survival[0, 0])
    np.testing.assert_allclose(ESTIMANDS["median_control"].draws(curves).ravel(), [20.0, 30.0], rtol=1e-12)
    np.testing.assert_allclose(ESTIMANDS["median_treated"].draws(curves).ravel(), [20.0, np.inf], rtol=1e-12)


def test_extrapolation_is_a_check_and_stands_beside_the_number():
    note = "extrapolated beyond 24"
    names = ["survival_treated", "rmst_difference", "rmst_control"]
    table = pd.DataFrame({"estimand": names, "time": [36.0, 48.0, 48.0], "note": [note, note, ""]})
    (check,) = extrapolation_checks(table, "months")
    assert (check.status, check.value, check.threshold) == ("warn", 48.0, 24.0)
    frame = pd.DataFrame({"median": [26.9, 26.9, np.nan], "lower": 24.1, "upper": 29.5})
    frame["note"] = [note, None, "not estimable: no event"]
    written = [row.cells[0].text for row in Table("t", "T", (Column("M", SPAN, "median"),), frame).rows]
    assert written == [f"{written[1]}, {note}", "26.9 (24.1 to 29.5)", "not estimable: no event"]
