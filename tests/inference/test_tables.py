"""The table of estimands: every row is the draws that its labels name."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from inference.adjustments.adjusted import AdjustedSample
from inference.diagnostics.summaries import probability_of_benefit, summarise
from inference.estimands import ESTIMANDS
from inference.estimands.curves import ARMS, POPULATIONS, standardise, time_grid
from inference.fits.tables import COLUMNS, KEYS, estimate
from models.baselines import PiecewiseExponential

BASELINE = PiecewiseExponential((12.0, 36.0))
GRID = time_grid(BASELINE.cutpoints, 60.0, (12.0, 36.0, 60.0), 72.0)
SEED = 8


@pytest.fixture(scope="module", params=[1, 3], ids=["one design", "three designs"])
def estimated(request, made, small_cohort):
    designs = tuple(made(small_cohort, BASELINE, draws=50, seed=number) for number in range(request.param))
    adjusted = AdjustedSample("none", designs, {}, {})
    return estimate(adjusted, small_cohort, GRID, SEED), designs


def test_columns_are_those_of_the_contract(estimated):
    table = estimated[0].table
    assert set(table.columns) == set(COLUMNS) - set(KEYS)
    assert set(table["unit"]) == {"log ratio", "ratio", "probability", "months"}
    assert (table["subgroup"] == "").all()


def test_every_row_summarises_the_draws_that_it_names(estimated, small_cohort):
    result, designs = estimated
    rng = np.random.default_rng([SEED, 3])
    curves = [standardise(design, small_cohort, GRID, rng) for design in designs]
    assert len(result.table) == 2 + 3 * (1 + 3 * 3 + 3 + 3 + 3)
    for _, row in result.table.iterrows():
        estimand = ESTIMANDS[row["estimand"]]
        population = 0 if row["population"] == "conditional" else POPULATIONS.index(row["population"])
        listed = [np.nan if time is None else time for time in estimand.times(GRID)]
        (time,) = np.flatnonzero([np.array_equal(one, row["time"], equal_nan=True) for one in listed])
        draws = np.stack([estimand.draws(one)[population, time].reshape(1, 2, 50) for one in curves], axis=-1)
        for name, value in summarise(draws).items():
            assert_allclose(row[name], value[0], rtol=1e-9, err_msg=f"{row['estimand']} {name}")
        assert_allclose(
            row["probability_of_benefit"], probability_of_benefit(draws, estimand.null, estimand.benefit)[0]
        )


def test_curves_are_quantiles_of_the_draws(estimated, small_cohort):
    result, designs = estimated
    rng = np.random.default_rng([SEED, 3])
    survival = np.concatenate([standardise(one, small_cohort, GRID, rng).survival for one in designs], axis=2)
    expected = np.quantile(survival[..., GRID.display], [0.025, 0.5, 0.975], axis=2)
    assert_allclose(result.curves["survival"].to_numpy(), expected)
    assert result.curves["survival"].dims == ("quantile", "population", "arm", "time")
    assert result.curves.attrs["time_unit"] == "months"
    assert list(result.curves["arm"].to_numpy()) == list(ARMS)
    assert np.all(result.curves["hazard_ratio"] > 0)


def test_the_share_of_draws_in_which_a_median_is_not_reached(made, small_cohort):
    log_hazard = np.full((2, 50, 3), -3.0)
    log_hazard[:, :20] = -9.0
    design = made(small_cohort, BASELINE, draws=50, log_hazard=log_hazard, treatment_effect=-0.1)
    result = estimate(AdjustedSample("none", (design,), {}, {}), small_cohort, GRID, SEED)
    assert result.not_reached == {"control": 0.4, "treated": 0.4}
    rows = result.table[result.table["population"] == "all"].drop_duplicates("estimand").set_index("estimand")
    assert np.isinf(rows.loc["median_treated", "upper"])
    assert np.isnan(rows.loc["median_treated", "mean"])
    assert np.isnan(rows.loc["median_difference", "probability_of_benefit"])
