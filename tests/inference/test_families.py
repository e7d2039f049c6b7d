"""A new sensitivity analysis, and a new section with its table and sentence, work from their line in the family alone."""

from types import SimpleNamespace
from unittest.mock import patch

import pytest
import xarray as xr

from data.simulation.simulate import Truth, simulate_frame, simulated_study
from inference.diagnostics.checks.result import at_most
from inference.fits.requests import FitRequest
from inference.report.content import ReportSection
from inference.report.section import Section
from inference.report.sections import SECTIONS, sections_of, sentences_beside_the_answer, tables_of
from inference.sampling.engine import SamplerSettings
from inference.sensitivity import SENSITIVITIES
from inference.sensitivity.computed import sensitivity_chunks, sensitivity_of
from inference.sensitivity.sensitivity import MainAnalysis, Sensitivity
from inference.storage import cache
from inference.storage.cache import DATASET, cached
from models.priors import PriorSet

CALLS = []


@cached(DATASET)
def deaths_of_cohort(cohort, number):
    """Return the number of deaths of a cohort."""
    CALLS.append(number)
    return xr.Dataset({"deaths": float(cohort.event.sum())})


DEATHS = Sensitivity(
    "deaths",
    "deaths",
    lambda analysis: analysis.naive,
    deaths_of_cohort,
    lambda analysis: [(cohort, number) for number, cohort in enumerate(analysis.cohorts)],
    lambda computed: sum(float(one["deaths"]) for one in computed),
    lambda total: [at_most("convergence", "deaths", total, 10.0, "deaths of all cohorts")],
)


@pytest.fixture
def analysis(small_cohort):
    study = simulated_study(simulate_frame(Truth(), 50, seed=1)[1])
    main = FitRequest("weibull", "none", "constant", PriorSet("default"), SamplerSettings())
    return MainAnalysis(study, (small_cohort, small_cohort), main)


@patch.dict(SENSITIVITIES, {"deaths": DEATHS}, clear=True)
def test_a_sensitivity_analysis_is_computed_pooled_and_checked_from_its_line(analysis, tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "source_of", lambda module: module)  # this one stands outside the layers
    CALLS.clear()
    (chunk,) = sensitivity_chunks(analysis, tmp_path)
    assert chunk.size == 2
    chunk.run()
    assert not sensitivity_chunks(analysis, tmp_path)
    computed = sensitivity_of(analysis, tmp_path)
    assert CALLS == [0, 1]
    total = 2.0 * analysis.cohorts[0].event.sum()
    assert computed.of(DEATHS) == total
    (check,) = computed.checks
    assert (check.family, check.fit, check.subject) == ("convergence", "sensitivity", "deaths")
    assert check.status == ("pass" if total <= 10 else "fail")


@patch.dict(SENSITIVITIES, {"deaths": DEATHS}, clear=True)
def test_what_does_not_apply_is_neither_computed_nor_shown(analysis, tmp_path):
    late = SimpleNamespace(naive=False, study=analysis.study, cohorts=analysis.cohorts, main=analysis.main)
    assert not sensitivity_chunks(late, tmp_path)
    assert sensitivity_of(late, tmp_path).of(DEATHS) is None


SECTION = Section(
    lambda material: [ReportSection("deaths", "Deaths", ("All patients die.",))],
    lambda material: {"deaths": material.results.table},
    lambda material: "All patients die.",
    of_patients=True,
)


@patch.dict(SECTIONS, {"deaths": SECTION}, clear=True)
def test_a_section_brings_its_table_and_its_sentence_from_its_line():
    for source, words in (("file", "patients"), ("reconstruction", "pseudo-patients")):
        study = SimpleNamespace(cohort=SimpleNamespace(source=source))
        material = SimpleNamespace(results=SimpleNamespace(study=study, table="a table"))
        (shown,) = sections_of(material)
        assert shown.paragraphs == (f"All {words} die.",)
        assert tables_of(material) == {"deaths": "a table"}
        assert sentences_beside_the_answer(material) == ["All patients die."]
