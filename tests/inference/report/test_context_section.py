"""Sections on cited literature, from a toxicity analysis that is written down: nothing is sampled."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit

from data.published.evidence import load_evidence
from data.published.toxicity import toxicity_evidence
from data.study.study import load_study
from inference.published.toxicity import read_toxicity, scenarios_of
from inference.report.sections.context import context_sections


@pytest.fixture(scope="module")
def evidence():
    return load_evidence(load_study("li2024"))


@pytest.fixture(scope="module")
def toxicity(evidence):
    """Draws around 9 % without and 33 % with the drug, timing unknown."""
    import xarray as xr

    rng, found = np.random.default_rng(2), toxicity_evidence(evidence)
    scenarios = scenarios_of(found)
    shape = (4, 500)

    def group():
        drawn = {
            "typical_log_odds": rng.normal(logit(0.09), 0.3, shape),
            "between_series_sd": rng.lognormal(-0.9, 0.5, shape),
            "drug_effect": rng.normal(logit(0.33) - logit(0.09), 0.4, shape),
            "timing_effect": rng.normal(0.2, 0.6, shape),
        }
        variables = {name: (("chain", "draw"), values) for name, values in drawn.items()}
        variables["series_shift"] = (("chain", "draw", "series"), rng.normal(0, 0.3, (*shape, 2)))
        variables["diverging"] = (("chain", "draw"), np.zeros(shape, dtype=np.int8))
        return xr.Dataset(variables)

    tree = xr.DataTree.from_dict({f"scenario_{place}": group() for place in range(len(scenarios))})
    return read_toxicity(found, scenarios, tree)


def words(section):
    cells = [cell.text for table in section.tables for row in table.rows for cell in row.cells]
    return " ".join([*section.paragraphs, *(table.caption for table in section.tables), *cells])


def test_without_a_review_there_is_no_section(evidence):
    assert context_sections(replace(evidence, review=()), None) == ()


def test_without_toxicity_the_rest_stays(evidence):
    (section,) = context_sections(evidence, None)
    assert section.id == "context"


def test_the_toxicity_section_says_what_was_found_and_how_it_was_read(evidence, toxicity):
    section, _ = context_sections(evidence, toxicity)
    said = words(section)
    assert "9 of 23 (39.1 %, SRS + T-DM1) and 1 of 22 (4.5 %, SRS without T-DM1)" in said
    assert "1 of 12 patients is then in neither group" in said
    assert "Both groups of Geraud 2017 had the drug" in said
    assert "nasopharyngeal" in said
    assert "not drawn by lot" in said
    assert "undefined: the difference may be 0" in said
    (figure,) = section.figures
    assert figure.group == "section"
    assert figure.drawing.wide().startswith("<svg")


def test_drugs_are_not_taken_for_radiotherapy_and_not_pooled(evidence):
    (section,) = context_sections(evidence, None)
    said = words(section)
    assert "This is not the effect of radiotherapy." in said
    assert "are not pooled" in said
    table = section.tables[0]
    assert [row.cells[0].text for row in table.rows] == ["E035", "E043", "E068", "E070"]
    assert [row.cells[6].text for row in table.rows] == [
        "0.64 (0.43 to 0.96)",
        "0.48 (0.28 to 0.83)",
        "not implied: no single numbers",
        "0.24 (0.10 to 0.56)",
    ]
    assert [row.cells[7].text.startswith("against another") for row in table.rows] == [
        False,
        True,
        False,
        False,
    ]


def test_prognosis_and_trials_are_shown_as_printed_with_their_notes(evidence):
    (section,) = context_sections(evidence, None)
    tables = {table.id: table for table in section.tables}
    medians = [row.cells[3].text for row in tables["prognosis"].rows]
    assert medians == ["3.40", "7.70", "15.1", "25.3", "14.4", "231"]
    assert "read 23.1" in tables["prognosis"].rows[-1].cells[-1].text
    assert len(tables["trials"].rows) == len(evidence.trials)
    noted = sum(bool(item.note) for item in (*evidence.review, *evidence.trials))
    assert len(tables["context-notes"].rows) == noted
    assert f"{noted} of the cited numbers and trials carry a note" in " ".join(section.paragraphs)


def test_figures_can_be_kept_by_the_caller(evidence, toxicity):
    asked = []

    def draw(name, figure):
        asked.append((name, figure().get_size_inches()[0] > 1))
        return lambda: "<svg/>"

    sections = context_sections(evidence, toxicity, draw)
    assert asked == [("toxicity", True), ("implied-ratios", True)]
    assert {figure.drawing() for section in sections for figure in section.figures} == {"<svg/>"}
