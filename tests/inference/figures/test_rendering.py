"""SVG and PNG: deterministic, escaped, self-contained, and no state is left behind."""

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
from inference.report.figures.rendering import lay_out, png_bytes, reword, svg_text
from inference.report.figures.style import CONTROL, TREATED, contrast, style
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
    darkness = 1.0 - plt.imread(io.BytesIO(png_bytes(figure)))[..., :3].min(axis=(0, 2))
    inked = np.flatnonzero(darkness > 0.2)
    assert inked[0] >= 3
    assert inked[-1] <= darkness.size - 4


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
    darkness = 1.0 - plt.imread(io.BytesIO(png_bytes(figure)))[..., :3].min(axis=(0, 2))
    assert np.flatnonzero(darkness > 0.2)[0] >= 3
