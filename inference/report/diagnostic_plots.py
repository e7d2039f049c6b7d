"""Diagnostic plots of stored fits: drawn by worker processes beside the fits, or where a report is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path

import xarray as xr

from data.study.pseudo_cohorts import words_for
from inference.fits.executor import Chunk
from inference.fits.requests import FitRequest
from inference.fits.stored import StoredModel
from inference.report.drawing import Say, diagnostics_for, draw_diagnostic, drawn
from inference.report.drawings import Drawing
from inference.report.figures.diagnostics import DIAGNOSTICS
from inference.report.figures.style import one_column

DIAGNOSTIC_TITLES = {"ess": "Effective sample size", "loo": "Influence of single patients"}
"""Those that their names do not say."""


def draw_narrow_diagnostic(
    name: str, fit: Callable[[], xr.DataTree], folder: Path, mark: str, say: Say | None
) -> str:
    """Return a diagnostic plot for a narrow screen, as `draw_diagnostic` does the wide one."""
    with one_column():
        return drawn(
            f"{name.replace('_', '-')}-narrow", folder, mark, lambda: DIAGNOSTICS[name](fit(), None), say
        )


def diagnostics_of(model: StoredModel, *, shown: bool) -> dict[str, Drawing]:
    """Return the diagnostic plots of a model's fit to the first cohort by name; they lie beside it, narrow ones only where the page shows them."""
    fit, say = model.fits[0].fit, words_for(model.study)
    read, rest = cache(fit.value), (fit.place / "figures", fit.content, say)
    return {
        name: Drawing(
            partial(str, draw_diagnostic(name, read, *rest)),
            partial(str, draw_narrow_diagnostic(name, read, *rest)) if shown else None,
        )
        for name in _plots_of(model)
    }


def plots_after(illustrated: Sequence[FitRequest], model: StoredModel) -> list[Chunk]:
    """Return the drawing of each diagnostic plot of a model, as a chunk of its own; none where it is not illustrated."""
    if model.request not in illustrated:
        return []
    fit, say = model.fits[0].fit, words_for(model.study)
    ways = [draw_diagnostic]
    if model.request == illustrated[0]:  # the main fit's stand on the page
        ways.append(draw_narrow_diagnostic)
    return [
        Chunk("diagnostic plots", partial(way, name, fit.value, fit.place / "figures", fit.content, say))
        for way in ways
        for name in _plots_of(model)
    ]


def _plots_of(model: StoredModel) -> list[str]:
    return diagnostics_for(model.request.adjustment, model.cohorts[0].counts is not None)


def file_name(request: FitRequest) -> str:
    """Return the name of the file that reviews a fit (`inference.report.review`)."""
    return f"diagnostics-{'-'.join(request.label.replace(',', '').replace('_', '-').split())}.html"
