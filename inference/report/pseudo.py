"""The word for those who were never there: what is said of patients, said of pseudo-patients."""

from dataclasses import replace

from data.study.pseudo_cohorts import of_pseudo_patients
from inference.report.content import FigureItem, ReportSection
from inference.report.table import Table


def table_of_pseudo_patients(table: Table) -> Table:
    """Return a table with its caption, its headings and the texts of its cells so said."""
    return table.said(of_pseudo_patients)


def figure_of_pseudo_patients(item: FigureItem) -> FigureItem:
    """Return a figure with its title and caption so said; its own words are said so where it is drawn."""
    return replace(item, title=of_pseudo_patients(item.title), caption=of_pseudo_patients(item.caption))


def section_of_pseudo_patients(section: ReportSection) -> ReportSection:
    """Return a section with its title, paragraphs, tables and figures so said."""
    return replace(
        section,
        title=of_pseudo_patients(section.title),
        finding=of_pseudo_patients(section.finding),
        paragraphs=tuple(of_pseudo_patients(text) for text in section.paragraphs),
        tables=tuple(table_of_pseudo_patients(table) for table in section.tables),
        figures=tuple(figure_of_pseudo_patients(figure) for figure in section.figures),
    )
