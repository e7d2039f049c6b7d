"""Options that the verbs share, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

if TYPE_CHECKING:
    from data.study.cohort import Cohort
    from data.study.study import Study
    from inference.fits.cluster import Cluster
    from inference.sampling.engine import SamplerSettings

SEED = 20240101
FULL = {"chains": 4, "draws": 1000, "tune": 300, "designs": 20, "cohorts": 20}
QUICK = {**FULL, "designs": 5, "cohorts": 3}
QUICK_IMPUTATIONS = 5
INTERACTION_COHORTS = 50  # a publication says less of subgroups than of all: 20 are too rough there
# Each of several cohorts has fewer draws: together they have more than a single cohort. Few cohorts leave the mean of
# their R-hat noisy, and have more chains each.
DRAWS_OF_ALL_COHORTS, FEWEST_OF_A_COHORT = 1500, 500
MANY_COHORTS, CHAINS_OF_MANY = 10, 2
# The posterior is whitened before it is sampled, so that only a step size is left to learn: in three cohorts and three models
# 150 draws of warm-up gave the steps, and the effective sample sizes, that 300 gave.
TUNE_OF_MANY = 150

FEWEST_IN_CHAIN = 10
FEWEST, MOST = 40, 1_000_000  # draws of all chains: fewer have no diagnostics, more no place in memory


def _whole(_: Any, tokens: Any) -> int:
    """Return a whole number; a fraction is refused rather than rounded."""
    text = tokens[0].value
    if not text.lstrip("+-").isdecimal():
        raise ValueError(f"must be a whole number, but found {text}.")
    return int(text)


Count = Annotated[int | None, Parameter(converter=_whole, validator=Number(gte=1, lte=100_000))]
Study_ = Annotated[str, Parameter(help="A bundled study's name, a study.toml, or the folder that holds one.")]
Cluster_ = Annotated[
    str | None,
    Parameter(
        help="Workers of a dask scheduler, such as tcp://127.0.0.1:8786, in the place of this machine's."
    ),
]
Cohorts_ = Annotated[
    int, Parameter(help="How many cohorts.", converter=_whole, validator=Number(gte=1, lte=1000))
]
Seed_ = Annotated[
    int, Parameter(help="Same seed, same cohorts.", converter=_whole, validator=Number(gte=0, lte=2**32 - 1))
]
Exposure = Literal["naive", "time_split", "landmark"]


def workers_of(address: str | None, study: Study) -> Cluster | None:
    """Return the workers of a scheduler, for a study; None for those of this machine."""
    if address is None:
        return None
    from inference.fits.cluster import cluster

    return cluster(address, study.folder)


@Parameter(name="*")
@dataclass(frozen=True)
class Sampling:
    """How to sample."""

    chains: Annotated[Count, Parameter(help="Chains [4; for each of 10 cohorts or more 2].")] = None
    draws: Annotated[
        Count,
        Parameter(help="Draws kept, for each chain [1000; for each of several cohorts 500, of two 750]."),
    ] = None
    tune: Annotated[
        Count, Parameter(help="Warm-up draws, for each chain [300; for each of 10 cohorts or more 150].")
    ] = None
    designs: Annotated[
        Count,
        Parameter(
            help="Of all cohorts together: propensity draws for cut and sets of pairs for matched [20]; bootstrap vectors for "
            "iptw and overlap [chains x draws]."
        ),
    ] = None
    cohorts: Annotated[
        Count,
        Parameter(
            help="Cohorts of pseudo-patients, for a study that publishes no patients [20; in full, 50 for the effect by subgroup]; or "
            "imputations of missing cells [the study's]."
        ),
    ] = None
    seed: Annotated[
        int,
        Parameter(help="Same seed, same draws.", converter=_whole, validator=Number(gte=0, lte=2**32 - 1)),
    ] = SEED
    quick: Annotated[
        bool,
        Parameter(
            help="A first look: joint and cut under one baseline, fewer designs and cohorts.", negative=""
        ),
    ] = False
    quiet: Annotated[bool, Parameter(help="No progress and no summary.", negative="")] = False
    out: Annotated[Path | None, Parameter(help="Where to write, instead of outputs/<study>.")] = None
    exposure: Annotated[
        Exposure | None,
        Parameter(
            help="How exposure is counted where a study has start times [time_split]; naive: ever or never."
        ),
    ] = None
    cluster: Cluster_ = None
    landmark: Annotated[
        float | None,
        Parameter(help="Time of the landmark, in the study's unit [the study's].", validator=Number(gte=0)),
    ] = None

    def count(self, name: str) -> int:
        """Return how many, as given or by default."""
        given = getattr(self, name)
        return given if given is not None else (QUICK if self.quick else FULL)[name]

    def cohorts_of(self, study: Study) -> int:
        """Return how many cohorts of pseudo-patients, or imputations, a study is to have."""
        if study.cohort.source == "reconstruction" or self.cohorts is not None:
            return self.count("cohorts")
        stated = study.missing.imputations
        return min(stated, QUICK_IMPUTATIONS) if self.quick else stated

    def interaction_cohorts(self, study: Study, cohorts: int) -> int:
        """Return how many cohorts are pooled for the effect by subgroup, where `cohorts` are for all else."""
        published = study.cohort.source == "reconstruction"
        stated = self.cohorts is not None or self.quick or cohorts == 1 or not published
        return cohorts if stated else max(INTERACTION_COHORTS, cohorts)

    def designs_of_a_cohort(self, cohorts: int) -> dict[str, int]:
        """Return how many designs each cohort gets, by adjustment; those that are not named take none."""
        from inference.adjustments import ADJUSTMENTS

        settings = self.settings(cohorts)
        every = settings.chains * settings.draws
        return {
            name: -(-self.count("designs") // cohorts)
            if kind.several_designs or self.designs is not None
            else every
            for name, kind in ADJUSTMENTS.items()
            if kind.several_designs or kind.maximises
        }

    def settings(self, cohorts: int = 1) -> SamplerSettings:
        """Return the sampler's settings.

        Parameters
        ----------
        cohorts : int
            How many are fitted and pooled.

        Raises
        ------
        InputError
            Where the draws are too few to be judged, or too many to be held.
        """
        from data.errors import InputError
        from inference.sampling.engine import SamplerSettings

        chains, draws, tune = self.count("chains"), self.count("draws"), self.count("tune")
        if cohorts > 1 and self.draws is None:
            draws = max(FEWEST_OF_A_COHORT, DRAWS_OF_ALL_COHORTS // cohorts)
        if cohorts >= MANY_COHORTS and self.chains is None:
            chains = CHAINS_OF_MANY
        if cohorts >= MANY_COHORTS and self.tune is None:
            tune = TUNE_OF_MANY
        if draws < FEWEST_IN_CHAIN or not FEWEST <= chains * draws <= MOST:
            raise InputError(
                f"--draws must be at least {FEWEST_IN_CHAIN}, and --chains x --draws between {FEWEST} and {MOST}, but "
                f"found {chains} x {draws} = {chains * draws}; 4 chains x 1000 draws do for most studies"
            )
        return SamplerSettings(chains, draws, tune, self.seed)

    def folder(self, study: Study) -> Path:
        """Return the folder of a study's outputs."""
        return self.out if self.out is not None else Path("outputs") / study.name

    def checked_exposure(self, study: Study, cohort: Cohort) -> str:
        """Return how exposure is counted, as tables name it: naive, time_split or landmark_<time>.

        Raises
        ------
        InputError
            Where the study has no start times to count it so, or it is not said at which time the landmark stands.
        """
        from data.errors import InputError

        if self.landmark is not None and self.exposure != "landmark":
            raise InputError(
                f"--landmark must come with --exposure landmark, but found --exposure {self.exposure or 'left out'}; "
                f"add it, or leave --landmark out"
            )
        if cohort.treatment_start is None:
            if self.exposure in (None, "naive"):
                return "naive"
            raise InputError(
                f"{study.file}: --exposure {self.exposure} needs start times, but found no treatment_start in "
                f"[cohort.columns]; name that column, or leave --exposure out"
            )
        if self.exposure != "landmark":
            return self.exposure or "time_split"
        return landmark_exposure(self._landmark(study))

    def exposures(self, study: Study, cohort: Cohort) -> list[str]:
        """Return the ways of counting exposure that an analysis compares, the main one first; `--quick` has no other."""
        main = self.checked_exposure(study, cohort)
        if cohort.treatment_start is None or self.quick:
            return [main]
        listed = ("naive", "time_split", *map(landmark_exposure, study.report.landmarks))
        return [main, *(one for one in listed if one != main)]

    def _landmark(self, study: Study) -> float:
        """Return the time of the landmark: as given, or the study's only one."""
        from data.errors import InputError

        if self.landmark is not None:
            return self.landmark
        listed = study.report.landmarks
        if len(listed) != 1:
            found = ", ".join(f"{time:g}" for time in listed) or "none"
            raise InputError(
                f"{study.file}: --exposure landmark needs one time, but found {found} in [report] landmarks; "
                f"add --landmark TIME"
            )
        return listed[0]


def landmark_exposure(landmark: float) -> str:
    """Return the name of the exposure that is counted at a landmark."""
    return f"landmark_{landmark:g}"


DEFAULTS = Sampling()
