"""What of a fit a diagnostic plot shows: which variables, and which design of several."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from itertools import product
from types import ModuleType
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from inference.diagnostics.rhat_ess import rhat
from inference.report.figures.style import SMALL, across, narrow, style
from inference.report.figures.wording import broken

if TYPE_CHECKING:
    from arviz import PlotCollection
    from arviz_base.labels import MapLabeller

SAMPLE_DIMS = ("chain", "draw")
MOST = 16
"""Panels of a figure with one for each parameter: what can be looked at."""
WHICH = (
    "Of many parameters those are shown that a reviewer looks at first, then those with the largest R-hat."
)
SLASH = "\N{DIVISION SLASH}"  # names of variables in a DataTree hold no other
TITLE = 24
"""Characters of a line above a panel; fewer where panels have numbers of their own to the left."""
SHORT_TITLE = 20
NARROW_TITLE = 40
"""Characters above a figure for one column; longer titles are broken."""
FIRST = (
    "treatment_effect",
    "propensity_effect",
    "log_hazard_level",
    "log_hazard_step_sd",
    "median_survival",
    "weibull_shape",
)


def main_variables(posterior: xr.Dataset) -> list[str]:
    """Return the variables a reviewer looks at: effect, scalars, coefficients, other vectors last.

    The hazard by interval is left out where a level and a step say how it came about, and what no draw changes: a score from elsewhere.
    """
    names = [str(name) for name, values in posterior.data_vars.items() if _varies(values)]
    listed = [name for name in FIRST if name in names] + [name for name in names if name not in FIRST]
    if "log_hazard_level" in names:
        listed = [name for name in listed if name != "log_hazard"]
    known = {*SAMPLE_DIMS, "design", "term", "propensity_term"}
    return sorted(listed, key=lambda name: not known.issuperset(map(str, posterior[name].dims)))


def _varies(values: xr.DataArray) -> bool:
    """Return whether draws differ in anything."""
    drawn = [dim for dim in (*SAMPLE_DIMS, "design") if dim in values.dims]
    return bool((values.max(drawn) > values.min(drawn)).any())


def panels(posterior: xr.Dataset, names: Sequence[str]) -> int:
    """Return how many single numbers some variables are."""
    sample = (*SAMPLE_DIMS, "design")
    return sum(
        int(np.prod([size for dim, size in posterior[name].sizes.items() if dim not in sample]))
        for name in names
    )


def telling(fit: xr.DataTree, names: Sequence[str], note: str) -> tuple[xr.DataTree, int, str]:
    """Return a fit whose posterior has each single number as a variable, how many those are, and a note.

    Of more than `MOST` numbers those are kept that a reviewer looks at first, then those whose chains agree least. The
    note says so.
    """
    numbers = single_numbers(fit["posterior"].to_dataset(), names)
    shown = list(numbers)
    if len(numbers) > MOST:
        first = [short_name(name) for name in FIRST]
        worst = np.nan_to_num(rhat(np.stack([one.to_numpy() for one in numbers.values()])), nan=np.inf)
        ranked = sorted(zip(numbers, -worst, strict=True), key=lambda one: (one[0] not in first, one[1]))
        kept = {name for name, _ in ranked[:MOST]}
        shown = [name for name in numbers if name in kept]
        note = "; ".join(filter(None, [note, f"{MOST} of {len(numbers)} parameters"]))
    groups = {name: group.to_dataset() for name, group in fit.children.items()}
    groups["posterior"] = xr.Dataset({name: numbers[name] for name in shown})
    return xr.DataTree.from_dict(groups), len(shown), note


def single_numbers(posterior: xr.Dataset, names: Sequence[str]) -> dict[str, xr.DataArray]:
    """Return the draws (chain, draw) of each single number of some variables, by what it is called: the variable, and on a second line the term."""
    numbers: dict[str, xr.DataArray] = {}
    for name in names:
        values = posterior[name]
        others = [dim for dim in values.dims if dim not in SAMPLE_DIMS]
        for place in np.ndindex(*(values.sizes[dim] for dim in others)):
            one = values.isel(dict(zip(others, place, strict=True))).transpose(*SAMPLE_DIMS)
            label = ", ".join(str(one.coords[dim].item()) for dim in others if dim in one.coords)
            title = "\n".join(filter(None, [short_name(name), label.replace("/", SLASH)]))
            numbers[title] = one.drop_vars(others, errors="ignore")
    return numbers


def one_design(fit: xr.DataTree, groups: Sequence[str]) -> tuple[xr.DataTree, str]:
    """Return some groups of a fit with a single design, and a note that says so ("" without designs)."""
    chosen, note = {}, ""
    for group in groups:
        if group not in fit.children:
            continue
        dataset = fit[group].to_dataset()
        if "design" in dataset.dims:
            note = f"design 1 of {dataset.sizes['design']}" if dataset.sizes["design"] > 1 else ""
            dataset = dataset.isel(design=0, drop=True)
        chosen[f"/{group}"] = _labelled(dataset)
    return xr.DataTree.from_dict(chosen), note


def pooled(fit: xr.DataTree, groups: Sequence[str], names: Sequence[str]) -> tuple[xr.DataTree, str]:
    """Return some groups with the draws of all designs laid end to end, and a note that says so."""
    chosen, note = {}, ""
    for group in groups:
        if group not in fit.children:
            continue
        dataset = fit[group].to_dataset()
        dataset = dataset[[name for name in names if name in dataset]]
        if "design" in dataset.dims:
            note = f"{dataset.sizes['design']} designs pooled" if dataset.sizes["design"] > 1 else ""
            dataset = dataset.stack(every=("draw", "design"), create_index=False)
            dataset = dataset.drop_vars(("draw", "design", "design_draw"), errors="ignore")
            dataset = dataset.rename(every="draw").transpose("chain", "draw", ...)
            dataset = dataset.assign_coords(draw=np.arange(dataset.sizes["draw"]))
        chosen[f"/{group}"] = _labelled(dataset)
    return xr.DataTree.from_dict(chosen), note


def _labelled(dataset: xr.Dataset) -> xr.Dataset:
    """Return a dataset with a coordinate for each sample dimension, and none that names no dimension."""
    dataset = dataset.drop_vars([name for name in dataset.coords if name not in dataset.dims])
    missing = [dim for dim in SAMPLE_DIMS if dim in dataset.dims and dim not in dataset.coords]
    return dataset.assign_coords({dim: np.arange(dataset.sizes[dim]) for dim in missing})


def panel_figure(
    fit: xr.DataTree, var_names: Sequence[str] | None, title: str, draw: Callable[..., PlotCollection]
) -> Figure:
    """Return a figure with a panel for each of the numbers that `telling` chooses, side by side as `panel_layout` has it.

    Parameters
    ----------
    fit : DataTree
        Group posterior. Of several designs the first is shown; the title says so.
    var_names : sequence of str, optional
        By default those of `main_variables`.
    title : str
    draw : callable
        Draws the panels from ArviZ, a tree and keyword arguments of the layout.
    """
    names = list(var_names or main_variables(fit["posterior"].to_dataset()))
    shown, note = one_design(fit, ("posterior",))
    shown, count, note = telling(shown, names, note)
    with arviz_style() as az:
        collection = draw(az, shown, **panel_layout(count, 0.5))
        figure = figure_of(collection, titled(title, note))
        small_titles(figure, SHORT_TITLE)
    return figure


def layout(height: float) -> dict[str, Any]:
    """Return ArviZ's options for a figure so many inches high, as wide as the page or one column."""
    return {
        "backend": "matplotlib",
        "figure_kwargs": {"figsize": (across(), height), "layout": "constrained"},
    }


