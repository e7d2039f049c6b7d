"""The calibration card: what was run, what came out, and the digest of the source that it is of."""

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta, kstest

from data.processes import end_workers
from inference.calibration.coverage import CELLS, Cell, Estimated, estimated
from inference.calibration.digest import source_digest
from inference.calibration.ranks import POSTERIORS, ranks_of
from inference.fits.worker_server import worker_pool
from inference.storage.provenance import ROOT, commit, versions

PLACE = ROOT / "docs" / "calibration.json"
WORKERS, CHUNK = 2, 10
LEVELS = (0.5, 0.95)

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Card:
    """Results of a calibration.

    Attributes
    ----------
    made_of : mapping
        commit, clean, versions, seed, digest, and how many replications and cohorts.
    ranks : mapping of str to (mapping of str to list of float)
        By posterior and parameter: normalised ranks, uniform where the posterior is right.
    coverage : list of mapping
        By cell and estimand: cohorts, how many intervals of each level hold the truth, bias in posterior standard
        deviations, posterior sd over sd of the estimates.
    """

    made_of: Mapping[str, Any]
    ranks: Mapping[str, Mapping[str, list[float]]]
    coverage: list[Mapping[str, Any]]

    @property
    def current(self) -> bool:
        """Whether the source is the one that it was made from."""
        return self.made_of["digest"] == source_digest()

    def uniformity(self) -> pd.DataFrame:
        """Return posterior, parameter, and the p-value of a Kolmogorov-Smirnov test that its ranks are uniform."""
        return pd.DataFrame(
            [
                {"posterior": name, "parameter": parameter, "p": float(kstest(values, "uniform").pvalue)}
                for name, by_parameter in self.ranks.items()
                for parameter, values in by_parameter.items()
            ]
        )

    def coverage_table(self) -> pd.DataFrame:
        """Return the coverage by cell with the 95 % limits of each share (Clopper and Pearson 1934)."""
        table = pd.DataFrame(self.coverage)
        for level in LEVELS:
            held, cohorts = table[f"held_{level:.0%}"], table["cohorts"]
            table[f"lower_{level:.0%}"] = np.where(held > 0, beta.ppf(0.025, held, cohorts - held + 1), 0.0)
            table[f"upper_{level:.0%}"] = np.where(
                held < cohorts, beta.ppf(0.975, held + 1, np.maximum(cohorts - held, 1e-9)), 1.0
            )
        return table


def load_card(place: Path = PLACE) -> Card | None:
    """Return the card that was written, None where there is none."""
    if not place.is_file():
        return None
    return Card(**json.loads(place.read_text(encoding="utf-8")))


def run_card(replications: int, cohorts: int, seed: int, progress: Progress) -> Card:
    """Return the results of a calibration, computed by worker processes.

    Parameters
    ----------
    replications : int
        Of each posterior.
    cohorts : int
        Of each cell.
    seed : int
    progress : callable
        Called with what is ready, how many chunks are, and of how many.
    """
    pool = worker_pool(WORKERS)
    chunks: dict[Future[Any], tuple[str | Cell, range]] = {}
    try:
        for compute, subjects, total in ((ranks_of, POSTERIORS, replications), (estimated, CELLS, cohorts)):
            for subject in subjects:
                for part in _parts(total):
                    chunks[pool.submit(_each, compute, subject, part, seed)] = (subject, part)
        found: dict[str | Cell, dict[int, Any]] = {}
        for ready, future in enumerate(as_completed(chunks)):
            subject, part = chunks[future]
            found.setdefault(subject, {}).update(zip(part, future.result(), strict=True))
            label = subject if isinstance(subject, str) else f"{subject.scenario}, {subject.adjustment}"
            progress(label, ready + 1, len(chunks))
    finally:
        end_workers([pool])
    in_order = {
        subject: [by_number[one] for one in sorted(by_number)] for subject, by_number in found.items()
    }
    made_of = {
        **commit(),
        "versions": versions(),
        "seed": seed,
        "digest": source_digest(),
        "replications": replications,
        "cohorts": cohorts,
    }
    return Card(
        made_of,
        {name: _by_parameter(in_order[name]) for name in POSTERIORS},
        [row for cell in CELLS for row in _summaries(cell, in_order[cell])],
    )


def card_text(card: Card) -> str:
    """Return the card as JSON."""
    return json.dumps(asdict(card)) + "\n"


def _parts(total: int) -> list[range]:
    return [range(start, min(start + CHUNK, total)) for start in range(0, total, CHUNK)]


def _each(compute: Callable[..., Any], subject: str | Cell, part: range, seed: int) -> list[Any]:
    return [compute(subject, number, seed) for number in part]


def _by_parameter(found: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    return {name: [round(one[name], 4) for one in found] for name in found[0]}


def _summaries(cell: Cell, found: Sequence[Mapping[str, Estimated]]) -> list[dict[str, Any]]:
    """Return one row for each estimand of a cell."""
    rows = []
    for estimand in found[0]:
        errors, sds, places = (
            np.array([getattr(one[estimand], name) for one in found]) for name in ("error", "sd", "place")
        )
        held = {f"held_{level:.0%}": int((np.abs(places - 0.5) <= level / 2).sum()) for level in LEVELS}
        rows.append(
            {
                **asdict(cell),
                "estimand": estimand,
                "cohorts": len(found),
                **held,
                "bias": round(float(errors.mean() / sds.mean()), 3),
                "sd_ratio": round(float(sds.mean() / errors.std(ddof=1)), 3),
            }
        )
    return rows
