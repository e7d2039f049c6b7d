"""Base class of effect shapes: parameters, and the log hazard ratio in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.components import Part, Values
from models.effects.changing import LAST
from models.priors import Parameter, Prior

if TYPE_CHECKING:
    from data.study.cohort import Cohort
    from data.study.study import Study

TREATMENT_EFFECT = Parameter(
    "treatment_effect",
    "real",
    Prior(
        "Normal",
        {"mu": 0.0, "sigma": 0.5},
        "no direction preferred; the hazard ratio is between 0.37 and 2.7 (95 %)",
    ),
    "log hazard ratio of treatment, below 0 where treatment helps",
)


@dataclass(frozen=True, eq=False)
class Reported:
    """A log hazard ratio that a fit reports."""

    subgroup: str  # whose: empty for the average patient, else "column=level"
    time: float | None  # end of the interval in which it holds; None where it holds at all times
    draws: np.ndarray  # (draw,)


class Effect(Part):
    """How treatment multiplies the hazard.

    Every shape has the single number `treatment_effect`. What stands here is right for a hazard ratio that changes neither with
    time nor between patients: one that changes with time overrides `cutpoints` and `log_ratios`, one that differs between patients
    `arrays` and `modification`.
    """

    @classmethod
    def of_study(cls, study: Study, cohort: Cohort, cutpoints: tuple[float, ...]) -> Effect:
        """Return the effect that a study's intervals and subgroups give."""
        return cls()

    def arrays(self, cohort: Cohort) -> dict[str, np.ndarray]:
        """Return what its formulas read of the patients, besides treatment and intervals."""
        return {}

    def with_main_effects(self, cohort: Cohort) -> Cohort:
        """Return the cohort with all columns in its outcome design that this shape needs there: as it is, unless overridden."""
        return cohort

    def log_ratios(self, parameters: Values) -> Any:
        """Return the log hazard ratio of the average patient (..., interval) between the cut points."""
        return parameters["treatment_effect"][..., None]

    def modification(self, parameters: Values, content: Mapping[str, Any], xp: Any) -> Any:
        """Return how far the log hazard ratio of each patient (..., patient) is from the average one; None if it is the same."""
        return None

    def log_hazard_ratio(
        self, parameters: Values, treatment: Any, content: Mapping[str, Any], xp: Any
    ) -> Any:
        """Return the log hazard ratio of each patient against the same patient untreated, at the end of the time at risk.

        Parameters
        ----------
        parameters : mapping of str to array
            Draws come first.
        treatment : array (patient,)
            1 for treated, 0 for control.
        content : mapping of str to array
            The arrays of the model: `arrays`, and those of `models.effects.changing` where the ratio changes with time.
        xp : module
            numpy or pytensor.tensor.

        Returns
        -------
        array (..., patient)
        """
        ratio = self.log_ratios(parameters)
        if self.cutpoints:
            ratio = ratio[..., content[LAST]]
        shift = self.modification(parameters, content, xp)
        return treatment * (ratio if shift is None else ratio + shift)

    def reported(self, parameters: Values, cohort: Cohort, last: float) -> tuple[Reported, ...]:
        """Return the log hazard ratios to report, that of everybody first if there is one.

        Parameters
        ----------
        parameters : mapping of str to ndarray (draw, ...)
        cohort : Cohort
        last : float
            The last follow-up, with which the last interval ends.
        """
        return (Reported("", None, parameters["treatment_effect"]),)
