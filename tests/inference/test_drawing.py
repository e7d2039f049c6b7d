"""Figures drawn beside the caller are those that it would draw itself, once, and what fails is heard."""

import pickle

import pytest
from matplotlib.figure import Figure

from data.study.pseudo_cohorts import of_pseudo_patients
from inference.report import drawing
from inference.report.drawing import Drawer, drawn
from inference.storage.closure import LAYERS, digest_of, reached


def figure_of(title, made=None):
    """A maker of a figure that notes that it was asked."""

    def draw():
        if made is not None:
            made.append(title)
        figure = Figure(figsize=(3, 2), layout="constrained")
        axes = figure.subplots()
        axes.plot([0, 1], [1, 0])
        axes.set_title(title)
        return figure

    return draw


def files_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_files_and_drawings_are_those_of_the_caller_itself(tmp_path):
    own = {name: drawn(name, tmp_path / "own", "mark", figure_of(name)) for name in ("one", "two")}
    with Drawer(tmp_path / "beside", "mark") as draw:
        drawings = {name: draw(name, figure_of(name)) for name in own}
    assert {name: one.wide() for name, one in drawings.items()} == own
    beside = files_of(tmp_path / "beside")
    assert {name: beside[name] for name in files_of(tmp_path / "own")} == files_of(tmp_path / "own")
    endings = (".svg", ".png", "-narrow.svg", "-narrow.png")
    assert set(beside) == {f"{name}{ending}" for name in ("one", "two") for ending in endings}
    assert [one.pixels for one in drawings.values()] == [tmp_path / "beside" / f"{name}.png" for name in own]


def test_what_was_drawn_under_the_same_mark_is_taken_from_the_folder(tmp_path):
    made = []
    for mark in ("first", "first", "second"):
        with Drawer(tmp_path, mark) as draw:
            made_of = draw("one", figure_of("one", made))
        assert made_of.wide().startswith("<svg")
    assert made == ["one"] * 4  # wide and narrow, under two marks


def test_words_are_said_otherwise_where_it_is_asked_for_and_then_anew(tmp_path):
    title = "Patients at risk"
    with Drawer(tmp_path, "mark") as draw:
        assert "Pseudo" not in draw("one", figure_of(title)).wide()
    with Drawer(tmp_path, "mark", of_pseudo_patients) as draw:
        made_of = draw("one", figure_of(title))
    assert "Pseudo-patients at risk" in made_of.wide()
    assert drawn("one", tmp_path, "mark", figure_of("not made"), of_pseudo_patients) == made_of.wide()


def test_a_drawing_that_fails_is_an_error_though_nobody_asks_for_it(tmp_path):
    def draw_what_no_process_can_be_given():
        figure = figure_of("one")()
        figure.axes[0].xaxis.set_major_formatter(lambda value, _: f"{value}")
        return figure

    with (
        pytest.raises((AttributeError, pickle.PicklingError), match="lambda"),
        Drawer(tmp_path, "mark") as draw,
    ):
        draw("one", draw_what_no_process_can_be_given)


def test_an_interrupt_leaves_whole_figures_or_none(tmp_path):
    def interrupted():
        with Drawer(tmp_path, "mark") as draw:
            for number in range(20):
                draw(f"figure-{number}", figure_of(str(number)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not [file.name for file in tmp_path.iterdir() if file.name.endswith(".part")]


def test_a_change_of_any_figure_is_a_change_of_the_source_that_draws():
    files = reached(drawing.FIGURES.rglob("*.py"), LAYERS)
    assert {drawing.FIGURES / f"{name}.py" for name in ("survival", "forest", "style", "rendering")} <= set(
        files
    )
    assert drawing.source_of_figures() == digest_of(files)
    assert digest_of([file for file in files if file.stem != "survival"]) != digest_of(files)
