"""Diagnostic plots of stored fits: drawn by worker processes beside the fits, or where a report is made."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

import xarray as xr

from data.study.cohort import Cohort
from data.study.pseudo_cohorts import words_for
from data.study.study import Study
from inference.adjustments import Progress
from inference.fits.requests import FitRequest, fit_key
from inference.fits.workers import Beside
from inference.report.drawing import diagnostics_for, draw_diagnostic, draw_diagnostics
from inference.storage.store import Store


def diagnostics_of(
    study: Study, cohort: Cohort, request: FitRequest, store: Store, progress: Progress
) -> dict[str, str]:
    """Return the diagnostic plots of a stored fit as SVG by name; they lie beside it."""
    key = fit_key(study, cohort, request)
    names = diagnostics_for(request.adjustment)
    return draw_diagnostics(
        names, cache(partial(_stored, store, key)), _folder(store, key), key, words_for(study), progress
    )


def plots_after(
    study: Study, cohort: Cohort, illustrated: Sequence[FitRequest], store: Store, request: FitRequest
) -> list[Beside]:
    """Return the drawing of each diagnostic plot of a stored fit, as a job of its own; none where it is not illustrated."""
    if request not in illustrated:
        return []
    key = fit_key(study, cohort, request)
    fit, say = partial(_stored, store, key), words_for(study)
    return [
        Beside("diagnostic plots", partial(draw_diagnostic, name, fit, _folder(store, key), key, say))
        for name in diagnostics_for(request.adjustment)
    ]


def _folder(store: Store, key: str) -> Path:
    return store.place(key) / "figures"


def _stored(store: Store, key: str) -> xr.DataTree:
    stored = store.load(key)
    assert stored is not None, "plots are of a fit that is stored"
    return stored
