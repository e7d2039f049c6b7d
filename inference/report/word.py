"""The report as a Word document: the same sections, native tables, figures with alternative text, references."""

import io
import re
from collections import Counter
from collections.abc import Iterator
from xml.sax.saxutils import escape

from docx import Document
from docx.document import Document as Opened
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Cm, Emu, Pt
from docx.text.paragraph import Paragraph

from inference.report.check_tables import ordered_checks
from inference.report.content import FigureItem, Report, ReportSection
from inference.report.headline import Headline, headline
from inference.report.methods_words import methods_paragraph
from inference.report.page import parts_of
from inference.report.sentences import answer, no_evidence
from inference.report.standard_sections import sections_of_page
from inference.report.table import Column, Row, Table
from inference.report.vocabulary import vocabulary

LONGEST = 45  # rows of a table; longer ones stand on the page
DETAILS = (
    "estimands-",
    "passed-",
    "manifest-",
)  # tables of every estimand, check and setting: for the page alone
TEXT_WIDTH = 9638  # of the page without margins, in twentieths of a point
WIDTH = Cm(17.0)
DOI = re.compile(
    r"(?:([A-Z][\w'-]+(?:(?:, | and )(?:[A-Z][\w'-]+|others))*(?: et al\.)?,? \d{4}), )?(?:doi[: ]|https://doi\.org/)(10\.\d{4,9}/[^\s\"'<>;,)]+)"
)


def word_document(report: Report) -> bytes:
    """Return the content of a docx file.

    Tables of more than 45 rows, or of every estimand, check and setting, and figures without a PNG file stand on the page alone.

    Parameters
    ----------
    report : Report
        All that it says.
    """
    return _Writer(report).written()


class _Writer:
    """Writes one document; figures and tables are numbered as they come."""

    def __init__(self, report: Report) -> None:
        self.report, self.numbers, self.left_out = report, Counter[str](), 0
        self.document: Opened = Document()
        section = self.document.sections[0]
        section.page_width, section.page_height = Cm(21.0), Cm(29.7)
        section.left_margin = section.right_margin = Cm(2.0)
        section.top_margin = section.bottom_margin = Cm(2.0)
        self.document.styles["Normal"].font.size = Pt(10.5)
        properties = self.document.core_properties
        properties.title, properties.author, properties.language = report.study.title, "rtsurv", "en-GB"

    def written(self) -> bytes:
        """Return the file."""
        report = self.report
        sections = [one for one in sections_of_page(report) if one.live is None or one.exhibits]
        self._first_page(headline(report, ordered_checks(report)))
        self.document.add_heading("Methods in short", 1)
        self._paragraph(methods_paragraph(report))
        for title, own in parts_of(sections):
            self.document.add_heading(title, 1)
            for section in own:
                self._section(section)
        if self.left_out:
            said = f"{self.left_out} tables (of more than {LONGEST} rows, or of every estimand, check and setting) stand on the page (report.html) alone."
            self._paragraph(said)
        self._references(sections)
        file = io.BytesIO()
        self.document.save(file)
        return file.getvalue()

    def _first_page(self, shown: Headline) -> None:
        report = self.report
        self.document.add_heading(report.study.question or report.study.title, 0)
        people = vocabulary(report.study).patients
        self._paragraph(
            f"{report.study.title}: Bayesian analysis of an observational study of {report.patients} {people}, not randomised. "
            f"Source: {report.study.citation or 'not stated'}."
        )
        self._paragraph(shown.result.sentence, "Intense Quote")
        found = answer(report)
        for one in shown.result.numbers:
            self._paragraph(
                f"{one.label}: {one.number} ({one.interval}; 95 % interval)",
                "List Bullet",
            )
        self._paragraph("What speaks against it:")
        for doubt in (*report.doubts, shown.no_evidence, shown.checks):
            self._paragraph(doubt, "List Bullet")
        curves = next((item for item in report.figures if item.id == "survival"), None)
        if curves is not None:
            self._figure(curves)
        for text in (found.sentence, found.beside, no_evidence(report), *report.caveats):
            if text:
                self._paragraph(text)

    def _section(self, section: ReportSection) -> None:
        self.document.add_heading(section.title, 2)
        shown = [one for one in (section.lead, *section.rest) if one is not None and self._has_room(one)]
        if section.opening:
            paragraph = self._paragraph(section.opening)
            paragraph.runs[0].bold = True
            if shown:
                kind = "Figure" if isinstance(shown[0], FigureItem) else "Table"
                paragraph.add_run(" (")
                number = f"{kind} {self.numbers[kind] + 1}"
                _field(paragraph, f"REF {_bookmark(number)} \\h", number)
                paragraph.add_run(")")
        for text in section.folded:
            self._paragraph(text)
        for one in shown:
            self._figure(one) if isinstance(one, FigureItem) else self._table(one)

    def _has_room(self, one: FigureItem | Table) -> bool:
        if isinstance(one, FigureItem):
            return one.drawing.pixels is not None
        fits = len(one.frame) <= LONGEST and not one.id.startswith(DETAILS)
        self.left_out += not fits
        return fits

    def _paragraph(self, text: str, style: str | None = None) -> Paragraph:
        return self.document.add_paragraph(text, style)

    def _caption(self, kind: str, text: str, *, above: bool) -> None:
        self.numbers[kind] += 1
        number = self.numbers[kind]
        paragraph = self.document.add_paragraph(style="Caption")
        paragraph.paragraph_format.keep_with_next = above
        name = _bookmark(f"{kind} {number}")
        place = f'w:id="{sum(self.numbers.values())}"'
        paragraph._p.append(parse_xml(f'<w:bookmarkStart {nsdecls("w")} {place} w:name="{name}"/>'))
        paragraph.add_run(f"{kind} ")
        _field(paragraph, f"SEQ {kind} \\* ARABIC", str(number))
        paragraph._p.append(parse_xml(f"<w:bookmarkEnd {nsdecls('w')} {place}/>"))
        paragraph.add_run(f". {text}").bold = False

    def _figure(self, item: FigureItem) -> None:
        item.drawing.wide()  # the PNG file is written with the SVG: wait for both
        paragraph = self.document.add_paragraph()
        paragraph.paragraph_format.keep_with_next = True
        picture = paragraph.add_run().add_picture(str(item.drawing.pixels))
        scale = min(1.0, WIDTH / picture.width, Cm(22.0) / picture.height)
        picture.width, picture.height = Emu(int(picture.width * scale)), Emu(int(picture.height * scale))
        picture._inline.docPr.set("descr", f"{item.title}. {item.caption}")
        picture._inline.docPr.set("title", item.title)
        self._caption("Figure", f"{item.title}. {item.caption}", above=False)

    def _table(self, table: Table) -> None:
        self._caption("Table", f"{table.caption}.", above=True)
        body = self.document.element.body
        body.insert(len(body) - 1, parse_xml(_table_xml(table)))
        self.document.add_paragraph()

    def _references(self, sections: list[ReportSection]) -> None:
        found = dict.fromkeys(_dois(" ".join(_texts(self.report, sections))))
        if not found:
            return
        self.document.add_heading("References", 1)
        labels = {doi: label for label, doi in found if label}
        for doi in dict.fromkeys(doi for _, doi in found):
            paragraph = self._paragraph(f"{labels[doi]}. " if doi in labels else "", "List Number")
            _link(paragraph, f"https://doi.org/{doi}")


