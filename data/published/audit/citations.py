"""Citations that the transcriber of the tables doubts, and cited results without a number."""

import re
from collections.abc import Iterator

from data.published.audit.finding import Finding, identifier
from data.published.audit.review import cited_value, number_of, recomputed_items
from data.published.evidence import Evidence
from data.study.study import Study

FAMILY = "citations"
# Words of a note that tell of an error in the source, not of the use of the number.
DOUBTS = re.compile(
    r"typo|ocr|impossible|inconsistent|mis|error|recte|garbled|odds ratio|must be|printed as|cited as|prints"
    r"|ref \d+ (?:title )?concerns|cited title|text says|not an anti|attributed to",
    re.IGNORECASE,
)


def check_citations(study: Study, evidence: Evidence) -> Iterator[Finding]:
    """Notes of the tables that tell of an error which no printed number decides; results in words only."""
    decided = recomputed_items(evidence)
    for item in evidence.review:
        if item.id not in decided and DOUBTS.search(item.note):
            yield Finding(
                identifier(FAMILY, item.id),
                FAMILY,
                "low",
                f"{item.id}: {item.study}, {item.endpoint}",
                cited_value(item),
                item.note,
                f"The citation of {item.study} is doubtful, and no printed number decides it: see the note.",
                kind="citation",
                cause=identifier("cause", item.source, item.study, item.note),
            )
    for trial in evidence.trials:
        if DOUBTS.search(trial.note):
            yield Finding(
                identifier(FAMILY, trial.nct),
                FAMILY,
                "low",
                f"{trial.nct}, table {trial.table}",
                trial.drug,
                trial.note,
                f"The entry of {trial.nct} is doubtful, and no printed number decides it: see the note.",
                kind="citation",
                cause=identifier("cause", trial.table, trial.nct),
            )
    wordy = [item for item in evidence.review if item.unit == "text" and number_of(item.value) is None]
    if wordy:
        yield Finding(
            identifier(FAMILY, "without number"),
            FAMILY,
            "low",
            "cited results without a number",
            ", ".join(f"{item.id} {item.study}" for item in wordy),
            "no estimate, no interval",
            f"{len(wordy)} cited results are given in words only and can neither be used nor checked.",
            kind="citation",
        )
