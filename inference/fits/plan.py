"""Which fits an analysis needs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from inference.adjustments import ADJUSTMENTS
from inference.adjustments.counted import COUNTED_ADJUSTMENTS
from inference.fits.requests import TIME_SPLIT, FitRequest, landmark_of
from inference.sampling.engine import SamplerSettings
from models.effects import BySubgroup
from models.priors import PriorSet

MAIN_BASELINE = "piecewise_exponential"
MAIN_ADJUSTMENT = "joint"
MAIN_ADJUSTMENTS = (MAIN_ADJUSTMENT, "cut", "none", "iptw", "overlap", "matched")
QUICK_ADJUSTMENTS = (MAIN_ADJUSTMENT, "cut")
MAIN_EFFECT = "constant"
CUT = "cut"  # without feedback: of effects that change, and beside the main model under every prior set


@dataclass(frozen=True)
class AnalysisSettings:
    """What decides the fits of an analysis, given its patients: written to the manifest, and read back from it.

    Attributes
    ----------
    priors : str
        The main prior set, by path or name.
    given : sequence of str
        Further prior sets, as given to `sensitivity`.
    sampler : SamplerSettings
        How long to sample.
    designs : mapping of str to int
        Designs of each adjustment that takes several.
    quick : bool
        For a first look.
    exposures : sequence of str
        How exposure to treatment is counted in time; under the others the main baseline alone is fitted. Where the first is
        time_split, weights and pairs are fitted at the landmarks.
    effects : sequence of str
        Shapes other than the constant effect; a quick look has none of them.
    cohorts : int
        How many are pooled: the diagnostic plots of one of several say little, and only the main model's are drawn.
    interaction_cohorts : int or None
        How many are pooled for the effect by subgroup, of which a publication says less than of the effect of all; None for
        as many as for all else.
    prior_sets_alone : bool
        Whether the main model under every prior set is all that is fitted.
    score_given : bool
        Whether the propensity score comes from elsewhere: nothing is modelled jointly with it, and the main adjustment is `cut`.
    counted : bool
        Whether the cohort is a table of counts, which allows one baseline, and no pairs.
    """

    priors: str
    sampler: SamplerSettings = field(default_factory=SamplerSettings)
    designs: Mapping[str, int] = field(default_factory=dict)
    quick: bool = False
    exposures: Sequence[str] = ("naive",)
    effects: Sequence[str] = ()
    cohorts: int = 1
    interaction_cohorts: int | None = None
    given: Sequence[str] = ()
    prior_sets_alone: bool = False
    score_given: bool = False
    counted: bool = False

    @property
    def repeats_prior_sets(self) -> bool:
        """Whether the main model is fitted under the other prior sets: a first look at several cohorts leaves them to `sensitivity`."""
        return self.prior_sets_alone or not (self.quick and self.cohorts > 1)

    @property
    def manifest(self) -> dict[str, Any]:
        """What the manifest holds of them."""
        analysis = asdict(self)
        return {"settings": analysis.pop("sampler"), "analysis": analysis}

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Self:
        """Return the settings that a manifest holds; KeyError or TypeError where it holds none."""
        return cls(sampler=SamplerSettings(**manifest["settings"]), **manifest["analysis"])


@dataclass(frozen=True)
class Plan:
    """The fits of an analysis.

    Attributes
    ----------
    models : tuple of FitRequest
        Baselines x adjustments under the main prior set; the first is the pre-stated main model.
    exposures : tuple of FitRequest
        The main model, and that without feedback, with exposure counted in other ways.
    effects : tuple of FitRequest
        The main baseline with an effect that changes over time, or between subgroups.
    prior_sets : tuple of FitRequest
        The main model under every other prior set.
    prior_sets_cut : tuple of FitRequest
        The same without feedback; not in a quick look.
    illustrated : tuple of FitRequest
        Fits of which the diagnostic plots are drawn.
    """

    models: tuple[FitRequest, ...]
    exposures: tuple[FitRequest, ...]
    effects: tuple[FitRequest, ...]
    prior_sets: tuple[FitRequest, ...]
    prior_sets_cut: tuple[FitRequest, ...]
    illustrated: tuple[FitRequest, ...]

    @property
    def main(self) -> FitRequest:
        """The pre-stated main model."""
        return self.models[0]

    @property
    def requests(self) -> tuple[FitRequest, ...]:
        """All fits."""
        return (*self.models, *self.exposures, *self.effects, *self.prior_sets, *self.prior_sets_cut)


def plan(priors: PriorSet, others: Sequence[PriorSet], settings: AnalysisSettings) -> Plan:
    """Return the fits of an analysis; a quick look has one baseline, `joint` and `cut`, and fewer plots.

    Parameters
    ----------
    priors : PriorSet
        The main prior set.
    others : sequence of PriorSet
        Sets under which the main model is repeated.
    settings : AnalysisSettings
    """
    main, *others_of_time = settings.exposures
    quick, cohorts = settings.quick, settings.cohorts
    main_adjustment = CUT if settings.score_given else MAIN_ADJUSTMENT

    def request(baseline: str, adjustment: str, used: PriorSet, exposure: str = main) -> FitRequest:
        count = settings.designs.get(adjustment, 1)
        # Scores of left-out patients take more than half as long as sampling; of several cohorts, only where baselines are compared.
        left_out = cohorts == 1 or adjustment == main_adjustment
        return FitRequest(
            baseline,
            adjustment,
            MAIN_EFFECT,
            used,
            settings.sampler,
            count,
            exposure,
            left_out=left_out,
            cohorts=cohorts,
        )

    def effect_alone(one: FitRequest, **changed: Any) -> FitRequest:
        return replace(one, predictive=False, left_out=False, **changed)

    baselines = [MAIN_BASELINE] if quick or settings.counted else [MAIN_BASELINE, "weibull"]
    both = tuple(name for name in QUICK_ADJUSTMENTS if name == CUT or not settings.score_given)
    adjustments = (
        both if quick else (*both, *(name for name in MAIN_ADJUSTMENTS if name not in QUICK_ADJUSTMENTS))
    )
    if settings.counted:
        adjustments = tuple(name for name in adjustments if name in COUNTED_ADJUSTMENTS)
    designed = [name for name in adjustments if ADJUSTMENTS[name].population]
    if main == TIME_SPLIT:  # weights and pairs are of who is treated at a landmark
        adjustments = tuple(name for name in adjustments if name not in designed)
    stated = [request(baseline, name, priors) for baseline in baselines for name in adjustments]
    repeated, cut = (
        tuple(
            effect_alone(request(MAIN_BASELINE, adjustment, other))
            for other in others
            if other.name != priors.name and settings.repeats_prior_sets
        )
        for adjustment in (main_adjustment, CUT)
    )
    otherwise = [
        request(MAIN_BASELINE, name, priors, exposure)
        for exposure in others_of_time
        for name in (*both, *_at_landmark(main, exposure, designed))
    ]
    pooled = {BySubgroup.name: settings.interaction_cohorts}
    changing = [
        effect_alone(
            request(MAIN_BASELINE, CUT, priors), effect=effect, cohorts=pooled.get(effect) or cohorts
        )
        for effect in ([] if quick else settings.effects)
    ]
    if settings.prior_sets_alone:
        return Plan(tuple(stated[:1]), (), (), repeated, (), ())
    sampled = [one for one in stated if not ADJUSTMENTS[one.adjustment].maximises]
    return Plan(
        tuple(stated),
        tuple(otherwise),
        tuple(changing),
        repeated,
        () if quick or main_adjustment == CUT else cut,
        tuple(stated[:1] if quick or cohorts > 1 else sampled),
    )


def _at_landmark(main: str, exposure: str, designed: Sequence[str]) -> Sequence[str]:
    """Return the adjustments by weights and pairs that the main exposure cannot have and this one can."""
    return designed if main == TIME_SPLIT and landmark_of(exposure) is not None else ()
