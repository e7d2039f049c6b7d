"""The expensive sensitivity analyses of an analysis: their chunks, their results, and the checks of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.diagnostics.checks.result import CheckResult
from inference.fits.executor import Chunk
from inference.sensitivity import SENSITIVITIES
from inference.sensitivity.sensitivity import MainAnalysis, Sensitivity
from inference.sensitivity.timing import why_no_scenarios


@dataclass(frozen=True, eq=False)
class Computed:
    """Results of the sensitivity analyses that an analysis allows.

    Attributes
    ----------
    results : mapping of str to object
        By the name of the sensitivity analysis.
    why_no_timing : str
        A sentence, where start-time scenarios belong to the analysis and cannot be had.
    """

    results: Mapping[str, Any] = field(default_factory=dict)
    why_no_timing: str = ""

    def of[T](self, sensitivity: Sensitivity[T]) -> T | None:
        """Return the result of a sensitivity analysis, None where it was not made."""
        return self.results.get(sensitivity.name)

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Whether what was sampled or approximated can be relied upon."""
        return tuple(
            check.of("sensitivity")
            for name, result in self.results.items()
            for check in SENSITIVITIES[name].checks(result)
        )


NOTHING = Computed()


def sensitivity_chunks(analysis: MainAnalysis, folder: Path) -> list[Chunk]:
    """Return what an analysis allows and is not in the folder yet, in chunks."""
    return [chunk for one in SENSITIVITIES.values() for chunk in one.chunks(analysis, folder)]


def sensitivity_of(analysis: MainAnalysis, folder: Path) -> Computed:
    """Return the results of what an analysis allows, computing what is not kept in the folder."""
    results = {
        name: one.result(analysis, folder) for name, one in SENSITIVITIES.items() if one.applies(analysis)
    }
    return Computed(results, why_no_scenarios(analysis.study, analysis.cohorts) if analysis.naive else "")
