"""What a paper did, done again on pseudo-patients: its tables and figures, computed beside printed."""

from inference.published.reanalysis.lines import Line, long_table, summary_table
from inference.published.reanalysis.replicate import (
    Replication,
    ReplicationSettings,
    group_labels,
    replicate,
    replicated,
    replication_of,
)

__all__ = [
    "Line",
    "Replication",
    "ReplicationSettings",
    "group_labels",
    "long_table",
    "replicate",
    "replicated",
    "replication_of",
    "summary_table",
]
