"""Calibration: ranks and coverage find a wrong posterior, hold a right one; the card, and the digest of its source."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, kstest

from inference.calibration.card import Card, _by_parameter, _summaries, card_text, load_card
from inference.calibration.coverage import CELLS, SCENARIOS, Cell, Estimated, estimated
from inference.calibration.digest import BEGIN, LAYERS, source_digest
from inference.calibration.page import page_text
from inference.calibration.ranks import POSTERIORS, ranks_of
from inference.calibration.records import death_times, hazards_of
from inference.storage.closure import digest_of, reached
from inference.storage.provenance import ROOT


def test_times_of_a_changing_hazard_have_its_survival():
    """Treated from 5 on, in closed form: S(t) = exp(-H0(5)) exp(-[H1(t) - H1(5)])."""
    rng = np.random.default_rng(1)
    parameters = {"log_hazard": np.log([0.05, 0.02, 0.03])}
    hazards = hazards_of(parameters, (3.0, 9.0), np.array([0.0, 0.5, -0.5]))
    start = np.where(np.arange(40_000) % 2, 5.0, np.inf)
    death = death_times(hazards, np.full(40_000, 0.3), start, rng)
    relative = np.exp(0.3)

    def survival(time, treated):
        rates = np.array([0.05, 0.02, 0.03])
        spent = np.diff(np.clip([0.0, 3.0, 9.0, np.inf], 0, time))
        untreated = (rates * spent).sum()
        if not treated or time <= 5.0:
            return np.exp(-relative * untreated)
        before = rates[0] * 3.0 + rates[1] * 2.0
        after = rates[1] * np.exp(0.5) * (min(time, 9.0) - 5.0) + rates[2] * np.exp(-0.5) * max(
            time - 9.0, 0.0
        )
        return np.exp(-relative * (before + after))

    for treated in (False, True):
        own = death[np.isfinite(start) == treated]
        for time in (2.0, 7.0, 20.0, 60.0):
            expected = survival(time, treated)
            assert abs((own > time).mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / len(own))


def test_a_weibull_hazard_ratio_holds_at_all_times():
    parameters = {"median_survival": np.array(20.0), "weibull_shape": np.array(1.4)}
    untreated, treated = hazards_of(parameters, (), np.array([-0.7]))
    time = np.array([1.0, 10.0, 50.0])
    np.testing.assert_allclose(
        treated.cumulative(time), np.exp(-0.7) * untreated.cumulative(time), rtol=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["piecewise_exponential, none", "weibull, joint"])
def test_ranks_are_uniform(name, full):
    """Sampled down: 20 replications; a p-value below 1e-4 comes once in 10,000 parameters."""
    found = _by_parameter([ranks_of(name, number, 5) for number in range(200 if full else 20)])
    for parameter, values in found.items():
        assert kstest(values, "uniform").pvalue > 1e-4, parameter


@pytest.mark.slow
def test_ranks_find_a_wrong_prior(monkeypatch):
    """Truths from a prior that is shifted by two standard deviations are above most draws of their posteriors."""
    import inference.calibration.ranks as ranks

    drawn = ranks.draw_prior

    def shifted(*arguments):
        truth = drawn(*arguments)
        return truth | {"treatment_effect": truth["treatment_effect"] + 1.4}

    monkeypatch.setattr(ranks, "draw_prior", shifted)
    found = [ranks_of("weibull, none", number, 5)["treatment_effect"] for number in range(20)]
    assert kstest(found, "uniform").pvalue < 0.01


def test_every_scenario_and_adjustment_is_covered():
    found = {(cell.scenario, cell.adjustment) for cell in CELLS}
    assert found == {(name, one) for name, scenario in SCENARIOS.items() for one in scenario.adjustments}
    assert len(POSTERIORS) == 8


def test_shares_and_bias_are_those_of_the_errors():
    """Draws with 10 %, 40 % and 99 % below the truth: in none, one and none of the middle halves; in two of the middle 95 %."""
    found = [{"x": Estimated(error, 2.0, place)} for error, place in ((-1.0, 0.1), (0.0, 0.4), (4.0, 0.99))]
    (row,) = _summaries(Cell("s", "weibull", "none"), found)
    assert (row["held_50%"], row["held_95%"], row["cohorts"]) == (1, 2, 3)
    assert row["bias"] == pytest.approx(0.5)
    assert row["sd_ratio"] == pytest.approx(2.0 / np.std([-1.0, 0.0, 4.0], ddof=1), abs=1e-3)
    card = Card({"commit": "abc", "seed": 1, "digest": "d", "replications": 3, "cohorts": 3}, {}, [row])
    table = card.coverage_table()
    # limits by Clopper and Pearson: the tails of the binomial distribution beyond them hold 2.5 %
    assert binom.sf(1, 3, table["lower_95%"][0]) == pytest.approx(0.025, abs=1e-6)
    assert binom.cdf(2, 3, table["upper_95%"][0]) == pytest.approx(0.025, abs=1e-6)


@pytest.mark.slow
def test_one_cohort_has_the_quantities_of_its_adjustment():
    cell = Cell("weak confounding", "weibull", "overlap")
    found = estimated(cell, 0, 1)
    assert set(found) == {"rmst_difference"}
    assert found == estimated(cell, 0, 1)
    assert set(estimated(replace(cell, adjustment="none"), 0, 1)) == {"rmst_difference", "log_hazard_ratio"}


def test_the_committed_page_is_of_the_committed_card():
    from inference.storage.provenance import ROOT

    card = load_card()
    if card is None:
        pytest.skip("no card is committed: run make calibrate")
    assert (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8") == page_text(card)
    assert (ROOT / "docs" / "calibration.json").read_text(encoding="utf-8") == card_text(card)


SOURCE = '"""About."""\nimport numpy as np\n\ndef hazard(t):\n    """Return a hazard."""\n    return 2 * t\n\ndef other():\n    return 1\n'


@pytest.fixture
def written(tmp_path):
    """Return sources as files of a folder of their own."""

    def write(*sources):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        files = [folder / f"part_{number}.py" for number in range(len(sources))]
        for file, source in zip(files, sources, strict=True):
            file.write_text(source, encoding="utf-8")
        return files

    return write


@pytest.mark.parametrize(
    "same",
    [
        SOURCE.replace("About", "Of something else").replace("Return a hazard", "A hazard"),
        SOURCE.replace("import numpy as np", "from models import numpy as np"),
        SOURCE.replace("    return 2 * t", "    # twice\n    return (2 * t)"),
        '"""Moved."""\n\ndef other():\n    return 1\n\ndef hazard(t):\n    return 2 * t\n',
    ],
)
def test_moves_and_words_do_not_count(same, written):
    assert digest_of(written(same)) == digest_of(written(SOURCE))


@pytest.mark.parametrize(
    "other", [SOURCE.replace("2 * t", "3 * t"), SOURCE.replace("return 1", "return '1'"), ""]
)
def test_a_formula_counts(other, written):
    assert digest_of(written(other)) != digest_of(written(SOURCE))


def test_functions_split_over_files_are_the_same(written):
    head, tail = SOURCE.split("def other")
    assert digest_of(written("def other" + tail, head)) == digest_of(written(SOURCE))


def test_the_source_of_models_and_samplers_is_reached_and_no_page_is():
    files = {file.relative_to(ROOT).as_posix() for file in reached([ROOT / name for name in BEGIN], LAYERS)}
    assert {"models/likelihood.py", "inference/sampling/engine.py", "models/maximisers/score.py"} <= files
    assert {"models/baselines/weibull.py", "models/exposures/unknown_start.py"} <= files
    assert not [name for name in files if "report" in name or "figures" in name]


def test_the_committed_card_is_of_this_source():
    """Fails when a model or a sampler changed since: run `make calibrate`, look at the page, and commit it."""
    card = load_card()
    if card is None:
        pytest.skip("no card is committed: run make calibrate")
    assert card.made_of["digest"] == source_digest()
