"""The nouns of a study and the sentence on calibration."""

import re
from dataclasses import replace
from html import unescape

import pandas as pd
import pytest

from data.study.sections import Propensity
from data.study.sections import Report as ReportKeys
from data.study.study import STUDIES, load_study
from inference.calibration.card import Card
from inference.calibration.digest import source_digest
from inference.report.adjustment_words import score_from_elsewhere
from inference.report.calibration_words import calibration_words
from inference.report.check_tables import subject_in_words
from inference.report.content import ReportSection, fit_rows
from inference.report.headline import result_of
from inference.report.methods_words import methods_paragraph
from inference.report.page import render
from inference.report.sentences import answer, limits, no_evidence, reading_guide
from inference.report.vocabulary import vocabulary

NONSENSE = re.compile(
    r"\b(?:no|real|not one|any|single) pseudo-patients?\b(?! is a patient)|pseudo-patients? (?:is|are|was|were) (?:not )?published",
    re.IGNORECASE,
)


def text_of(page):
    without = re.sub(r"<(style|script|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", without)))


@pytest.fixture
def pseudo(make_report):
    """A report on pseudo-patients, with pairs, whose population is named beside their numbers."""
    table = make_report().estimands
    pairs = table[(table["adjustment"] == "none") & ~table["population"].isin(["treated", "overlap"])]
    pairs = pairs.assign(adjustment="matched", population="matched")
    return make_report(study=load_study("li2024"), estimands=pd.concat([table, pairs]))


def test_what_is_said_of_real_patients_is_not_said_of_pseudo_patients(pseudo):
    said = text_of(render(pseudo))
    assert NONSENSE.findall(said) == []
    assert "No patient of this study is published" in said
    assert "holds no real patient" in said
    assert "It holds no row of a single patient" in said


def test_everything_else_calls_them_pseudo_patients(pseudo):
    said = text_of(render(pseudo))
    for allowed in (
        "no patient of this study is published",
        "no real patient",
        "row of a single patient",
        "this study publishes no patients",
        "no pseudo-patient is a patient",
    ):
        said = re.sub(allowed, "", said, flags=re.IGNORECASE)
    assert re.findall(r".{20}(?<![\w-])patients?\b.{20}", said) == []


def test_a_study_with_patients_has_patients(make_report):
    said = text_of(render(make_report()))
    assert "pseudo" not in said
    assert "686 patients" in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("li2024", ("pseudo-patient", "overall survival", "death")),
        ("gbsg2", ("patient", "recurrence-free survival", "event")),
        ("stanford_heart", ("patient", "overall survival", "death")),
    ],
)
def test_the_nouns_of_the_bundled_studies(name, words):
    said = vocabulary(load_study(name))
    assert (said.patient, said.outcome, said.event) == words


def test_without_a_name_the_words_are_survival_and_event(study):
    plain = replace_report(study, outcome=None)
    assert (vocabulary(plain).outcome, vocabulary(plain).event) == ("survival", "event")
    assert ReportKeys().outcome is None


def replace_report(study, **changes):
    return study.model_copy(update={"report": study.report.model_copy(update=changes)})


@pytest.mark.parametrize("outcome", ["overall survival", "disease-free survival", None])
def test_the_page_names_what_is_survived(make_report, study, outcome):
    report = make_report(study=replace_report(study, outcome=outcome))
    name = outcome or "survival"
    said = text_of(render(report))
    assert f"mean {name} within the first" in answer(report).sentence
    assert f"Mean {name} (restricted mean, RMST)" in [term for term, _ in reading_guide(report)]
    assert f"{name[:1].upper()}{name[1:]} at 365 days, %" in said
    assert ("Deaths" in said) == (outcome == "overall survival")
    assert "vent-free time" not in said


def test_the_outcome_is_read_from_the_study_file(tmp_path):
    text = (STUDIES / "gbsg2" / "study.toml").read_text(encoding="utf-8")
    (tmp_path / "study.toml").write_text(text.replace("recurrence-free", "event-free"), encoding="utf-8")
    assert load_study(tmp_path / "study.toml").report.outcome == "event-free survival"


def test_confounding_is_not_called_unaddressed_where_a_section_addresses_it(make_report):
    assert "not addressed on this page" in limits(make_report())[0]
    addressed = make_report(sections=[ReportSection("confounding", "What if", ("Text.",))])
    assert "not addressed" not in " ".join(limits(addressed))
    assert "section on unmeasured confounding" in limits(addressed)[0]


