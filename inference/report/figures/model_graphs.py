"""The directed graph of each adjustment: what informs what, and where nothing flows back."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.report.figures.style import OBSERVED, POSTERIOR, SMALL, WARNING, canvas, narrow, style
from inference.report.figures.wording import words, wrapped
from models.cards import Card

CAPTION = (
    "What each adjustment makes of the covariates. An arrow stands for a part of the model; knowledge flows along it both ways, so that "
    "what is known of the effect informs the cause. Along a dashed arrow nothing flows back: the propensity score, the weights or the "
    "pairs are made without a look at survival. An unmeasured cause of both treatment and survival is in none of these graphs."
)
PLACES = {
    "covariates": (0.0, 0.0),
    "score": (0.1, 1.0),
    "treatment": (0.9, 1.0),
    "weights": (0.5, 0.5),
    "pairs": (0.5, 0.5),
    "survival": (1.0, 0.0),
}


def drawable(card: Card) -> bool:
    """Return whether every node of a graph has a place in the figure."""
    return {node for arrow in card.arrows for node in arrow} <= PLACES.keys()


@style()
def model_graphs_figure(cards: Mapping[str, Card]) -> Figure:
    """Return the graphs of some members, each in a panel.

    Parameters
    ----------
    cards : mapping of str to Card
        By name; each `drawable`.
    """
    columns = min(2 if narrow() else 3, len(cards))
    rows = -(-len(cards) // columns)
    figure = canvas(1.6 * rows, 2.4 * columns)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    for axes, (name, card) in zip(panels, cards.items(), strict=False):
        axes.set_title(wrapped(words(name).capitalize(), 22 if narrow() else 32), fontsize=SMALL + 0.5)
        axes.set(xlim=(-0.35, 1.35), ylim=(-0.25, 1.25))
        _draw(axes, card)
    return figure


def _draw(axes: Axes, card: Card) -> None:
    cut = {tuple(one.split(" -> ")) for one in card.cut}
    box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": "#BBBBBB", "linewidth": 0.6}
    nodes = dict.fromkeys(node for arrow in card.arrows for node in arrow)
    boxes = {
        node: axes.text(
            *PLACES[node], node, ha="center", va="center", fontsize=SMALL, color=OBSERVED, bbox=box
        ).get_bbox_patch()
        for node in nodes
    }
    for cause, effect in card.arrows:
        dashed = (cause, effect) in cut
        axes.annotate(
            "",
            PLACES[effect],
            PLACES[cause],
            arrowprops={
                "arrowstyle": "-|>",
                "color": WARNING if dashed else POSTERIOR,
                "linestyle": "--" if dashed else "-",
                "linewidth": 0.9,
                "patchA": boxes[cause],
                "patchB": boxes[effect],
                "shrinkA": 0,
                "shrinkB": 1,
            },
        )
