"""Diagnostic plots of stored fits: drawn by worker processes beside the fits, or where a report is made."""

from collections.abc import Sequence
from functools import cache, partial

from data.study.pseudo_cohorts import words_for
from inference.fits.executor import Chunk
from inference.fits.requests import FitRequest
from inference.fits.stored import StoredModel
from inference.report.drawing import diagnostics_for, draw_diagnostic
from inference.report.drawings import Drawing

DIAGNOSTIC_TITLES = {
    "ess": "Effective sample size",
    "prior_posterior": "Prior and posterior",
    "loo": "Influence of single patients",
}
"""Those that their names do not say."""


def diagnostics_of(model: StoredModel, *, shown: bool) -> dict[str, Drawing]:
    """Return the diagnostic plots of a model's fit to the first cohort by name; they lie beside it, narrow ones only where the page shows them."""
    fit, say = model.fits[0].fit, words_for(model.study)
    read, rest = cache(fit.value), (fit.place / "figures", fit.content, say)
    return {
        name: Drawing(
            partial(str, draw_diagnostic(name, read, *rest)),
            partial(str, draw_diagnostic(name, read, *rest, narrow=True)) if shown else None,
        )
        for name in _plots_of(model)
    }


def plots_after(illustrated: Sequence[FitRequest], model: StoredModel) -> list[Chunk]:
    """Return the drawing of each diagnostic plot of a model, as a chunk of its own; none where it is not illustrated."""
    if model.request not in illustrated:
        return []
    fit, say = model.fits[0].fit, words_for(model.study)
    where = fit.place / "figures", fit.content, say
    widths = (
        (False, True) if model.request == illustrated[0] else (False,)
    )  # the main fit's stand on the page
    return [
        Chunk("diagnostic plots", partial(draw_diagnostic, name, fit.value, *where, narrow=narrow))
        for narrow in widths
        for name in _plots_of(model)
    ]


def _plots_of(model: StoredModel) -> list[str]:
    return diagnostics_for(model.request.adjustment, model.cohorts[0].counts is not None)


def file_name(request: FitRequest) -> str:
    """Return the name of the file that reviews a fit (`inference.report.review`)."""
    return f"diagnostics-{'-'.join(request.label.replace(',', '').replace('_', '-').split())}.html"
