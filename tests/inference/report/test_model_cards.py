"""Every member of a family has a card that says what it is; a member without one is left out."""

from contextlib import nullcontext

import pytest

from data.errors import InputError
from inference.adjustments import ADJUSTMENTS
from inference.report.figures.model_graphs import drawable, model_graphs_figure
from inference.report.figures.style import one_column
from inference.report.sections.models import FOLDERS
from models.baselines import BASELINES
from models.cards import Card, read_card
from models.effects import EFFECTS

FAMILIES = {"baseline": BASELINES, "effect": EFFECTS, "adjustment": ADJUSTMENTS}
MEMBERS = [(family, name) for family, members in FAMILIES.items() for name in members]
CARDS = {name: read_card(FOLDERS[family], name) for family, name in MEMBERS}


@pytest.mark.parametrize(("family", "name"), MEMBERS)
def test_a_card_says_all_and_its_graph_leads_to_survival(family, name):
    card = CARDS[name]
    assert all((card.formula, card.assumes, card.misleads))
    assert set(card.cut) <= set(card.graph)
    children = {}
    for cause, effect in card.arrows:
        children.setdefault(cause, set()).add(effect)

    def reached(node, passed=()):
        assert node not in passed, "a graph has no cycle"
        return {node}.union(*(reached(child, (*passed, node)) for child in children.get(node, ())))

    assert all("survival" in reached(node) for node in children)


@pytest.mark.parametrize("name", [*BASELINES, *EFFECTS])
def test_the_graph_of_a_hazard_begins_with_its_parameters(name):
    member = BASELINES.get(name) or EFFECTS[name]
    causes, effects = (set(side) for side in zip(*CARDS[name].arrows, strict=True))
    assert causes - effects <= {parameter.name for parameter in member.known}
    assert "treatment_effect" in causes or name in BASELINES


def test_only_adjustments_without_feedback_cut_an_arrow_into_survival():
    """The outcome informs the score of `joint` and of no other; `none` has no score."""
    cut = {name for name in ADJUSTMENTS if CARDS[name].cut}
    assert cut == {name for name, kind in ADJUSTMENTS.items() if kind.several_designs or kind.maximises}


@pytest.mark.parametrize("width", [nullcontext, one_column])
def test_every_adjustment_is_drawn_in_its_panel(width):
    cards = {name: CARDS[name] for name in ADJUSTMENTS}
    assert all(drawable(card) for card in cards.values())
    with width():
        figure = model_graphs_figure(cards)
    figure.draw_without_rendering()
    for axes, card in zip(figure.axes, cards.values(), strict=True):
        shown = {text.get_text(): text.get_window_extent() for text in axes.texts if text.get_text()}
        assert set(shown) == {node for arrow in card.arrows for node in arrow}
        assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in shown.values())


def test_a_member_without_a_card_is_none_and_a_wrong_card_is_named(tmp_path):
    assert read_card(tmp_path, "new") is None
    (tmp_path / "new.toml").write_text('formula = "x"\nassume = "y"\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"new\.toml.*assume"):
        read_card(tmp_path, "new")
    assert not drawable(Card("", ("covariates -> new node",), "", ""))
