"""Options that the verbs share, and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

if TYPE_CHECKING:
    from data.cohort import Cohort
    from data.study import Study
    from inference.engine import SamplerSettings

SEED = 20240101
FULL = {"chains": 4, "draws": 1000, "tune": 300, "designs": 20, "cohorts": 20}
QUICK = {**FULL, "designs": 5, "cohorts": 3}
# Each of several cohorts has fewer draws: together they have more than a single cohort. Few cohorts leave the mean of
# their R-hat noisy, and get more draws each.
DRAWS_OF_ALL_COHORTS, FEWEST_OF_A_COHORT = 1500, 250

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
Exposure = Literal["naive", "time_split", "landmark"]


@Parameter(name="*")
@dataclass(frozen=True)
class Sampling:
    """How to sample."""

    chains: Annotated[Count, Parameter(help="Chains [4].")] = None
    draws: Annotated[
        Count,
        Parameter(
            help="Draws kept, for each chain [1000; for each of several cohorts 250, or more if they are few]."
        ),
    ] = None
    tune: Annotated[Count, Parameter(help="Warm-up draws, for each chain [300].")] = None
    designs: Annotated[
        Count, Parameter(help="Propensity draws of the cut adjustment, of all cohorts together [20].")
    ] = None
    cohorts: Annotated[
        Count, Parameter(help="Cohorts of pseudo-patients, for a study that publishes no patients [20].")
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
        Parameter(help="How exposure is counted where a study has start times; naive: ever or never."),
    ] = None

    def count(self, name: str) -> int:
        """Return how many, as given or by default."""
        given = getattr(self, name)
        return given if given is not None else (QUICK if self.quick else FULL)[name]

    def designs_of_a_cohort(self, cohorts: int) -> int:
        """Return how many propensity draws each cohort gets."""
        return -(-self.count("designs") // cohorts)

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
        from inference.engine import SamplerSettings

        chains, draws = self.count("chains"), self.count("draws")
        if cohorts > 1 and self.draws is None:
            draws = max(FEWEST_OF_A_COHORT, DRAWS_OF_ALL_COHORTS // cohorts)
        if draws < FEWEST_IN_CHAIN or not FEWEST <= chains * draws <= MOST:
            raise InputError(
                f"--draws must be at least {FEWEST_IN_CHAIN}, and --chains x --draws between {FEWEST} and {MOST}, but "
                f"found {chains} x {draws} = {chains * draws}; 4 chains x 1000 draws do for most studies"
            )
        return SamplerSettings(chains, draws, self.count("tune"), self.seed)

    def folder(self, study: Study) -> Path:
        """Return the folder of a study's outputs."""
        return self.out if self.out is not None else Path("outputs") / study.name

    def checked_exposure(self, study: Study, cohort: Cohort) -> str:
        """Return how exposure is counted.

        Raises
        ------
        InputError
            Where it cannot be counted so: only ever against never is built.
        """
        from data.errors import InputError

        if cohort.treatment_start is not None and self.exposure != "naive":
            found = self.exposure or "nothing, which means time_split for a study with start times"
            raise InputError(
                f"{study.file}: --exposure must be naive for now, but found {found}: treatment timing is not built "
                f"yet; run with --exposure naive, and mind that ever against never favours the treated"
            )
        if cohort.treatment_start is None and self.exposure not in (None, "naive"):
            raise InputError(
                f"{study.file}: --exposure {self.exposure} needs start times, but found no treatment_start in "
                f"[cohort.columns]; name that column, or leave --exposure out"
            )
        return "naive"


DEFAULTS = Sampling()
