"""A binary confounder that was not recorded, of stated strength: each patient's likelihood is averaged over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from data.study.cohort import Cohort
from models.arrays import of_prefix, softplus, under_prefix
from models.effects.constant import require_constant
from models.exposures.exposure import Exposure
from models.likelihood import log_likelihood

if TYPE_CHECKING:
    from models.specification import ModelSpec

ENTRY = "until_entry"


@dataclass(frozen=True)
class UnmeasuredConfounder(Exposure):
    r"""Ever treated against never, with a condition U that multiplies the hazard and was not recorded.

    At time zero a share :math:`p_a` of arm a has U, whatever the covariates (Lin, Psaty, Kronmal 1998, doi
    10.2307/2533848). A patient comes under observation at entry e only if still alive, so that both the times and
    the coming under observation are averaged over U:

    .. math:: L_i = \frac{\sum_u \pi_{iu}\, h_{iu}(t)^d e^{-H_{iu}(t)}}{\sum_u \pi_{iu}\, e^{-H_{iu}(e)}},
        \qquad h_{iu}(t) = h_0(t)\, e^{\eta_i - c + \gamma u}

    with both H cumulated from time zero. Prevalences at entry would be other numbers: those who have a harmful U die
    before, and a prevalence at a time that differs between patients is not one that anybody can state.

    The hazard is centred at :math:`c = \gamma \bar p`, with the cohort's mean prevalence: as with every recorded
    column, the baseline remains the hazard of a patient with average covariates, U among them, and the priors of its
    level mean what they mean without U.

    Attributes
    ----------
    p_treated, p_control : float
        Prevalence of U among the treated and the untreated at time zero; between 0 and 1, neither included.
    log_hazard_ratio : float
        Of those who have U against those who do not, the same at all times and in both arms.
    """

    p_treated: float
    p_control: float
    log_hazard_ratio: float
    name: ClassVar[str] = "hidden_confounder"

    def __post_init__(self) -> None:
        for where, share in (("treated", self.p_treated), ("untreated", self.p_control)):
            if not 0.0 < share < 1.0:
                raise ValueError(
                    f"the prevalence among the {where} must be between 0 and 1, but found {share:g}"
                )
        if not np.isfinite(self.log_hazard_ratio):
            raise ValueError(f"the log hazard ratio must be finite, but found {self.log_hazard_ratio:g}")

    def arrays(self, cohort: Cohort, spec: ModelSpec) -> dict[str, np.ndarray]:
        require_constant(spec.effect, self.name)
        prevalence = np.where(cohort.treatment, self.p_treated, self.p_control)
        effect = np.full(cohort.size, self.log_hazard_ratio)
        stated = {
            "hidden_prevalence": prevalence,
            "hidden_effect": effect,
            "hidden_centre": effect * prevalence.mean(),
        }
        late = np.any(cohort.entry > 0)
        before = under_prefix(ENTRY, spec.baseline.basis(cohort.entry)) if late else {}
        return spec.baseline.basis(cohort.time, cohort.entry) | before | stated

    def log_likelihood(
        self, parameters: Mapping[str, Any], content: Mapping[str, Any], spec: ModelSpec, risk: Any, xp: Any
    ) -> Any:
        # With L0 the likelihood of a patient without U given survival to entry, the two sums divided by their terms
        # without U leave log L = log L0 + softplus(a(t)) - softplus(a(e)), where a is the log odds of U at time zero
        # and by what has happened since: nothing overflows, and gamma = 0 is log L0 to the last digit.
        baseline, gamma = spec.baseline, content["hidden_effect"]
        without = (
            spec.effect.log_hazard_ratio(parameters, content["treated"], content, xp)
            + risk
            - content["hidden_centre"]
        )
        at_risk = baseline.cumulative_hazard(parameters, content, xp)
        until_entry = of_prefix(ENTRY, content)
        before = baseline.cumulative_hazard(parameters, until_entry, xp) if until_entry else 0.0
        log_odds = xp.log(content["hidden_prevalence"]) - xp.log1p(-content["hidden_prevalence"])
        excess = xp.expm1(gamma) * xp.exp(without)
        at_end = log_odds + content["event"] * gamma - excess * (before + at_risk)
        at_entry = log_odds - excess * before
        log_hazard = baseline.log_hazard(parameters, content, xp)
        single = log_likelihood(content["event"], log_hazard, at_risk, without, xp)
        return single + softplus(at_end, xp) - softplus(at_entry, xp)
