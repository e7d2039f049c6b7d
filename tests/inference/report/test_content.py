from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from inference.report.content import FigureItem, ReportSection, companion, estimand_row, fit_rows, fits
from inference.report.effect_tables import effects_table, outcomes_table
from inference.report.sentences import answer, exposure_sentence, limits, reading_guide


def test_the_answer_names_numbers_population_horizon_exposure_and_adjustment(make_report):
    said = answer(make_report())
    assert (
        "131 days longer (95 % interval 62 to 200 days longer; probability of benefit 0.999)" in said.sentence
    )
    assert "0.70 (95 % interval 0.54 to 0.86; probability of benefit 0.999)" in said.sentence
    of_model = ("naive", "(joint)", "Hormonal therapy", "prior set default")
    for part in ("all 686 patients", "first 1826 days", *of_model):
        assert part in said.sentence


def test_joint_is_never_reported_without_cut(make_report):
    said = answer(make_report())
    assert "(cut)" in said.beside
    assert "0.72" in said.beside
    assert not said.lacks_companion
    report = make_report()
    alone = report.estimands[report.estimands["adjustment"] != "cut"]
    said = answer(make_report(estimands=alone))
    assert said.lacks_companion
    assert "No fit with adjustment cut" in said.beside


def test_cut_as_the_main_fit_has_joint_beside_it(make_report):
    report = make_report()
    main = {**report.main, "adjustment": "cut"}
    assert companion(make_report(main=main)) == report.main
    assert "(joint)" in answer(make_report(main=main)).beside


def test_an_effect_that_varies_is_not_said_as_one_number(make_report):
    report = make_report()
    table = report.estimands
    twice = table[table["estimand"] == "hazard_ratio"].assign(time=365.0)
    varying = pd.concat([table, twice], ignore_index=True)
    assert "not one number" in answer(make_report(estimands=varying)).sentence
    row = effects_table(make_report(estimands=varying)).rows[0]
    assert any("varies" in cell.text for cell in row.cells)


def test_weights_and_pairs_have_the_effect_in_their_own_population(make_report):
    """They condition on no covariate: their hazard ratio is one number, of one population, and does not vary."""
    table = make_report().estimands
    pairs = table[(table["adjustment"] == "none") & ~table["population"].isin(["treated", "overlap"])]
    pairs = pairs.assign(adjustment="matched", population="matched")
    cells = [
        cell.text
        for cell in effects_table(make_report(estimands=pd.concat([table, pairs]))).rows[-1].cells[1:]
    ]
    assert cells == [
        "Matched pairs",
        "0.71 (0.55 to 0.87), marginal",
        "0.999",
        "0.74 (0.58 to 0.90), matched patients",
        "0.999",
        "131 (62 to 200), matched patients",
        "0.999",
    ]


def test_the_main_fit_comes_first_and_is_marked(make_report):
    report = make_report()
    assert fits(report.estimands, report.main)[0] == report.main
    assert len(fits(report.estimands, report.main)) == 6
    table = effects_table(report)
    assert [row.kind for row in table.rows] == ["main"] + [""] * 5
    assert [cell.text for cell in table.rows[0].cells][:4] == [
        "Piecewise exponential",
        "Joint propensity",
        "0.70 (0.54 to 0.86)",
        "0.999",
    ]


def test_a_median_that_is_not_reached_is_said_in_words(make_report):
    table = outcomes_table(make_report())
    median = [row for row in table.rows if row.cells[0].text.startswith("Median")]
    assert [row.cells[2].text for row in median] == ["not reached (1700 to not reached)"] * 2


def test_subgroup_rows_do_not_stand_in_for_everybody(make_report):
    report = make_report()
    rows = fit_rows(report.estimands, report.main)
    subgroup = rows[rows["estimand"] == "hazard_ratio"].assign(subgroup="menostat=Pre", median=9.0)
    found = estimand_row(pd.concat([rows, subgroup]), "hazard_ratio", "conditional")
    assert found is not None
    assert found["median"] == pytest.approx(0.70)


def test_a_missing_main_fit_is_refused(make_report):
    report = make_report()
    with pytest.raises(ValueError, match="must hold the main fit"):
        make_report(estimands=report.estimands[report.estimands["adjustment"] == "none"])


def test_figures_have_ids_of_their_own_and_known_groups(make_report):
    figure = FigureItem("a", "A", "", str, "answer")
    with pytest.raises(ValueError, match="own id, but found a"):
        make_report(figures=[figure, figure])
    with pytest.raises(ValueError, match="must be one of answer"):
        FigureItem("a", "A", "", str, cast(Any, "elsewhere"))


@pytest.mark.parametrize(
    ("exposure", "said"),
    [
        ("naive", "treated from time zero"),
        ("time_split", "until treatment began"),
        ("landmark_90", "at 90 days"),
    ],
)
def test_exposure_is_explained_in_one_sentence(study, exposure, said):
    assert said in exposure_sentence(exposure, study)


def test_the_guide_explains_only_what_was_used(make_report):
    terms = [term for term, _ in reading_guide(make_report())]
    assert {"Adjustment none", "Adjustment joint", "Adjustment cut"} <= set(terms)
    assert "Adjustment iptw" not in terms


def test_limits_name_the_covariates_and_say_what_is_not_addressed(make_report):
    said = " ".join(limits(make_report()))
    assert "Tumour grade" in said
    assert "not addressed on this page" in said
    assert "nothing is corrected here" in said


def test_where_there_is_no_number_the_reason_stands_alone(make_report):
    """A design that the patients do not give has its reason in the table, and no population beside an empty cell."""
    table = make_report().estimands
    row = table[(table["adjustment"] == "none") & (table["estimand"] == "hazard_ratio")].iloc[[0]]
    nothing = dict.fromkeys(["mean", "sd", "median", "lower", "upper", "probability_of_benefit"], np.nan)
    for adjustment, population in (("matched", "matched"), ("iptw", "all")):
        lacking = row.assign(
            adjustment=adjustment, population=population, note="not estimable: no pairs", **nothing
        )
        report = make_report(estimands=pd.concat([table, lacking]))
        assert [cell.text for cell in effects_table(report).rows[-1].cells[2:]] == [
            "not estimable: no pairs",
            *"–––––",
        ]


def test_the_sentence_that_opens_a_section_does_not_stand_in_its_fold_again():
    finding = "The ratio is 0.5."
    section = ReportSection(
        "a", "A", ("Why. The ratio is 0.5. And so on.", finding, "Last."), finding=finding
    )
    assert section.folded == ("Why. And so on.", "Last.")
    assert ReportSection("a", "A", ("First.", "Second.")).folded == ("Second.",)
