"""Sections on a publication: its replication, the posterior beside it, covariates of unknown timing, cited literature."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from data.published.evidence import load_evidence
from data.published.printed import Printed
from data.published.toxicity import toxicity_evidence
from data.simulation.simulate import Truth, simulate_cohort
from data.study.study import load_study
from data.study.subcohorts import columns_of
from inference.frequentist.cox_of_cohorts import COMPLETE, NOTHING, TOGETHER, effect_without
from inference.frequentist.table import comparators
from inference.published.reanalysis.baseline_lines import COUNTS, TESTS, count_name, p_name, variables_with_p
from inference.published.reanalysis.cox_lines import FAMILY as COX
from inference.published.reanalysis.cox_lines import row_name
from inference.published.reanalysis.curves import curve_points
from inference.published.reanalysis.lines import Line, end_of, long_table
from inference.published.reanalysis.matching_lines import FAMILY as MATCHING
from inference.published.reanalysis.replicate import Replication, ReplicationSettings
from inference.published.toxicity import read_toxicity, scenarios_of
from inference.report.figures.risk_table import Followed
from inference.report.replicate_tables import outside, range_words, written
from inference.report.sections import literature
from inference.report.sections import toxicity as toxicity_page
from inference.report.sections.literature import literature_section
from inference.report.sections.published import beside_section
from inference.report.sections.replication import replicate_sections
from inference.report.sections.toxicity import toxicity_section
from inference.report.sections.untimed import limits_of_publication, untimed_section


def printed_lines(evidence):
    """Every line as it is printed, as if pseudo-patients gave it exactly; the two cohorts differ where it is said."""
    yield Line("Survival", "median survival, RT before matching", Printed("51.7", 51.7, 1), 51.7, "months")
    yield Line("Survival", "median survival, RT before matching, lower end", Printed("48.8", 48.8, 1), 44.3)
    for row in evidence.cox:
        name = row_name(row)
        if row.hazard_ratio is None:
            yield Line(COX, f"{name}, P", row.p, row.p.value, "P")
        elif row.hazard_ratio.interval:
            value = 0.485 if row.hazard_ratio.text == "0.361" else row.hazard_ratio.value
            yield Line(COX, f"{name}, hazard ratio", row.hazard_ratio, value, "hazard ratio")
            for side in ("lower", "upper"):
                end = end_of(row.hazard_ratio, side)
                yield Line(COX, f"{name}, {side} end", end, end.value, "hazard ratio")
            value = min(row.p.value, 0.00001) if row.p.operator == "<" else row.p.value
            yield Line(COX, f"{name}, P", row.p, value, "P")
    yield Line("Subgroups, rt modality", "IMRT, RT, median", Printed("54.7", 54.7, 1), 54.6, "months")
    for method, pairs in (("greedy", 150), ("optimal", 152)):
        yield Line(MATCHING, f"{method}, pairs", Printed("135", 135, 0), pairs, "pairs")
    for row in evidence.counts:
        if row.level != "n":
            count = row.count + (row.level == "T4")
            yield Line(COUNTS, count_name(evidence, row), Printed(str(row.count), row.count, 0), count)
    for (variable, phase), rows in variables_with_p(evidence).items():
        yield Line(TESTS, p_name(variable, phase, "chi-square"), rows[0].p, 0.25, "P")


@pytest.fixture(scope="module")
def made():
    study = load_study("li2024")
    evidence = load_evidence(study)
    lines = [(cohort, line) for cohort in (1, 2) for line in printed_lines(evidence)]
    points = curve_points(evidence)
    curves = points[["figure", "panel", "group"]].drop_duplicates().assign(cohort=1)
    times = pd.DataFrame({"time": [0.0, 60.0], "survival": [1.0, 0.4]})
    pairs = pd.DataFrame({"caliper": [0.01, 0.02], "pairs": [140, 150]})
    pairs = pairs.assign(cohort=1, method="greedy", largest_difference=0.2)
    replication = Replication(
        long_table(lines), curves.merge(times, how="cross"), points, pairs, ReplicationSettings(), 2
    )
    one = Followed(np.zeros(2), np.array([30.0, 60.0]), np.array([True, False]))
    groups = {
        tuple(place): one for place in points[["figure", "panel", "group"]].drop_duplicates().to_numpy()
    }
    asked = []

    def draw(name, figure):
        asked.append((name, len(figure().axes)))
        return str

    (section,) = replicate_sections(replication, study, evidence, lambda: groups, draw)
    return SimpleNamespace(section=section, asked=asked, tables={table.id: table for table in section.tables})


def texts(row):
    return [cell.text for cell in row.cells]


def test_pseudo_patients_are_called_so(made):
    assert "pseudo-patients" in made.section.title
    assert all("pseudo-patients" in figure.title for figure in made.section.figures)
    assert all("seudo-patients" in figure.caption for figure in made.section.figures)


def test_what_differs_is_named_first_and_marked(made):
    said = made.section.paragraphs[1]
    assert "median survival, RT before matching, lower end: printed 48.8, pseudo-patients 44.3" in said
    assert "printed 0.361, pseudo-patients 0.485" in said
    assert "Brain metastasis" not in said
    marked = [texts(row) for row in made.tables["replicated-cox"].rows if row.kind == "warn"]
    assert [row[:4] for row in marked] == [
        ["univariable (text)", "RT yes against no", "0.361 (0.361 to 0.650)", "0.485 (0.361 to 0.650)"]
    ]


def test_table_2_holds_every_row_but_the_references(made):
    rows = [texts(row) for row in made.tables["replicated-cox"].rows]
    assert len(rows) == 17
    assert ["univariable", "T stage, all levels", "–", "–", "–", "0.196", "0.196"] in rows
    (treatment,) = (row for row in rows if row[:2] == ["multivariable", "RT yes against no"])
    assert treatment[2:] == [*["0.470 (0.351 to 0.631)"] * 2, "0.470", "<0.001", "< 0.0001"]


def test_table_1_says_where_a_count_differs_and_shows_a_p_value_once(made):
    rows = {tuple(texts(row)[:2]): texts(row)[2:] for row in made.tables["replicated-baseline"].rows}
    assert len(rows) == 31
    assert rows["T Stage", "T1"] == ["11", "29", "8", "11", "0.228", "0.250", "0.640", "0.250"]
    assert rows["T Stage", "T4"][0] == "52.0 (printed 51)"
    assert rows["T Stage", "T4"][4:] == [""] * 4
    assert rows["Metastatic Sites", "Bone"][4] == rows["Metastatic Sites", "Brain"][4] == "<0.001"


def test_the_matching_is_told_with_its_caliper(made):
    said = made.section.paragraphs[2]
    assert "caliper 0.02 of the propensity: greedy 150 pairs (150 to 150), optimal 152 pairs" in said
    assert "The publication has 135, and gives no caliper." in said


def test_figures_are_those_of_the_paper(made):
    arms = ["replicated-arms", "replicated-metastatic-site", "replicated-rt-modality"]
    assert [name for name, _ in made.asked] == [*arms, "pairs-by-caliper"]
    assert [figure.id for figure in made.section.figures] == [name for name, _ in made.asked]
    assert dict(made.asked)["replicated-metastatic-site"] == 8  # four sites, and their tables


@pytest.mark.parametrize(
    ("printed", "low", "high", "expected"),
    [
        ("34.1", 34.0, 34.3, False),
        ("48.8", 43.8, 44.6, True),
        ("51.7", 51.9, 52.0, False),  # near enough
        ("0.001", 0.0011, 0.0014, False),  # would be printed the same
        ("<0.001", 0.0001, 0.02, False),
        ("<0.001", 0.004, 0.02, True),
        ("", 1.0, 2.0, False),
    ],
)
def test_print_is_outside_where_no_cohort_comes_near(printed, low, high, expected):
    row = pd.Series({"printed": printed, "computed_low": low, "computed_high": high})
    assert outside(row) is expected


def test_numbers_are_written_with_the_digits_of_print():
    assert written(57.1714, "57.2", "months") == "57.2"
    assert written(0.000005, "<0.001", "P") == "< 0.0001"
    assert written(0.00037, "<0.001", "P") == "0.00037"
    assert written(0.0412, "0.117", "P") == "0.041"
    assert written(135.0, "135", "pairs") == "135"
    assert written(np.nan, "135", "pairs") == "–"
    assert written(np.inf, "57.2", "months") == "not reached"
    row = pd.Series(
        {"printed": "0.485", "computed_low": 0.4801, "computed_high": 0.4878, "unit": "hazard ratio"}
    )
    assert range_words(row) == "0.480 to 0.488"
    assert range_words(row.replace(0.4878, 0.4802)) == "0.480"


def results(published):
    """Results with one Cox model and two posteriors, the second of the main model."""
    cox = {"statistic": "hazard_ratio", "method": "Cox, matched; mean", "published": published}
    numbers = [(0.44, 0.30, 0.60), (0.46, 0.35, 0.61)]
    posterior = [
        {"baseline": "weibull", "adjustment": adjustment, "median": middle, "lower": low, "upper": high}
        for adjustment, (middle, low, high) in zip(("none", "cut"), numbers, strict=True)
    ]
    request = SimpleNamespace(
        baseline="weibull", adjustment="cut", effect="constant", priors=SimpleNamespace(name="default")
    )
    return SimpleNamespace(
        comparators=pd.DataFrame([{**cox, "estimate": 0.47, "lower": 0.35, "upper": 0.63}]),
        estimands=pd.DataFrame(posterior).assign(
            estimand="hazard_ratio", population="conditional", prior_set="default", effect="constant"
        ),
        main=SimpleNamespace(request=request),
    )


def test_every_printed_ratio_stands_beside_the_recomputed_one_and_the_posterior():
    section = beside_section(results(0.485), [])
    for number in ("0.485", "0.47 (0.35 to 0.63)", "0.46 (0.35 to 0.61)"):
        assert number in section.finding
    assert "0.44" not in section.finding
    (table,) = section.tables
    assert [row.kind for row in table.rows] == ["", "", "main"]


def test_without_a_printed_ratio_the_posterior_stands_alone():
    finding = beside_section(results(np.nan), []).finding
    assert "0.46 (0.35 to 0.61)" in finding
    assert "0.47" not in finding


@pytest.fixture(scope="module")
def cohorts():
    return [simulate_cohort(Truth(), 400, seed=seed) for seed in (1, 2, 3)]


def test_columns_of_a_covariate_are_those_of_its_terms(cohorts):
    design = cohorts[0].outcome
    for covariate in cohorts[0].covariates:
        found = [term for term, own in zip(design.terms, columns_of(design, [covariate]), strict=True) if own]
        assert found
        assert all(term.startswith(covariate) for term in found)
    assert columns_of(design, list(cohorts[0].covariates)).all()
    assert not columns_of(design, []).any()


def test_nothing_and_everything_left_out_are_the_multivariable_and_the_univariable_model(cohorts):
    first = cohorts[:1]
    table = comparators(first[0], 24.0, (12.0,))
    cox = table[table["statistic"] == "hazard_ratio"].set_index("method")
    found = effect_without.function(first, {"one": list(first[0].covariates)}).set_index("left_out")
    for name, method in (
        ("none", "Cox, multivariable (Efron)"),
        (NOTHING, "Cox, univariable"),
        ("one", "Cox, univariable"),
    ):
        for ours, theirs in (("hazard_ratio", "estimate"), ("lower", "lower"), ("upper", "upper")):
            assert found.loc[name, ours] == pytest.approx(cox.loc[method, theirs], rel=1e-5)


def test_several_cohorts_are_pooled_by_rubins_rules(cohorts):
    names = list(cohorts[0].covariates)
    groups = {"first": names[:1], "rest": names[1:]}
    pooled = effect_without.function(cohorts, groups).set_index("left_out")
    alone = [effect_without.function([cohort], groups).set_index("left_out") for cohort in cohorts]
    logs = np.array([np.log(one.loc["first", "hazard_ratio"]) for one in alone])
    errors = np.array(
        [np.log(one.loc["first", "upper"] / one.loc["first", "lower"]) / (2 * 1.959964) for one in alone]
    )
    variance = np.mean(errors**2) + np.var(logs, ddof=1) * (1 + 1 / 3)
    assert np.log(pooled.loc["first", "hazard_ratio"]) == pytest.approx(logs.mean())
    reach = np.log(pooled.loc["first", "upper"] / pooled.loc["first", "hazard_ratio"])
    assert reach == pytest.approx(1.959964 * np.sqrt(variance))
    assert pooled.loc[TOGETHER, "hazard_ratio"] == pytest.approx(pooled.loc[NOTHING, "hazard_ratio"])


def test_li2024_names_brain_sites_and_drugs():
    study = load_study("li2024")
    (limit,) = limits_of_publication(load_evidence(study))
    assert "brain metastasis" in limit
    assert "drugs" in limit
    groups = load_evidence(study).names.timing.unknown
    assert set(groups["drugs"]) == {"chemotherapy", "hormone_therapy", "targeted_therapy"}
    assert {one for group in groups.values() for one in group} < set(study.covariates)


def made_table(sampled):
    """Rows of `untimed_table`, the main model's from 0.46 to 0.53, or not fitted."""
    names = [COMPLETE, "brain metastasis", TOGETHER, NOTHING]
    table = pd.DataFrame(
        {"left_out": names, "terms": [22, 21, 11, 0], "cox_hazard_ratio": [0.43, 0.50, 0.52, 0.54]}
    ).assign(cox_lower=0.3, cox_upper=0.7, hazard_ratio=[0.46, 0.51, 0.53, np.nan])
    table = table.assign(lower=0.35, upper=0.65, log_hazard_ratio=np.log(table["hazard_ratio"]), sd=0.13)
    table["probability_of_benefit"] = 0.999
    if not sampled:
        table.loc[table["left_out"] != COMPLETE, list(table.columns[5:])] = np.nan
    return table


