"""Findings come back from the cache as they were."""

import pandas as pd

from data.published.audit import Finding
from inference.published import audited
from inference.published.audited import audit_table, findings_of

FINDINGS = (
    Finding("cox: a", "cox", "high", "HR of age", "0.36 (0.2, 0.5)", "0.32", "The centre is another.", "contradiction", "a"),
    Finding("counts: b", "counts", "consistent", "Table 1", "12", "", "All agree.", "not_reported"),
)  # fmt: skip


def test_findings_survive_the_table_and_the_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(audited, "audit", lambda study, evidence: FINDINGS)
    assert findings_of(audit_table.function(None, None)) == FINDINGS
    audit_table.form.write(audit_table.function(None, None), tmp_path / "table.parquet")
    assert findings_of(pd.read_parquet(tmp_path / "table.parquet")) == FINDINGS
