"""A figure of an analysis as a record: its place, its heading, when it applies and what makes it."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from inference.report.content import Group
from inference.report.figures.captions import caption_of
from inference.report.results import Results


@dataclass(frozen=True, eq=False)
class Exhibit:
    """A figure of an analysis, with its place on the page.

    Attributes
    ----------
    name : str
        Of its module in `inference.report.figures`, which has the caption, and of its files.
    title : str or callable
        Heading; from the results, where it depends on them.
    group : str
        Section of the page.
    draw : callable
        Makes the figure from the results.
    applies : callable
        Whether the results have what it shows; by default all have.
    caption : callable, optional
        How to read it, from the results, where the module's caption does not say it.
    """

    name: str
    title: str | Callable[[Results], str]
    group: Group
    draw: Callable[[Results], Figure]
    applies: Callable[[Results], bool] = lambda _: True
    caption: Callable[[Results], str] | None = None

    @property
    def id(self) -> str:
        """The name of its files, and its anchor on the page."""
        return self.name.replace("_", "-")

    def title_of(self, results: Results) -> str:
        """Return the heading."""
        return self.title if isinstance(self.title, str) else self.title(results)

    def caption_of(self, results: Results) -> str:
        """Return how to read the figure."""
        if self.caption is not None:
            return self.caption(results)
        return caption_of(self.name, results.main.request.exposure)