@pytest.mark.parametrize("sampled", [True, False])
def test_the_section_has_both_hazard_ratios_or_says_that_the_model_was_not_fitted(sampled):
    study = load_study("li2024")
    section = untimed_section(made_table(sampled), load_evidence(study), study)
    assert "0.43 (0.30 to 0.70)" in section.finding
    assert "0.52 (0.30 to 0.70)" in section.finding
    assert "other_site" not in section.paragraphs[0]
    (table,) = section.tables
    values = [[cell.sort for cell in row.cells[2:4]] for row in table.rows]
    assert [one for one, _ in values] == [0.43, 0.50, 0.52, 0.54]
    assert table.rows[0].cells[2].text == "0.43 (0.30 to 0.70)"  # Cox's own limits
    assert table.rows[0].cells[3].text == "0.46 (0.35 to 0.65)"
    if sampled:
        assert [one for _, one in values] == [0.46, 0.51, 0.53, math.inf]
        assert "-0.78 (0.13)" in table.rows[0].cells[4].text.replace("\u2212", "-")
    else:
        assert [one for _, one in values] == [0.46, math.inf, math.inf, math.inf]
    assert table.rows[-1].cells[3].text == "not fitted"
    numbers = {number for number in ("0.46", "0.53", "0.51") if number in section.paragraphs[1]}
    assert numbers == ({"0.46", "0.53", "0.51"} if sampled else set())


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
    unread = SimpleNamespace(evidence=replace(evidence, review=()))
    material = SimpleNamespace(publication=unread, companions=SimpleNamespace(toxicity=None))
    assert [*literature.SECTION.make(material), *toxicity_page.SECTION.make(material)] == []


