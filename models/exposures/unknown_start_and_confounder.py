"""Treatment that began at an unknown time, and a binary confounder that was not measured: both averaged out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from data.study.cohort import Cohort
from models.arrays import softplus
from models.exposures.exposure import Exposure
from models.exposures.unknown_start import UnknownStart, log_density_of_time, log_odds_of_candidacy
from models.exposures.unmeasured_confounder import UnmeasuredConfounder
from models.priors import Parameter

if TYPE_CHECKING:
    from models.specification import ModelSpec


@dataclass(frozen=True)
class UnknownStartAndConfounder(Exposure):
    r"""An unknown start of treatment, with a condition U that multiplies the hazard and was not measured.

    Patient i is a candidate for treatment with probability :math:`q_i` and would begin at :math:`r \sim F`, as in
    `UnknownStart`. At time zero a share :math:`p_1` of the candidates and :math:`p_0` of the others have U, whatever their
    covariates. With :math:`f_{iu}` the density of the record (time and event) given :math:`U = u`, the start averaged out, and
    :math:`\pi_c(u)` the prevalence, the treated have

    .. math:: L_i = q_i \sum_u \pi_1(u) f_{iu}

    and whoever was not treated by :math:`t_i` either was no candidate, or was one whose start lies after :math:`t_i`:

    .. math:: L_i = \sum_u [(1 - q_i) \pi_0(u) + q_i (1 - F(t_i)) \pi_1(u)] f_{iu}

    Where all begin at time zero this is `UnmeasuredConfounder` times the treatment model; without an effect of U it is
    `UnknownStart`. Prevalences are of candidates, not of those who were seen to be treated: the treated have lived until their
    start, so that fewer of them have a harmful U, and their prevalence is not one that anybody can state. Unlike without U,
    candidacy and hazard are not independent given the data, and the treatment model is estimated too.

    Attributes
    ----------
    start : UnknownStart
    confounder : UnmeasuredConfounder
        Its prevalence among the treated is that of the candidates; among the untreated, that of the others.
    """

    start: UnknownStart
    confounder: UnmeasuredConfounder
    name: ClassVar[str] = "unknown_start_and_confounder"

    @property
    def _of_candidates(self) -> UnknownStart:
        return replace(self.start, candidacy=True)

    def parameters(self, cohort: Cohort) -> dict[Parameter, tuple[str, ...]]:
        """Return those of the treatment model: log odds of being a candidate."""
        return self._of_candidates.parameters(cohort)

    def arrays(self, cohort: Cohort, spec: ModelSpec) -> dict[str, np.ndarray]:
        """Return what `UnknownStart` reads, and of U the prevalences, the log hazard ratio and its mean over the cohort."""
        confounder = self.confounder
        effect = np.full(cohort.size, confounder.log_hazard_ratio)
        recorded = np.where(cohort.treatment, confounder.p_treated, confounder.p_control)
        return {
            **self._of_candidates.arrays(cohort, spec),
            "hidden_prevalence_candidates": np.full(cohort.size, confounder.p_treated),
            "hidden_prevalence_others": np.full(cohort.size, confounder.p_control),
            "hidden_effect": effect,
            # A constant: the baseline is near that of a patient with average U.
            "hidden_centre": effect * recorded.mean(),
        }

    def log_likelihood(
        self, parameters: Mapping[str, Any], content: Mapping[str, Any], spec: ModelSpec, risk: Any, xp: Any
    ) -> Any:
        log_odds, treated = log_odds_of_candidacy(parameters, content, xp), content["treated"]
        candidates, others = content["hidden_prevalence_candidates"], content["hidden_prevalence_others"]
        without, with_condition = (
            (xp.log1p(-candidates), xp.log1p(-others), 0.0),
            (xp.log(candidates), xp.log(others), content["hidden_effect"]),
        )

        def joint(of_candidates: Any, of_others: Any, effect: Any) -> Any:
            """Return the log density of the record and one value of U, times 1 + the odds of candidacy."""
            later = log_odds + content["log_not_started"] + of_candidates
            untreated = of_others + softplus(later - of_others, xp)
            weight = treated * (log_odds + of_candidates) + (1.0 - treated) * untreated
            own = risk + effect - content["hidden_centre"]
            return weight + log_density_of_time(parameters, content, spec, own, xp)

        first, second = joint(*without), joint(*with_condition)
        return first + softplus(second - first, xp) - softplus(log_odds, xp)
