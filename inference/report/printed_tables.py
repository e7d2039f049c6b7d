"""The tables that journals print, as files: the declarations of the page and of the Word document, a third time."""

import pandas as pd

from inference.report.content import Report
from inference.report.standard_sections import sections_of_page

PRINTED = ("characteristics", "arms", "cox", "outcomes", "effects", "populations")


def printed_tables(report: Report) -> dict[str, pd.DataFrame]:
    """Return them by name, as they are printed; those that the report does not have are left out."""
    found = {
        table.id: table
        for section in sections_of_page(report)
        for table in section.tables
        if len(table.frame)
    }
    return {name: found[name].printed for name in PRINTED if name in found}
