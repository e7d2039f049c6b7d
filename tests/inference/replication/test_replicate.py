"""The whole replication: all cohorts, curves that pass through what was computed, and one's own matching."""

import numpy as np
import pandas as pd
import pytest

from inference.frequentist.balance import standardised_differences
from inference.frequentist.matching import logit_propensity, match, on_scale
from inference.published.reanalysis.lines import PHASE_WORDS
from inference.published.reanalysis.matching_lines import FAMILY, own_score, treatment_ratio
from inference.published.reanalysis.replicate import ReplicationSettings, pseudo_patients, replicate


def test_cohorts_are_kept_apart_and_in_order(li2024):
    for pseudo in li2024.pseudo:
        own = li2024.patients[li2024.patients["cohort"] == pseudo.number]
        np.testing.assert_array_equal(pseudo.cohort.time, own["time"])
        np.testing.assert_array_equal(pseudo.matched, own["matched"] == 1)
        grouped = pseudo.groups["rt_modality"]
        np.testing.assert_array_equal(grouped != "", own["treatment"] == 1)


def test_modalities_find_their_patients_whatever_their_order(li2024):
    shuffled = li2024.modalities.sample(frac=1, random_state=3)
    for one, other in zip(
        pseudo_patients(li2024.patients, shuffled, li2024.study), li2024.pseudo, strict=True
    ):
        np.testing.assert_array_equal(one.groups["rt_modality"], other.groups["rt_modality"])


def test_every_line_is_there_once_for_every_cohort(replication):
    counted = replication.table.groupby(["family", "line"])["cohort"].agg(list)
    assert counted.map(lambda cohorts: cohorts == [1, 2]).all()
    assert len(replication.summary) == len(counted)
    assert replication.cohorts == 2
    families = ["Survival", "Cox", "Subgroups, metastatic site", "Subgroups, rt modality"]
    assert replication.summary["family"].unique().tolist() == [
        *families,
        "Table 1, counts",
        "Table 1, tests",
        FAMILY,
    ]


def test_progress_is_told(li2024):
    told = []
    one = li2024.patients[li2024.patients["cohort"] == 2]
    replicate(one, li2024.modalities, li2024.study, li2024.evidence, done=lambda *now: told.append(now))
    assert told == [(1, 1)]


