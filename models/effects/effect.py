"""What an effect shape must state: its parameters, and the log hazard ratio in them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from models.baselines.baseline import Values
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
    """A log hazard ratio that a fit reports.

    Attributes
    ----------
    subgroup : str
        Whose: empty for the average patient, else "column=level".
    time : float or None
        End of the interval in which it holds; None where it holds at all times.
    draws : ndarray (draw,)
    """

    subgroup: str
    time: float | None
    draws: np.ndarray


class Effect(ABC):
    """How treatment multiplies the hazard.

    Every shape has the single number `treatment_effect`. What follows are the answers of a shape without latent
    variables whose hazard ratio does not change with time; others override them.
    """

    name: ClassVar[str]

    @classmethod
    def of_study(cls, study: Study, cohort: Cohort, cutpoints: tuple[float, ...]) -> Effect:
        """Return the effect that a study's intervals and subgroups give."""
        return cls()

    @classmethod
    @abstractmethod
    def known_parameters(cls) -> tuple[Parameter, ...]:
        """Return every parameter that any of its forms has: a prior set may name them."""

    @property
    @abstractmethod
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters with a prior of their own, single numbers, in the order of declaration."""

    @property
    def derived(self) -> tuple[Parameter, ...]:
        """What follows from the model's free variables and is reported too; their default priors say from what."""
        return ()

    @property
    def cutpoints(self) -> tuple[float, ...]:
        """Times at which the hazard ratio may jump; empty where it is the same at all times."""
        return ()

    @property
    def structure(self) -> tuple:
        """What a compiled model of this effect depends on, besides the values and columns of its arrays."""
        return (self.name,)

    @property
    def coordinates(self) -> dict[str, list[str]]:
        """Names along the dimensions of what it declares."""
        return {}

    def arrays(self, cohort: Cohort) -> dict[str, np.ndarray]:
        """Return what its formulas read of the patients, besides treatment and intervals."""
        return {}

    def with_main_effects(self, cohort: Cohort) -> Cohort:
        """Return the cohort with all columns in its outcome design that this shape needs there: as it is, unless overridden."""
        return cohort

    def declare(self, declared: Callable[[str], Any]) -> dict[str, Any]:
        """Return what the formulas need inside a PyMC model, from a function that declares a parameter by its prior."""
        return {parameter.name: declared(parameter.name) for parameter in self.parameters}

    def draw_prior(
        self, drawn: Callable[[str], np.ndarray], rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return draws of all that it reports from the prior, from a function that draws a parameter by its prior."""
        return {parameter.name: drawn(parameter.name) for parameter in self.parameters}

    def complete(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return all that it reports from the values of the model's free variables."""
        return {parameter.name: values[parameter.name] for parameter in self.parameters}

    def latent_log_prior(self, parameters: Values) -> dict[str, np.ndarray]:
        """Return the log density of what has a prior that depends on other parameters, by name, for each draw."""
        return {}

    @abstractmethod
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

    def log_ratios(self, parameters: Values) -> Any:
        """Return the log hazard ratio of the average patient (..., interval) between the cut points."""
        return parameters["treatment_effect"][..., None]

    def reported(self, parameters: Values, cohort: Cohort, last: float) -> tuple[Reported, ...]:
        """Return the log hazard ratios to report, that of everybody first if there is one.

        Parameters
        ----------
        parameters : mapping of str to ndarray (draw, ...)
        cohort : Cohort
            The patients.
        last : float
            The last follow-up, with which the last interval ends.
        """
        return (Reported("", None, parameters["treatment_effect"]),)
