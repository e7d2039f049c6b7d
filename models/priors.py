"""Priors as values: the prior of one parameter, what a parameter is, and named sets of overrides."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from data.errors import InputError
from models.families import FAMILIES, Family, Support


@dataclass(frozen=True)
class Prior:
    """The prior distribution of one parameter.

    Attributes
    ----------
    distribution : str
        A name of `models.families.FAMILIES`.
    arguments : mapping of str to float
        Arguments under PyMC's names.
    reason : str
        One sentence that a clinician can dispute.
    per : {"unit", "sd"}
        What a coefficient is stated for: one unit of its column, or one standard deviation of it (of a column of two values
        their difference).
    time_unit : str
        Unit of time in which it is stated; empty for that of the study.
    """

    distribution: str
    arguments: Mapping[str, float]
    reason: str = ""
    per: Literal["unit", "sd"] = "unit"
    time_unit: str = ""

    @property
    def family(self) -> Family:
        """The distribution family."""
        return FAMILIES[self.distribution]

    @property
    def frozen(self) -> Any:
        """The distribution as a frozen SciPy distribution."""
        return self.family.scipy(**self.arguments)

    def __str__(self) -> str:
        arguments = ", ".join(f"{value:g}" for value in self.arguments.values())
        return f"{self.distribution}({arguments}){' per sd' if self.per == 'sd' else ''}"


@dataclass(frozen=True, eq=False)
class Parameter:
    """A quantity with a prior, declared by the component that owns it.

    Attributes
    ----------
    name : str
        Name in prior sets and in the posterior.
    support : {"real", "positive"}
        Values it may take.
    default : Prior
        Used when no prior set says otherwise.
    meaning : str
        What the number is, with its unit.
    dim : str
        Name of its dimension ("term" or "interval"), empty for a single number.
    scale_of_others : bool
        True for a hyper-parameter that sets the spread of other parameters.
    of_time : {"", "time", "log_rate"}
        Whether it is a time, or the log of a rate per time unit, so that its prior has a unit of time.
    """

    name: str
    support: Support
    default: Prior
    meaning: str
    dim: str = ""
    scale_of_others: bool = False
    of_time: Literal["", "time", "log_rate"] = ""


@dataclass(frozen=True)
class PriorSet:
    """Overrides of the components' default priors, by parameter and by term.

    Attributes
    ----------
    name : str
        Name printed in every output.
    reason : str
        Why this set is worth a look.
    overrides : mapping of str to Prior
        Priors by parameter name.
    term_overrides : mapping of str to mapping of str to Prior
        Priors by parameter name and term.
    caution : str
        What a reader of its results should know, such as a unit of time that it does not state; empty if nothing.
    """

    name: str
    reason: str = ""
    overrides: Mapping[str, Prior] = field(default_factory=dict)
    term_overrides: Mapping[str, Mapping[str, Prior]] = field(default_factory=dict)
    caution: str = ""

    @property
    def content(self) -> dict[str, Any]:
        """Distributions, arguments and units by parameter and term, without names and reasons: what decides draws."""
        units = {name: prior.time_unit for name, prior in self.overrides.items() if prior.time_unit}
        return {
            "overrides": {name: str(prior) for name, prior in self.overrides.items()},
            "terms": {
                name: {term: str(prior) for term, prior in by_term.items()}
                for name, by_term in self.term_overrides.items()
            },
            **({"time_units": units} if units else {}),
        }

    def prior(self, parameter: Parameter, term: str = "") -> Prior:
        """Return the prior of a parameter, or of one of its terms."""
        by_term = self.term_overrides.get(parameter.name, {})
        return by_term.get(term, self.overrides.get(parameter.name, parameter.default))

    def check_terms(self, parameter: Parameter, terms: Iterable[str]) -> None:
        """Raise InputError where an override names a term that the design does not have."""
        known = tuple(terms)
        for term in self.term_overrides.get(parameter.name, {}):
            if term not in known:
                raise InputError(
                    f'prior set {self.name}: [{parameter.name}."{term}"] must name a term of the design, but found '
                    f"no such term; known terms: {', '.join(known) or 'none'}"
                )
