"""Inputs of figures: gbsg2, synthetic curves, tables and fits; and a check that nothing is cut off."""

import pickle
from collections.abc import Callable, Iterable
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from data.study.sources import load_cohort
from data.study.study import load_study
from inference.frequentist.survival import kaplan_meier
from inference.frequentist.table import comparators
from inference.predictive.replicates.statistics import replicate_statistics
from inference.report.figures.rendering import lay_out
from inference.report.figures.risk_table import Followed

LONG = "Hormonal therapy with tamoxifen for two years, costing $5 or $50_000 & more <b>"


@pytest.fixture(scope="session")
def gbsg2():
    """The study, its cohort, Kaplan-Meier by arm and the frequentist table."""
    study = load_study("gbsg2")
    cohort = load_cohort(study)
    arms = {"treated": cohort.treatment, "control": ~cohort.treatment}
    return SimpleNamespace(
        study=study,
        cohort=cohort,
        kaplan_meier={arm: kaplan_meier(cohort.time[mask], cohort.event[mask]) for arm, mask in arms.items()},
        followed={
            arm: Followed(cohort.entry[mask], cohort.time[mask], cohort.event[mask])
            for arm, mask in arms.items()
        },
        comparators=comparators(cohort, 1826, [365, 1096, 1826]),
    )


@pytest.fixture(scope="session")
def replicated(gbsg2):
    """Bootstrap replicates of gbsg2 in place of posterior ones, and the cohort itself."""
    cohort, rng = gbsg2.cohort, np.random.default_rng(1)
    arms = (cohort.treatment, ~cohort.treatment)
    drawn = [[rng.choice(np.flatnonzero(arm), arm.sum()) for _ in range(60)] for arm in arms]
    rows = np.concatenate([np.stack(of_arm) for of_arm in drawn], axis=1)
    treatment = np.sort(cohort.treatment)[::-1]
    grid = np.linspace(0, cohort.time.max(), 101)
    rest = (None, np.empty((cohort.size, 0)), [365.0, 1096.0], grid, [1000.0])
    return (
        replicate_statistics(cohort.time[rows], cohort.event[rows], treatment, *rest),
        replicate_statistics(cohort.time, cohort.event, cohort.treatment, *rest),
    )


@pytest.fixture
def curves() -> xr.Dataset:
    """Curves of two exponential arms over days, with bands that are known numbers."""
    time = np.linspace(0, 2659, 101)
    factor = np.array([1.2, 1.0, 0.8])[:, None, None, None]
    rate = np.array([4e-4, 3e-4])[None, None, :, None]
    survival = np.exp(-factor * rate * time)
    band = np.exp(-np.array([1.3, 0.7])[:, None, None, None] * rate * time)
    hazard = np.broadcast_to(rate / factor, (3, 2, 2, 101)).copy()
    ratio = np.broadcast_to(np.array([0.5, 0.75, 1.1])[:, None, None], (3, 2, 101)).copy()
    by_arm = ("population", "arm", "time")
    drawn = {
        "survival": (("quantile", *by_arm), np.repeat(survival, 2, axis=1)),
        "survival_band": (("limit", *by_arm), np.repeat(band, 2, axis=1)),
        "hazard": (("quantile", *by_arm), hazard),
        "hazard_ratio": (("quantile", "population", "time"), ratio),
    }
    places = {"population": ["all", "overlap"], "arm": ["control", "treated"], "time": time}
    labels = {"treated_label": "Hormonal therapy", "control_label": "No hormonal therapy"}
    coords = {"quantile": [0.025, 0.5, 0.975], **places}
    return xr.Dataset(drawn, coords, labels | {"time_unit": "days", "study": "gbsg2"})


def estimand_row(**values: object) -> dict[str, object]:
    """One row of a table of estimands."""
    row: dict[str, object] = {
        "study": "gbsg2",
        "baseline": "weibull",
        "adjustment": "joint",
        "effect": "constant",
        "exposure": "naive",
        "prior_set": "default",
        "subgroup": "",
        "time": np.nan,
        "unit": "ratio",
        "median": 0.7,
        "lower": 0.55,
        "upper": 0.9,
        "probability_of_benefit": 0.995,
    }
    return row | values


