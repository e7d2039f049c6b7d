"""The audit of a publication's numbers, cached: its integer programmes take seconds."""

from dataclasses import asdict

import pandas as pd

from data.published.audit import Finding, audit
from data.published.evidence import Evidence
from data.study.study import Study
from inference.storage.cache import FRAME, cached


@cached(FRAME)
def audit_table(study: Study, evidence: Evidence) -> pd.DataFrame:
    """Return the findings of an audit, one a row; columns are the fields of `Finding`."""
    return pd.DataFrame([asdict(one) for one in audit(study, evidence)])


def findings_of(table: pd.DataFrame) -> tuple[Finding, ...]:
    """Return the findings that a table of `audit_table` holds."""
    return tuple(
        Finding(**{str(name): value for name, value in row.items()}) for row in table.to_dict("records")
    )
