"""What a section of the page is made from, and what a section may add to the page and to the folder beside itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from inference.fits.fits import FitSummary
from inference.report.content import FigureItem, ReportSection
from inference.report.drawings import Draw
from inference.report.figures.captions import caption_of
from inference.report.publication import Companions, Publication
from inference.report.results import Results
from inference.sensitivity.computed import Computed


@dataclass(frozen=True, eq=False)
class Material:
    """All that an analysis has computed.

    Attributes
    ----------
    results : Results
    computed : Computed
        The expensive sensitivity analyses.
    publication : Publication or None
        Of a study that publishes no patients.
    companions : Companions or None
        What is computed from that publication beside the fits.
    draw : callable
        Gives a drawing from a name and what makes the figure.
    kept : Path
        Where results of cached functions are.
    """

    results: Results
    computed: Computed
    publication: Publication | None
    companions: Companions | None
    draw: Draw
    kept: Path

    def figure(self, name: str, title: str, make: Callable[[], Figure], caption: str = "") -> FigureItem:
        """Return a figure of a section; see `figure_of`."""
        return figure_of(self.draw, name, title, make, caption)

    def with_effect(self, effect: str) -> FitSummary | None:
        """Return the fit with another shape of the effect than the main model's, None where there is none."""
        return next((one for one in self.results.effects if one.request.effect == effect), None)


def figure_of(draw: Draw, name: str, title: str, make: Callable[[], Figure], caption: str = "") -> FigureItem:
    """Return a figure of a section.

    Parameters
    ----------
    draw : callable
        Gives a drawing from a name and what makes the figure.
    name : str
        Of its module in `inference.report.figures`, or of its files where it has a caption of its own.
    title : str
    make : callable
        Makes the figure.
    caption : str
        How to read it; by default the caption that stands in its module.
    """
    place = name.replace("_", "-")
    return FigureItem(place, title, caption or caption_of(name), draw(place, make), "section")


def no_tables(material: Material) -> dict[str, pd.DataFrame]:
    """Return no tables."""
    return {}


def no_sentence(material: Material) -> str:
    """Return no sentence."""
    return ""


@dataclass(frozen=True)
class Section:
    """A section of the page, or several that belong together.

    Attributes
    ----------
    make : callable
        Gives the sections; none where there is nothing to show.
    tables : callable
        Gives the tables behind them, by the name of their file.
    beside_the_answer : callable
        Gives a sentence that stands beside the answer of the page; empty for none.
    doubt : callable
        Gives what speaks against the answer, in one short sentence with its number, for the first screen; empty for none.
    of_patients : bool
        Whether the words are of patients, and of pseudo-patients where these are reconstructed.
    """

    make: Callable[[Material], Sequence[ReportSection]]
    tables: Callable[[Material], dict[str, pd.DataFrame]] = no_tables
    beside_the_answer: Callable[[Material], str] = no_sentence
    doubt: Callable[[Material], str] = no_sentence
    of_patients: bool = False
