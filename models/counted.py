"""Likelihood and PyMC model of counts: events and time at risk by interval, of covariate patterns by arm."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from data.study.cohort import Cohort
from models.arrays import matrix_vector
from models.assembly import (
    Blocks,
    _coordinates,
    _data,
    _declare_all,
    _given,
    _log_odds_of_treatment,
    _none,
)
from models.baselines import PiecewiseExponential
from models.components import Component, RandomWalk
from models.effects.constant import require_constant
from models.exposures import Exposure
from models.predictors import covariate_predictor
from models.propensity import treatment_log_likelihood
from models.specification import ModelSpec

STEPS = "log_hazard_centred_steps"


@dataclass(frozen=True)
class CountedExponential(PiecewiseExponential):
    """A piecewise exponential hazard whose walk is sampled by its steps: with as many events as counts have, they are known well."""

    @classmethod
    def of_study(cls, cutpoints: tuple[float, ...], smoothing: str) -> Self:
        return cls(cutpoints, smoothing)

    @property
    def components(self) -> tuple[Component, ...]:
        return tuple(
            replace(one, latent=STEPS) if isinstance(one, RandomWalk) else one for one in super().components
        )


@dataclass(frozen=True)
class Counted(Exposure):
    r"""Patients of one pattern and arm have the same hazard, so that events and times at risk are all that their likelihood needs.

    .. math:: \log L_r = \sum_k d_{rk} (\log \lambda_k + \eta_r) - e^{\eta_r} \sum_k \lambda_k T_{rk}

    the sum of the patients' log likelihoods (Holford 1980, doi 10.2307/2529982).
    """

    name: ClassVar[str] = "counted"

    def arrays(self, cohort: Cohort, spec: ModelSpec) -> dict[str, np.ndarray]:
        require_constant(spec.effect, self.name)
        assert cohort.counts is not None, "rows are counts"
        deaths = cohort.counts.deaths
        return {
            "deaths": deaths,
            "deaths_of_row": deaths.sum(axis=1),
            "deaths_of_interval": deaths.sum(axis=0),
            "exposure": cohort.counts.exposure,
        }

    def log_likelihood(
        self, parameters: Mapping[str, Any], content: Mapping[str, Any], spec: ModelSpec, risk: Any, xp: Any
    ) -> Any:
        eta = spec.effect.log_hazard_ratio(parameters, content["treated"], content, xp) + risk
        log_hazard = parameters["log_hazard"]
        if xp is np:
            at_baseline = matrix_vector(content["deaths"], log_hazard, xp)
        else:  # compiled, rows serve their sum alone: each has the same share of that of all events, which is a third of the work less
            at_baseline = (content["deaths_of_interval"] * log_hazard).sum() / content["treated"].shape[0]
        events = at_baseline + content["deaths_of_row"] * eta
        return events - xp.exp(eta) * matrix_vector(content["exposure"], xp.exp(log_hazard), xp)


def build_counted_model(
    cohort: Cohort, spec: ModelSpec | None, content: dict[str, np.ndarray], blocks: Blocks
) -> pm.Model:
    """Return the PyMC model of counts, as `models.assembly` builds those of patients.

    Parameters
    ----------
    cohort : Cohort
        With counts.
    spec : ModelSpec or None
        None stands for the treatment model alone.
    content : dict of str to ndarray
        `model_data` and, where treatment is modelled, `patients` (row,).
    blocks : dict
        From `models.assembly.model_blocks`.
    """
    with pm.Model(coords=_coordinates(cohort, spec), check_bounds=False) as model:
        shared = {name: _data(name, value) for name, value in content.items()}
        declared = _declare_all(blocks, shared, cohort, spec)
        if spec is None or spec.score == "latent":
            pm.CustomDist(
                "treatment",
                _log_odds_of_treatment(declared, shared),
                shared["patients"],
                logp=_of_all,
                random=_none,
                observed=shared["treated"],
                dims="patient",
            )
        if spec is not None:
            risk = covariate_predictor(declared, shared, pt)
            density = spec.exposure.log_likelihood(declared, shared, spec, risk, pt)
            pm.CustomDist(
                "time", density, logp=_given, random=_none, observed=shared["observed_time"], dims="patient"
            )
    return model


def _of_all(treated: Any, log_odds: Any, patients: Any) -> Any:
    """Return the log likelihood of the treatment of all patients of each row."""
    return patients * treatment_log_likelihood(treated, log_odds, pt)