def test_the_toxicity_section_says_what_was_found_and_how_it_was_read(evidence, toxicity):
    section = toxicity_section(toxicity)
    said = words(section)
    assert "9 of 23 (39.1 %, SRS + T-DM1) and 1 of 22 (4.5 %, SRS without T-DM1)" in said
    assert "1 of 12 patients is then in neither group" in said
    assert "undefined: the difference may be 0" in said
    (figure,) = section.figures
    assert figure.group == "section"
    assert figure.drawing.wide().startswith("<svg")


def test_drugs_are_not_taken_for_radiotherapy_and_not_pooled(evidence):
    section = literature_section(evidence)
    rows = [[cell.text for cell in row.cells] for row in section.tables[0].rows]
    assert [(row[0], row[6], row[7].startswith("against another")) for row in rows] == [
        ("E035", "0.64 (0.43 to 0.96)", False),
        ("E043", "0.48 (0.28 to 0.83)", True),
        ("E068", "not implied: no single numbers", False),
        ("E070", "0.24 (0.10 to 0.56)", False),
    ]


def test_prognosis_and_trials_are_shown_as_printed_with_their_notes(evidence):
    section = literature_section(evidence)
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

    sections = [toxicity_section(toxicity, draw), literature_section(evidence, draw)]
    assert asked == [("toxicity", True), ("implied-ratios", True)]
    assert {figure.drawing() for section in sections for figure in section.figures} == {"<svg/>"}