@pytest.fixture
def estimands() -> pd.DataFrame:
    """Two baselines, two adjustments: conditional and marginal hazard ratios, RMST differences."""
    rows, shift = [], 0.0
    for baseline in ("piecewise_exponential", "weibull"):
        for adjustment in ("joint", "cut"):
            shift += 0.01
            model = {"baseline": baseline, "adjustment": adjustment}
            ratio = {"median": 0.7 + shift, "lower": 0.5 + shift, "upper": 0.95 + shift}
            rows.append(estimand_row(**model, estimand="hazard_ratio", population="conditional", **ratio))
            for population in ("all", "treated", "overlap"):
                where = {"population": population, "time": 1826.0}
                rows.append(estimand_row(**model, estimand="marginal_hazard_ratio", **where, **ratio))
                mean = {"median": 100 + 1000 * shift, "lower": 10.0, "upper": 250.0, "unit": "days"}
                rows.append(estimand_row(**model, estimand="rmst_difference", **where, **mean))
    rows.append(
        estimand_row(estimand="hazard_ratio", population="conditional", subgroup="grade=I", median=0.123)
    )
    return pd.DataFrame(rows)


@pytest.fixture
def make_fit() -> Callable[..., xr.DataTree]:
    """A maker of fits with the groups that the diagnostics read; `designs` adds that dimension."""

    def make(designs: int = 0, divergences: int = 0) -> xr.DataTree:
        rng = np.random.default_rng(3)
        sample = {"chain": 4, "draw": 100} | ({"design": designs} if designs else {})
        dims, shape = tuple(sample), tuple(sample.values())
        terms = ["age", "grade[T.II]"]
        posterior = xr.Dataset(
            {
                "treatment_effect": (dims, rng.normal(-0.3, 0.1, shape)),
                "log_hazard_level": (dims, rng.normal(-8, 0.1, shape)),
                "log_hazard": ((*dims, "interval"), rng.normal(-8, 0.1, (*shape, 3))),
                "outcome_coefficients": ((*dims, "term"), rng.normal(0, 0.1, (*shape, 2))),
                "propensity_intercept": (("chain", "draw"), rng.normal(0, 1, (4, 100))),
            },
            coords={"term": terms, "interval": ["(0, 1]", "(1, 2]", "(2, inf]"]},
        )
        diverging = np.zeros(shape, dtype=bool)
        diverging.reshape(-1)[:divergences] = True
        prior = {}
        for name, array in posterior.drop_vars("propensity_intercept").data_vars.items():
            along, size = array.dims[len(dims) :], array.shape[len(dims) :]
            prior[str(name)] = (("chain", "draw", *along), rng.normal(0, 1, (1, 200, *size)))
        sampled = {"energy": (dims, rng.normal(100, 3, shape)), "diverging": (dims, diverging)}
        of_patients = (("chain", "draw", "patient"), rng.normal(-3, 0.05, (4, 100, 40)))
        return xr.DataTree.from_dict(
            {
                "/posterior": posterior,
                "/sample_stats": xr.Dataset(sampled),
                "/prior": xr.Dataset(prior, coords=posterior.coords),
                "/log_likelihood": xr.Dataset({"time": of_patients}),
            }
        )

    return make


@pytest.fixture
def texts() -> Callable[[Figure], list[str]]:
    """What a figure prints: its texts that are visible and not empty."""

    def listed(figure: Figure) -> list[str]:
        FigureCanvasAgg(figure).draw()
        found = figure.findobj(lambda one: isinstance(one, Text) and one.get_visible())
        return [one.get_text() for one in found if isinstance(one, Text) and one.get_text().strip()]

    return listed


@pytest.fixture
def assert_inside() -> Callable[[Figure], None]:
    """A check that everything drawn lies on the canvas, to a pixel or two."""

    def check(figure: Figure) -> None:
        pickle.dumps(figure)  # another process draws it
        lay_out(figure)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        drawn = figure.get_tightbbox(canvas.get_renderer())
        width, height = figure.get_size_inches()
        assert drawn.x0 >= -0.03, f"cut off at the left by {-drawn.x0:.2f} inches"
        assert drawn.y0 >= -0.03, f"cut off at the bottom by {-drawn.y0:.2f} inches"
        assert drawn.x1 <= width + 0.03, f"cut off at the right by {drawn.x1 - width:.2f} inches"
        assert drawn.y1 <= height + 0.03, f"cut off at the top by {drawn.y1 - height:.2f} inches"

    return check


@pytest.fixture
def assert_apart() -> Callable[..., None]:
    """A check that no text of a figure lies over another, but for so many pixels of a line's own margin."""

    def check(figure: Figure, texts: Iterable[Text], margin: float = 0.0) -> None:
        FigureCanvasAgg(figure).draw()
        boxes = [(one.get_text(), one.get_window_extent()) for one in texts if one.get_text().strip()]
        assert not [
            (first, second)
            for (first, one), (second, other) in combinations(boxes, 2)
            if min(one.x1, other.x1) - max(one.x0, other.x0) > margin
            if min(one.y1, other.y1) - max(one.y0, other.y0) > margin
        ]

    return check


@pytest.fixture
def long_label() -> str:
    """A label as long, and with as special characters, as a study file may hold."""
    return LONG