def _dois(text: str) -> list[tuple[str, str]]:
    """Return authors with year, where they are stated before it, and DOI, of every DOI in a text."""
    return [(found[1] or "", found[2].rstrip(".")) for found in DOI.finditer(text)]


def _texts(report: Report, sections: list[ReportSection]) -> Iterator[str]:
    yield report.study.citation
    for section in sections:
        yield from (section.opening, *section.folded)
        for one in section.exhibits:
            yield one.caption
            if isinstance(one, Table):
                yield from (cell.text for row in one.rows for cell in row.cells if "doi" in cell.text)


def _bookmark(number: str) -> str:
    return number.replace(" ", "_").lower()


def _field(paragraph: Paragraph, instruction: str, text: str) -> None:
    """Add a field of Word (a number, a cross-reference) with the text that it shows until it is updated."""
    paragraph._p.append(
        parse_xml(
            f'<w:fldSimple {nsdecls("w")} w:instr=" {escape(instruction)} "><w:r><w:t>{escape(text)}</w:t></w:r></w:fldSimple>'
        )
    )


def _link(paragraph: Paragraph, address: str) -> None:
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
    identifier = paragraph.part.relate_to(address, relation, is_external=True)
    paragraph._p.append(
        parse_xml(
            f'<w:hyperlink {nsdecls("w", "r")} r:id="{identifier}"><w:r><w:rPr><w:color w:val="0B5A7D"/><w:u w:val="single"/></w:rPr>'
            f"<w:t>{escape(address)}</w:t></w:r></w:hyperlink>"
        )
    )


def _table_xml(table: Table) -> str:
    """Return a table in a plain journal style: rules above, below, and under the headings, which are repeated on every page."""
    size = 16 if len(table.columns) <= 6 else 13  # half points
    header = "".join(_cell_xml(column.title, column, size, bold=True, rule=True) for column in table.columns)
    rows = "".join(_row_xml(row, table.columns, size) for row in table.rows)
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in _widths(table))
    rule = '<w:{side} w:val="single" w:sz="8" w:space="0" w:color="000000"/>'
    return (
        f'<w:tbl {nsdecls("w")}><w:tblPr><w:tblW w:w="5000" w:type="pct"/><w:tblBorders>{rule.format(side="top")}{rule.format(side="bottom")}'
        '</w:tblBorders><w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/></w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>"
        f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{header}</w:tr>{rows}</w:tbl>"
    )


def _widths(table: Table) -> list[int]:
    """Return the widths of the columns in twentieths of a point: more where texts are longer, within bounds."""
    texts = [
        [column.title, *(row.cells[place].text for row in table.rows)]
        for place, column in enumerate(table.columns)
    ]
    words = [max(len(word) for text in own for word in text.split() or [""]) for own in texts]
    longest = [max(len(text) for text in own[1:] or [""]) for own in texts]
    shares = [max(word + 1, min(whole, 34) ** 0.8) for word, whole in zip(words, longest, strict=True)]
    return [round(TEXT_WIDTH * share / sum(shares)) for share in shares]


def _row_xml(row: Row, columns: tuple[Column, ...], size: int) -> str:
    cells = "".join(
        _cell_xml(cell.text, column, size, bold=row.kind == "main")
        for cell, column in zip(row.cells, columns, strict=True)
    )
    return f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>"


def _cell_xml(text: str, column: Column, size: int, *, bold: bool = False, rule: bool = False) -> str:
    border = (
        '<w:tcPr><w:tcBorders><w:bottom w:val="single" w:sz="4" w:color="000000"/></w:tcBorders></w:tcPr>'
    )
    side = '<w:jc w:val="right"/>' if column.numeric else ""
    return (
        f'<w:tc>{border if rule else ""}<w:p><w:pPr><w:spacing w:before="20" w:after="20"/>{side}</w:pPr><w:r><w:rPr>{"<w:b/>" if bold else ""}'
        f'<w:sz w:val="{size}"/></w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p></w:tc>'
    )
