"""The results of an analysis: summaries of its fits, gathered into the tables of the contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import xarray as xr

from data.study.cohort import Cohort
from data.study.imputed_cohorts import Imputation
from data.study.study import Study
from data.study.subcohorts import landmark_cohort
from inference.adjustments import ADJUSTMENTS
from inference.diagnostics.checks.feedback import effect_moved
from inference.diagnostics.checks.result import CheckResult, checks_table
from inference.diagnostics.loo import compare_baselines
from inference.fits.fits import FitSummary
from inference.fits.requests import FitRequest, landmark_of
from inference.fits.stored import StoredModel
from inference.sensitivity.priors import prior_sensitivity
from inference.storage.checksums import digest
from models.assembly import parameter_names
from models.specification import known_parameters, outcome_spec
from models.units import in_time_unit


@dataclass(frozen=True, eq=False)
class Results:
    """All that an analysis found."""

    study: Study
    cohorts: tuple[Cohort, ...]  # its patients; several are reconstructions of the same publication
    # baselines x adjustments under the main prior set; the first is the main model
    models: tuple[FitSummary, ...]
    # the main model, and that without feedback, with exposure counted in other ways
    exposures: tuple[FitSummary, ...]
    # the main baseline with an effect that changes over time, or between subgroups
    effects: tuple[FitSummary, ...]
    # the main model under every other prior set, and the same without feedback
    prior_sets: tuple[FitSummary, ...]
    prior_sets_cut: tuple[FitSummary, ...]
    comparators: pd.DataFrame  # the contract's comparators.csv
    main_fit: xr.DataTree  # the main fit; of several cohorts, that to the first
    manifest: Mapping[str, Any]  # provenance
    # models of which the diagnostic plots are drawn, the main one first
    illustrated: tuple[StoredModel, ...] = ()
    beside: tuple[CheckResult, ...] = ()  # checks of what was sampled beside the fits
    # those that come after `cohorts` and are pooled for the effect by subgroup alone
    further: tuple[Cohort, ...] = ()
    # where cells of covariates were missing and imputed: `cohorts` are then the completed ones
    imputation: Imputation | None = None
    not_estimable: tuple[tuple[FitRequest, str], ...] = ()  # models that the patients do not give, and why

    @property
    def cohort(self) -> Cohort:
        """The first cohort: for what all have in common."""
        return self.cohorts[0]

    @cached_property
    def analysed(self) -> tuple[Cohort, ...]:
        """The patients as the main model counts them: at a landmark, those left then, in the arms that they were in."""
        landmark = landmark_of(self.main.request.exposure)
        return (
            self.cohorts
            if landmark is None
            else tuple(landmark_cohort(one, landmark) for one in self.cohorts)
        )

    @property
    def main(self) -> FitSummary:
        """The pre-stated main model."""
        return self.models[0]

    @cached_property
    def key(self) -> str:
        """Digest of what the results are made from: equal keys, equal figures."""
        return digest([[summary.key for summary in self.summaries], self.comparators.to_csv()])

    @property
    def summaries(self) -> tuple[FitSummary, ...]:
        """All fits."""
        return (*self.models, *self.exposures, *self.effects, *self.prior_sets, *self.prior_sets_cut)

    @cached_property
    def estimands(self) -> pd.DataFrame:
        """Rows of the contract's estimands.csv, of all fits; a model that the patients do not give is a row with the reason."""
        tables = [summary.estimands for summary in self.summaries]
        lacking = [
            {
                "study": self.study.name,
                **request.named,
                "estimand": "hazard_ratio",
                "population": ADJUSTMENTS[request.adjustment].population or "conditional",
                "unit": "ratio",
                "note": f"not estimable: {reason}",
            }
            for request, reason in self.not_estimable
        ]
        if not lacking:
            return pd.concat(tables, ignore_index=True)
        rows = pd.DataFrame(lacking, columns=tables[0].columns).astype(tables[0].dtypes.to_dict())
        return pd.concat([*tables, rows.fillna({"subgroup": ""})], ignore_index=True)

    @cached_property
    def pooling(self) -> pd.DataFrame:
        """How the variance of every estimand divides into within and between cohorts, of all fits."""
        return pd.concat(
            [summary.pooling.assign(**summary.request.named) for summary in self.summaries], ignore_index=True
        )

    @cached_property
    def checks(self) -> pd.DataFrame:
        """The checks of all fits, the fit's name after the family; overlap, which all share, of the main fit only."""
        listed = [
            check.of(summary.request.label)
            for summary in self.summaries
            for check in summary.checks
            if summary is self.main or len(summary.balance) or check.family != "overlap"
        ]
        stated = (*self.models, *self.exposures, *self.prior_sets, *self.prior_sets_cut)
        for joint in stated:
            for cut in stated:
                if _same_but_feedback(joint, cut):
                    moved = effect_moved(joint.estimands, cut.estimands)
                    listed.append(moved.of(joint.request.label))
        lacking = [
            CheckResult("estimand", "not estimable", "warn", None, None, reason, request.label)
            for request, reason in self.not_estimable
        ]
        return checks_table([*listed, *lacking, *self.beside])

    @cached_property
    def baselines(self) -> pd.DataFrame:
        """Leave-one-out scores of the baselines, under the main adjustment."""
        same = [one for one in self.models if one.request.adjustment == self.main.request.adjustment]
        return compare_baselines({one.request.baseline: one.elpd for one in same})

    @cached_property
    def sensitivity(self) -> pd.DataFrame:
        """The effect of the main model under each prior set, and without feedback where that was fitted."""
        without = [
            one
            for one in (*self.models, *self.prior_sets_cut)
            if (one.request.baseline, one.request.adjustment, one.request.exposure)
            == (self.main.request.baseline, "cut", self.main.request.exposure)
        ]
        return prior_sensitivity([self.main, *self.prior_sets], without)

    @cached_property
    def priors(self) -> pd.DataFrame:
        """What the main fit used: parameter, term, prior, reason, meaning."""
        request = self.main.request
        cohort = self.analysed[0]
        spec = outcome_spec(
            self.study, cohort, request.baseline, request.effect, ADJUSTMENTS[request.adjustment].score
        )
        rows = []
        for parameter, names in parameter_names(cohort, spec).items():
            by_term = request.priors.term_overrides.get(parameter.name, {})
            for term in [name for name in names if name in by_term] + [""]:
                stated = request.priors.prior(parameter, term)
                prior = in_time_unit(parameter, stated, self.study.time_unit)
                rows.append(
                    {
                        "parameter": parameter.name,
                        "term": term,
                        "prior": str(prior),
                        "reason": prior.reason,
                        "meaning": known_parameters()[parameter.name].meaning,
                    }
                )
        return pd.DataFrame(rows)


def _same_but_feedback(joint: FitSummary, cut: FitSummary) -> bool:
    """Return whether two fits differ in nothing but that the outcome informs the score of the first."""
    first, second = joint.request, cut.request
    same = (first.baseline, first.exposure) == (second.baseline, second.exposure)
    same &= first.priors.name == second.priors.name
    return same and (first.adjustment, second.adjustment) == ("joint", "cut")
