"""A treatment effect that differs between subgroups, shrunk towards a common one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from data.errors import InputError
from data.study.cohort import content_hash
from data.study.formulas import Design
from models.arrays import matrix_vector
from models.components import Component, Exchangeable, Values
from models.effects.effect import TREATMENT_EFFECT, Effect, Reported
from models.priors import Parameter, Prior

if TYPE_CHECKING:
    from data.study.cohort import Cohort
    from data.study.study import Study

MODIFIERS = "modifiers"
PATIENTS = ("patient", "time", "event", "treatment", "entry", "treatment_start")
COLLINEAR = 1e-7  # share of a column's length that a design does not explain
OVER_ROOT = "subgroup_effects_over_root_sd"
SUBGROUP_EFFECT_SD = Parameter(
    "subgroup_effect_sd",
    "positive",
    Prior(
        "LogNormal",
        {"mu": float(np.log(0.3)), "sigma": 0.7},
        "hazard ratios with and without a condition mostly differ by a factor of 1.2 to 1.8, and may by more; little mass near "
        "0, where the sampler could not move",
    ),
    "standard deviation of the subgroup effects",
    scale_of_others=True,
)
SUBGROUP_EFFECTS = Parameter(
    "subgroup_effects",
    "real",
    Prior("Normal", {"mu": 0.0, "sigma": 0.3}, "its standard deviation is subgroup_effect_sd"),
    "difference in log hazard ratio between patients with and without the level",
    dim="subgroup",
)


@dataclass(frozen=True)
class BySubgroup(Effect):
    r"""log HR_i = treatment_effect + z_i' subgroup_effects, with subgroup_effects ~ Normal(0, subgroup_effect_sd).

    z are the 0/1 columns of the subgroups' levels but the first, centred over the cohort: `treatment_effect` is that of
    the average patient. Sites of disease overlap in patients, so that effects add on the log scale
    (Jones et al. 2011, doi 10.1177/1740774510396933, for the model of shrunken subgroup effects). Each level's main effect
    must be in the outcome model, as `with_main_effects` sees to: what a level does to the hazard of both arms would else be
    taken for a difference between them.

    Attributes
    ----------
    levels : tuple of (str, str)
        Covariate and level of each column.
    """

    levels: tuple[tuple[str, str], ...]
    name: ClassVar[str] = "by_subgroup"
    known: ClassVar[tuple[Parameter, ...]] = (TREATMENT_EFFECT, SUBGROUP_EFFECT_SD)
    columns: ClassVar[dict[str, str]] = {MODIFIERS: "subgroup"}

    @classmethod
    def of_study(cls, study: Study, cohort: Cohort, cutpoints: tuple[float, ...]) -> BySubgroup:
        """Return the effect by the subgroups that a study reports; levels that all patients have, or none, are left out.

        Raises
        ------
        InputError
            Where a study reports no subgroups, one that is no covariate with levels, or none in which patients differ.
        """
        columns = study.report.subgroups
        place = f"{study.file}: [report] subgroups must name covariates with levels for --effect by_subgroup"
        if not columns:
            raise InputError(f"{place}, but found none; list some there, or choose --effect constant")
        plain = [name for name in columns if not _has_levels(cohort, name)]
        if plain:
            raise InputError(
                f"{place}, but found {', '.join(plain)}; declare levels under [covariates], or leave it out"
            )
        listed = tuple(
            (name, str(level))
            for name in columns
            for level in cohort.covariates[name].cat.categories[1:]
            if 0 < _members(cohort, name, str(level)).sum() < cohort.size
        )
        if not listed:
            raise InputError(
                f"{place} in which patients differ, but found {', '.join(columns)} the same for all; name others"
            )
        return cls(listed)

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the columns, as formulaic names them."""
        return tuple(f"{name}[T.{level}]" for name, level in self.levels)

    @property
    def components(self) -> tuple[Component, ...]:
        effects = Exchangeable(SUBGROUP_EFFECTS, self.terms, sd=SUBGROUP_EFFECT_SD, latent=OVER_ROOT)
        return (Component(TREATMENT_EFFECT), effects)

    def arrays(self, cohort: Cohort) -> dict[str, np.ndarray]:
        columns = np.column_stack([_members(cohort, *level) for level in self.levels]).astype(float)
        return {MODIFIERS: columns - columns.mean(axis=0)}

    def with_main_effects(self, cohort: Cohort) -> Cohort:
        """Return the cohort with the columns of the levels in its outcome design, those that the design spans left out.

        They are terms of `outcome_coefficients` like any other, named as formulaic names them.
        """
        outcome = cohort.outcome
        for term, column in zip(self.terms, self.arrays(cohort)[MODIFIERS].T, strict=True):
            if not _spanned(column, outcome.values):
                outcome = _with_column(outcome, term, column)
        if outcome is cohort.outcome:
            return cohort
        patients = {name: getattr(cohort, name) for name in PATIENTS}
        designs = {"outcome": outcome, "propensity": cohort.propensity}
        return replace(cohort, outcome=outcome, sha256=content_hash(patients, cohort.covariates, designs))

    def modification(self, parameters: Values, content: Mapping[str, Any], xp: Any) -> Any:
        return matrix_vector(content[MODIFIERS], parameters[SUBGROUP_EFFECTS.name], xp)

    def reported(self, parameters: Values, cohort: Cohort, last: float) -> tuple[Reported, ...]:
        """Return that of the average patient, and the mean over the patients of each level."""
        average = parameters["treatment_effect"]
        rows = [Reported("", None, average)]
        columns = self.arrays(cohort)[MODIFIERS]
        for name in dict.fromkeys(name for name, _ in self.levels):
            for level in cohort.covariates[name].cat.categories:
                inside = _members(cohort, name, str(level))
                if inside.any():
                    shift = parameters[SUBGROUP_EFFECTS.name] @ columns[inside].mean(axis=0)
                    rows.append(Reported(f"{name}={level}", None, average + shift))
        return tuple(rows)


def _has_levels(cohort: Cohort, name: str) -> bool:
    return name in cohort.covariates and isinstance(cohort.covariates[name].dtype, pd.CategoricalDtype)


def _spanned(column: np.ndarray, design: np.ndarray) -> bool:
    """Return whether a centred column (patient,) is a linear combination of those of a design (patient, term)."""
    if not design.shape[1]:
        return False
    scaled = design / np.linalg.norm(design, axis=0)
    rest = column - scaled @ np.linalg.lstsq(scaled, column, rcond=None)[0]
    return bool(np.linalg.norm(rest) < COLLINEAR * np.linalg.norm(column))


def _with_column(design: Design, term: str, column: np.ndarray) -> Design:
    """Return a design with one more centred 0/1 column."""
    values = np.column_stack([design.values, column])
    means = np.append(design.means, -column.min())
    for array in (values, means):
        array.flags.writeable = False
    return replace(design, terms=(*design.terms, term), values=values, means=means)


def _members(cohort: Cohort, name: str, level: str) -> np.ndarray:
    """Return who has a level (patient,)."""
    return (cohort.covariates[name].astype(str) == level).to_numpy()
