"""SVG and PNG: deterministic, escaped, self-contained, and no state is left behind; figures for one column."""

import io
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from data.study.pseudo_cohorts import of_pseudo_patients
from inference.report.figures.effects import effects_figure
from inference.report.figures.forest import ForestRow, forest_figure, heading
from inference.report.figures.hazard import hazard_figure
from inference.report.figures.predictive_survival import predictive_survival_figure
from inference.report.figures.prior_sets import prior_sets_figure
from inference.report.figures.rendering import lay_out, png_bytes, reword, svg_text
from inference.report.figures.rmst import rmst_figure
from inference.report.figures.style import COLUMN, CONTROL, TREATED, canvas, contrast, one_column, style
from inference.report.figures.survival import survival_figure


@pytest.mark.parametrize(
    ("colour", "expected"), [("white", 1.0), ("black", 21.0), ("#777777", 4.48), ("#D55E00", 3.87)]
)
def test_contrast_is_that_of_the_guidelines(colour, expected):
    assert contrast(colour) == pytest.approx(expected, abs=0.01)


def test_every_text_of_a_figure_can_be_read(curves, gbsg2):
    figure = survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed)
    lay_out(figure)
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert len({to_hex(text.get_color()) for text in texts}) >= 4
    assert min(contrast(text.get_color()) for text in texts) >= 4.5
    lines = {to_hex(line.get_color()) for line in figure.axes[0].lines}
    assert {TREATED, CONTROL} <= {colour.upper() for colour in lines}, "lines keep their colours"


def test_svg_is_text_that_fits_in_a_page(curves, gbsg2, long_label):
    curves.attrs["treated_label"] = long_label
    first = svg_text(survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed), "survival")
    assert first.startswith("<svg")
    assert first.rstrip().endswith("</svg>")
    assert first == svg_text(survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed), "survival")
    assert "<b>" not in first
    assert "&lt;b&gt;" in first
    assert "Time (days)" in first, "text stays text"
    assert "<script" not in first
    assert not re.search(r'href="(?!#)', first)
    assert len(first) < 150_000


@pytest.mark.parametrize(
    "setting", [{"savefig.bbox": "tight"}, {"font.size": 20.0, "savefig.facecolor": "red"}]
)
def test_settings_of_other_packages_change_no_file(setting):
    def written():
        figure = Figure(figsize=(3, 2), layout="constrained")
        figure.subplots().plot([0, 1], [1, 0])
        return figure

    with style():
        plain = written()
    expected = svg_text(plain, "a"), png_bytes(plain)
    with matplotlib.rc_context(setting):
        with style():
            other = written()
        assert (svg_text(other, "a"), png_bytes(other)) == expected


def test_identifiers_of_two_figures_of_a_page_differ(curves, gbsg2):
    figure = survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed)
    first, second = (set(re.findall(r'id="([^"]*)"', svg_text(figure, name))) for name in ("a", "b c/<d"))
    assert not first & second
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", one) for one in first | second)
    for name in ("a", "b"):
        text = svg_text(figure, name)
        found = re.findall(r'id="([^"]*)"', text)
        assert len(found) == len(set(found))
        assert set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', text)) <= {
            pair for one in found for pair in ((one, ""), ("", one))
        }


def test_png_and_no_trace_in_matplotlib(curves, gbsg2):
    before, open_figures = dict(matplotlib.rcParams), plt.get_fignums()
    assert png_bytes(survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed)).startswith(b"\x89PNG")
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == open_figures
    with style():
        assert not matplotlib.rcParams["text.parse_math"]
    assert dict(matplotlib.rcParams) == before


def test_scripts_that_the_font_lacks_do_not_fail(curves, gbsg2):
    curves.attrs["treated_label"] = "放射治疗"
    figure = survival_figure(curves, gbsg2.kaplan_meier, gbsg2.followed)
    assert "放射治疗" in svg_text(figure, "survival")
    assert png_bytes(figure)