def panel_layout(count: int, rest: float) -> dict[str, Any]:
    """Return ArviZ's options for so many panels, four side by side or two in one column, and so many inches for titles and keys."""
    columns = 2 if narrow() else 4
    return {"col_wrap": columns, **layout(1.25 * -(-count // columns) + rest)}


def short_labels(names: Sequence[str]) -> MapLabeller:
    """Return what prints the names of variables as words."""
    from arviz_base.labels import MapLabeller  # as in `inference.fits.datatree`

    return MapLabeller(var_name_map={name: short_name(name) for name in names})


def short_name(name: str) -> str:
    """Return the name of a variable as words that fit above a small panel."""
    return name.replace("_coefficients", "").replace("_", " ")


@contextmanager
def arviz_style() -> Generator[ModuleType]:
    """Draw through ArviZ, which is given, in the style of the project, with 95 % equal-tailed intervals."""
    import arviz as az  # takes seconds, and a plot that is there already needs none of it

    settings = {"stats.ci_prob": 0.95, "stats.ci_kind": "eti", "plot.backend": "matplotlib"}
    with style(), az.rc_context({**settings, "plot.max_subplots": 200}):
        yield az


def figure_of(collection: PlotCollection, title: str) -> Figure:
    """Return the figure of a collection of plots, titled, and known to pyplot no more."""
    figure = collection.viz["figure"].item()
    plt.close(figure)
    title = broken(title, NARROW_TITLE) if narrow() else title
    figure.suptitle(title, x=0.01, ha="left", fontsize=9, fontweight="bold")
    return figure


def small_titles(figure: Figure, most: int = TITLE) -> None:
    """Set the titles of panels in small letters, broken into lines of so many characters: what fits beside the next panel's."""
    for axes, loc in product(figure.axes, ("left", "center")):
        if title := axes.get_title(loc=loc):
            axes.set_title("", loc=loc)
            small_title(axes, broken(title, most))


def small_title(axes: Axes, title: str) -> None:
    """Set a title in small letters that begins where the panel does, and may be longer than the panel is wide.

    It takes the place of the one in the middle: a title at the left is broken where the panel ends (`lay_out`).
    """
    axes.set_title(title, loc="center", x=0.0, ha="left", fontsize=SMALL, fontweight="normal")


def thin_lines(axes: Axes, most: int) -> None:
    """Leave in every line at most so many evenly spaced points, its ends among them."""
    for line in axes.lines:
        across, up = (np.asarray(values) for values in line.get_data())
        if len(across) > most:
            kept = np.unique(np.linspace(0, len(across) - 1, most).astype(int))
            line.set_data(across[kept], up[kept])
            line.set_drawstyle("default")


def titled(title: str, note: str) -> str:
    """Return a title with a note, if there is one."""
    return f"{title} ({note})" if note else title