def test_curves_are_kaplan_meier_curves_of_their_groups(replication, li2024):
    curves = replication.curves
    for phase, words in PHASE_WORDS.items():
        one = curves[
            (curves["figure"] == "arms")
            & (curves["panel"] == words)
            & (curves["group"] == "control")
            & (curves["cohort"] == 1)
        ]
        own = li2024.pseudo[0].inside(phase, "control")
        time, event = li2024.pseudo[0].cohort.time[own], li2024.pseudo[0].cohort.event[own]
        for at in (0, len(one) // 2, len(one) - 1):
            point = one.iloc[at]
            product = 1.0
            for death in np.unique(time[event & (time <= point["time"])]):
                product *= 1 - (event & (time == death)).sum() / (time >= death).sum()
            assert point["survival"] == pytest.approx(product)
        assert one["time"].max() <= time.max()
    assert set(curves["figure"]) == {"arms", "metastatic_site", "rt_modality"}


def test_points_are_what_is_printed(replication):
    points = replication.points.set_index(["figure", "panel", "group", "kind"]).sort_index()
    median = points.loc[("arms", "after matching", "treated", "median")].iloc[0]
    assert median[["time", "lower", "upper", "survival"]].tolist() == [57.2, 44.5, 69.8, 0.5]
    assert points.loc[("arms", "before matching", "control", "survival"), "survival"].tolist() == [
        pytest.approx(value) for value in (0.839, 0.455, 0.25)
    ]
    modality = points.loc[("rt_modality", "", "SBRT", "median")].iloc[0]
    assert modality["time"] == modality["lower"] == 57.2
    assert len(replication.points) == 4 * 4 + 8 + 3


def test_pairs_and_what_comes_of_them_are_those_of_the_matching(replication, li2024):
    pseudo = li2024.pseudo[0]
    cohort = pseudo.cohort
    score = own_score(pseudo, "probability")
    expected = on_scale(
        logit_propensity(cohort.propensity.values, cohort.treatment), cohort.treatment, "probability"
    )
    np.testing.assert_array_equal(score, expected)
    own = replication.table[(replication.table["family"] == FAMILY) & (replication.table["cohort"] == 1)]
    lines = own.set_index("line")["computed"]
    for method in ("greedy", "optimal"):
        matching = match(score, cohort.treatment, 0.02, method)
        assert lines[f"{method}, pairs"] == matching.pairs
        inside = matching.patients(cohort.size).astype(float)
        table = standardised_differences(cohort.propensity, cohort.treatment, inside)
        difference = lines[f"{method}, largest standardised difference"]
        assert difference == pytest.approx(table["difference_after"].abs().max())
    printed = own.set_index("line")["printed"]
    assert printed["greedy, pairs"] == "135"
    assert printed["greedy, hazard ratio of treatment, univariable"] == "0.485"
    assert treatment_ratio(li2024.evidence).text == "0.485"


def test_wider_calipers_find_more_pairs(replication):
    by_caliper = replication.pairs.sort_values("caliper").groupby(["cohort", "method"])["pairs"]
    assert by_caliper.apply(
        lambda pairs: pairs.is_monotonic_increasing and pairs.iloc[-1] > pairs.iloc[0]
    ).all()
    wide = replication.pairs.pivot_table(index=["cohort", "caliper"], columns="method", values="pairs")
    assert (wide["optimal"] >= wide["greedy"]).all()


def test_the_caliper_is_a_setting(li2024, replication):
    one = li2024.patients[li2024.patients["cohort"] == 1]
    narrow = replicate(
        one,
        li2024.modalities,
        li2024.study,
        li2024.evidence,
        ReplicationSettings(0.001, "probability", (0.1,)),
    )
    chosen = {
        name: found.table[(found.table["line"] == "optimal, pairs") & (found.table["cohort"] == 1)][
            "computed"
        ].item()
        for name, found in (("narrow", narrow), ("default", replication))
    }
    assert chosen["narrow"] < chosen["default"]
    assert isinstance(narrow.pairs, pd.DataFrame)
    assert narrow.pairs["caliper"].unique().tolist() == [0.1]


@pytest.mark.slow
def test_reconstructed_cohorts_give_the_printed_numbers(li2024):
    """The reconstruction computes its targets by compiled code of its own: both must agree on what a number is."""
    from data.published.reconstruction import reconstruct

    made = reconstruct(li2024.study, li2024.evidence, 2, seed=6, workers=1)
    found = replicate(made.patients, made.modalities, li2024.study, li2024.evidence)
    summary = found.summary.set_index(["family", "line"])
    assert (summary.loc["Table 1, counts", "agreeing"] == 1).all()
    targets = made.targets.groupby("family")["value"].mean()
    assert len(targets) > 5
    held = {
        ("Survival", "median survival, RT after matching"): 0.5,
        ("Survival", "survival at 36, nonRT before matching"): 0.25,
        ("Survival", "deaths, all before matching"): 0.0,
        ("Cox", "multivariable, RT yes against no, hazard ratio"): 0.02,
        ("Cox", "univariable, T stage T2 against T1, hazard ratio"): 0.02,
        ("Subgroups, metastatic site", "brain, nonRT, median"): 0.5,
        ("Subgroups, rt modality", "SBRT, RT, median"): 0.6,
    }
    for line, tolerance in held.items():
        assert abs(summary.loc[line, "difference"]) <= tolerance, line
    assert (
        summary.loc[("Cox", "univariable (in the text), RT yes against no, hazard ratio"), "difference"] > 0.1
    )