def test_the_answer_says_what_it_does_not_show(pseudo, make_report):
    assert "This is not evidence that “Radiotherapy” works" in text_of(render(pseudo))
    assert "no pseudo-patient is a patient" in no_evidence(pseudo)
    own = no_evidence(make_report())
    assert own.startswith("This alone does not show that “Hormonal therapy” works")
    assert "pseudo" not in own


def test_prior_sets_that_disagree_with_the_data_are_counted(make_report):
    report = make_report()
    said = text_of(render(report))
    first, second = report.sensitivity["prior_set"]
    assert (
        f"the prior hardly matters ({first}); prior and data pull in different directions ({second})" in said
    )
    alone = make_report(sensitivity=pd.DataFrame(report.sensitivity.iloc[:1]))
    assert "By power scaling" not in text_of(render(alone))


def test_limits_of_a_study_alone_stand_among_the_limits(make_report):
    report = replace(make_report(), limits=("Only here.",))
    assert "Only here." in limits(report)
    assert "known at time zero" in " ".join(limits(report))


def test_of_a_score_from_elsewhere_nothing_is_called_estimated(make_report, study):
    """The main fit is cut, whose score is then a column; what is said of it names the column, and no treatment model."""
    given = study.model_copy(update={"propensity": Propensity(score="ps", score_scale="probability")})
    rows = make_report().estimands
    report = make_report(
        study=given,
        estimands=rows[rows["adjustment"] != "joint"],
        main=make_report().main | {"adjustment": "cut"},
    )
    guide = dict(reading_guide(report))
    for said in (
        answer(report).sentence,
        methods_paragraph(report),
        guide["Adjustment cut"],
        " ".join(limits(report)),
    ):
        assert "“ps”" in said
        assert "modelled" not in said
    assert not answer(report).lacks_companion
    assert score_from_elsewhere(given) in limits(report)
    assert "“ps”" not in " ".join(limits(make_report()))


def test_the_population_of_a_hazard_ratio_is_of_pseudo_patients_where_they_are(make_report):
    """Weights and pairs have a population of their own, which the first screen names."""
    report = make_report()
    rows = fit_rows(report.estimands, report.main)
    own = rows.assign(population=rows["population"].replace("conditional", "matched"))
    for name, whose in (("li2024", "matched pseudo-patients"), ("gbsg2", "matched patients")):
        labels = [one.label for one in result_of(load_study(name), own).numbers]
        assert labels[-1].endswith(f", {whose}")


def test_subjects_of_checks_are_in_words():
    study = load_study("gbsg2")
    said = [subject_in_words(f"shift of {term}", study) for term in ("tgrade[T.II]", "log(pnodes)", "age")]
    assert said == ["shift of Tumour grade: II", "shift of log(pnodes)", "shift of Age, years"]
    assert (
        subject_in_words("survival at 18.3333 months, treated", study) == "survival at 18.33 months, treated"
    )
    assert subject_in_words("events in (0, 281] days, control", study) == "events in (0, 281] days, control"


@pytest.fixture
def card():
    row = {
        "scenario": "s",
        "baseline": "weibull",
        "adjustment": "none",
        "estimand": "rmst_difference",
        "cohorts": 40,
    }
    cells = [row | {"held_50%": 20, "held_95%": held, "bias": 0.0, "sd_ratio": 1.0} for held in (36, 40)]
    ranks = {"one": {"a": [0.1, 0.4, 0.6, 0.9], "b": [0.98, 0.99, 0.97, 0.96]}}
    made = {"commit": "abcdef0123456", "digest": source_digest(), "replications": 4, "cohorts": 40}
    return Card(made, ranks, cells)


def test_the_numbers_are_those_of_the_card(card):
    """All four ranks above 0.96: P = 2 x 0.04^4, which is 0.000."""
    said = calibration_words(card)
    assert "of 2 tests" in said
    assert "p-value is 0.000" in said
    assert "in 90 to 100 % of 40 cohorts" in said
    assert "abcdef0123" in said


def test_a_card_of_another_source_is_said_to_be(card):
    other = replace(card, made_of={**card.made_of, "digest": "other"})
    assert "out of date" in calibration_words(other)
    assert "out of date" not in calibration_words(card)
    assert calibration_words(None) == ""