def free_columns(figure):
    """Columns of pixels without ink at the left and the right."""
    darkness = 1.0 - plt.imread(io.BytesIO(png_bytes(figure)))[..., :3].min(axis=(0, 2))
    inked = np.flatnonzero(darkness > 0.2)
    return inked[0], darkness.size - 1 - inked[-1]


@pytest.mark.parametrize("written_before", [False, True])
@pytest.mark.parametrize(
    "label", ["Inverse-probability weights, piecewise exponential", "iiiiiiiiiiiiiiiiiiii", "MMMMMM"]
)
def test_nothing_is_cut_off_at_the_edges(label, written_before):
    with style():
        figure = Figure(figsize=(7.2, 2.0), layout="constrained")
        figure.subplots().set_yticks([0.0, 1.0], labels=["short", label])
    if written_before:
        svg_text(figure, "before")
    assert min(free_columns(figure)) >= 3


def test_what_is_said_otherwise_has_its_room():
    with style():
        figure = Figure(figsize=(7.2, 2.0), layout="constrained")
        axes = figure.subplots()
        axes.set_yticks([0.0, 1.0], labels=["Inverse-probability weights: all patients", "Treated"])
        axes.set_title("Patients")
    svg = svg_text(reword(figure, of_pseudo_patients), "said")
    assert "Inverse-probability weights: all pseudo-patients" in svg
    assert "Pseudo-patients" in svg
    assert of_pseudo_patients(svg) == svg, "nothing is left to be said"
    assert free_columns(figure)[0] >= 3


@pytest.fixture
def drawn(estimands, curves, gbsg2, replicated):
    """What makes each figure, by name."""
    sets = estimands[estimands["baseline"] == "weibull"].assign(adjustment="joint")
    sets["prior_set"] = np.where(np.arange(len(sets)) % 2, "default", "enthusiastic")
    return {
        "effects": lambda: effects_figure(estimands, gbsg2.comparators),
        "rmst": lambda: rmst_figure(estimands),
        "prior_sets": lambda: prior_sets_figure(sets, {"default": (0.4, 2.7)}),
        "hazard": lambda: hazard_figure(curves),
        "predictive": lambda: predictive_survival_figure(*replicated, gbsg2.followed, "days"),
    }


@pytest.mark.parametrize("name", ["effects", "rmst", "prior_sets", "hazard", "predictive"])
def test_in_one_column_nothing_is_cut_and_every_number_is_there(drawn, name, texts, assert_inside):
    with one_column():
        narrow = drawn[name]()
    assert narrow.get_size_inches()[0] == COLUMN
    wide = {text for text in texts(drawn[name]()) if any(sign.isdigit() for sign in text) and "(" in text}
    assert wide <= set(texts(narrow))
    assert_inside(narrow)


def test_labels_stand_above_their_intervals():
    rows = [heading("A"), ForestRow("one\ntwo", 0.5, 0.4, 0.6), ForestRow("", 0.7, 0.6, 0.8)]
    with one_column():
        axes = forest_figure(rows, "Hazard ratio", reference=1.0, log=True).axes[0]
    heights = [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"]
    labels = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert labels["A"] < labels["one\ntwo"] < heights[0] < heights[1]
    assert list(axes.get_yticks()) == []


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_labels_of_ticks_do_not_lie_on_each_other(scale, assert_apart):
    with one_column():
        figure = canvas(2.0)
    axes = figure.subplots(1, 2)[0]
    axes.set(xscale=scale, xlim=(0.4, 1.2))
    places = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2]
    axes.set_xticks(places, [f"{place:.3f}" for place in places])
    axes.set_xticks([], minor=True)
    lay_out(figure)
    labels = axes.get_xticklabels()
    assert 2 <= len(labels) < len(places)
    assert_apart(figure, labels)
    assert [float(label.get_text()) for label in labels] == list(axes.get_xticks())
