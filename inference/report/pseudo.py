"""The word for those who were never there: what is said of patients, said of pseudo-patients."""

from __future__ import annotations

from dataclasses import replace

from data.study.pseudo_cohorts import of_pseudo_patients
from inference.report.content import FigureItem, ReportSection
from inference.report.table import Cell, Row, Table


def table_of_pseudo_patients(table: Table) -> Table:
    """Return a table with its caption, its headings and the texts of its cells so said."""
    columns = tuple(replace(column, label=of_pseudo_patients(column.label)) for column in table.columns)
    rows = tuple(
        Row(tuple(Cell(of_pseudo_patients(cell.text), cell.sort) for cell in row.cells), row.kind)
        for row in table.rows
    )
    return replace(table, caption=of_pseudo_patients(table.caption), columns=columns, rows=rows)


def figure_of_pseudo_patients(item: FigureItem) -> FigureItem:
    """Return a figure with its caption so said; its own words are said so where it is drawn."""
    return replace(item, caption=of_pseudo_patients(item.caption))


def section_of_pseudo_patients(section: ReportSection) -> ReportSection:
    """Return a section with its title, paragraphs, tables and figures so said."""
    return replace(
        section,
        title=of_pseudo_patients(section.title),
        paragraphs=tuple(of_pseudo_patients(text) for text in section.paragraphs),
        tables=tuple(table_of_pseudo_patients(table) for table in section.tables),
        figures=tuple(figure_of_pseudo_patients(figure) for figure in section.figures),
    )
