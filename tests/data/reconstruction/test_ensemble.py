"""A cohort depends on its seed and number alone; what cannot be held is said; fewer tables do too."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data.errors import InputError
from data.published.printed import printed
from data.published.reconstruction import STATED, reconstruct
from data.published.reconstruction.cohorts import draw_cohort, plan_of
from data.published.reconstruction.deaths import death_classes, death_counts
from data.published.reconstruction.lifetimes import draw_lifetimes
from data.published.reconstruction.margins import strata_of

SEED = 20240101


@pytest.mark.long
def test_a_cohort_is_the_same_however_many_are_drawn_and_by_whom(li2024, evidence, made):
    """The fixture draws two in this process; here three are drawn by two workers, and one alone."""
    told = []
    other = reconstruct(
        li2024, evidence, 3, SEED, done=lambda ready, total: told.append((ready, total)), workers=2
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    first_two = other.patients[other.patients["cohort"] <= 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(first_two, made.patients, check_exact=True)
    modalities = other.modalities[other.modalities["cohort"] <= 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(modalities, made.modalities)
    later = reconstruct(li2024, evidence, 1, SEED, workers=1, first=3)
    third = other.patients[other.patients["cohort"] == 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(later.patients, third, check_exact=True)
    assert (later.targets["cohort"] == 3).all()
    alone = draw_cohort(plan_of(li2024, evidence), SEED, 2)
    expected = made.patients.loc[made.patients["cohort"] == 2, "time"].to_numpy()
    assert np.array_equal(alone.time, expected)


def test_cohorts_differ_from_each_other(made):
    one, other = (made.patients.loc[made.patients["cohort"] == number] for number in (1, 2))
    assert (one["time"].to_numpy() != other["time"].to_numpy()).mean() > 0.9
    assert (one["brain"].to_numpy() != other["brain"].to_numpy()).mean() > 0.1


def test_times_have_four_decimals(made):
    times = made.patients["time"].to_numpy()
    assert np.array_equal(times, np.round(times, 4))


@pytest.mark.slow
@pytest.mark.long
def test_targets_that_pull_against_each_other_are_named(li2024, evidence, with_rows):
    """A matched hazard ratio of 1.3 cannot go with the printed curves, in which the treated live longer."""
    wrong = printed("1.300", "0.970", "1.742")
    changed = with_rows(evidence, "cox", {"hazard_ratio": wrong}, variable="RT", model="univariable")
    made = reconstruct(li2024, changed, 1, 1, workers=1)
    assert "univariable hazard ratio, RT: yes" in set(made.missed["target"])
    said = [text for text in made.conflicts if "univariable hazard ratio, RT: yes: printed 1.3" in text]
    assert len(said) == 1
    assert said[0].startswith("cohort 1: ")
    assert "towards it worsen" in said[0]
    pulled = said[0].split("worsen")[1]
    assert any(word in pulled for word in ("after matching", "multivariable hazard ratio, RT"))
    exact = made.targets[made.targets["family"].isin(["table 1", "deaths"])]
    assert (exact["z"] == 0).all()


def test_a_study_with_less_in_print_can_be_reconstructed(li2024, evidence):
    """No matching, no Cox table, no subgroups, no follow-up."""
    counts, survival = (
        tuple(row for row in rows if row.phase == "before") for rows in (evidence.counts, evidence.survival)
    )
    survival = tuple(row for row in survival if row.quantity != "median_followup")
    less = replace(evidence, counts=counts, survival=survival, cox=(), subgroups=(), facts=())
    made = reconstruct(li2024, less, 1, 3, workers=1)
    assert len(made.patients) == 488
    assert (made.patients["matched"] == 0).all()
    assert made.modalities.empty
    assert made.patients["event"].sum() == 344
    assert made.missed.empty


def test_deaths_move_only_between_strata_that_the_same_counts_hold(li2024, evidence):
    strata = strata_of(li2024, evidence)
    classes = death_classes(death_counts(evidence, strata), strata)
    assert classes[strata.matched].tolist() == [classes[strata.matched][0]] * 2
    assert classes[~strata.matched].tolist() == [classes[~strata.matched][0]] * 2
    assert len(set(classes)) == 2


@pytest.mark.parametrize("deaths", ["345", "120"])
def test_deaths_that_no_cohort_can_have_are_refused(li2024, evidence, with_rows, deaths):
    """More after matching than before; or so few that those outside must be more than there are."""
    wrong = {"number": printed(deaths)}
    changed = with_rows(evidence, "survival", wrong, quantity="deaths", phase="after")
    with pytest.raises(InputError, match=rf"survival\.csv: deaths must agree.*{deaths} of all after"):
        plan_of(li2024, changed)


def test_effects_are_drawn_within_their_printed_error(li2024, evidence):
    """The generative model's brain effect has the printed mean and standard error, over many draws."""
    strata = strata_of(li2024, evidence)
    size, brain = strata.sizes.sum(), list(li2024.covariates).index("brain")
    levels = np.zeros((size, len(li2024.covariates)), dtype=int)
    levels[::2, brain] = 1
    found = []
    for seed in range(200):
        relative = np.log(
            draw_lifetimes(li2024, evidence, strata, levels, np.random.default_rng(seed), STATED, {}).relative
        )
        gap = [
            relative[arm & (levels[:, brain] == 1)].mean() - relative[arm & (levels[:, brain] == 0)].mean()
            for arm in (strata.treated[strata.of_patient], ~strata.treated[strata.of_patient])
        ]
        found.append(np.mean(gap))
    assert np.mean(found) == pytest.approx(np.log(1.732), abs=0.04)
    assert np.std(found) == pytest.approx(0.154, rel=0.2)
