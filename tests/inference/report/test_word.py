"""The Word document: native tables, captions with numbers, cross-references, alternative texts, references."""

import io
import pickle
import shutil
import subprocess
from zipfile import ZipFile

import pytest
from docx import Document
from docx.oxml.ns import qn
from matplotlib.figure import Figure

from inference.report.content import FigureItem, ReportSection
from inference.report.drawings import Drawing
from inference.report.figures.rendering import png_bytes
from inference.report.methods_words import methods_paragraph
from inference.report.printed_tables import printed_tables
from inference.report.word import word_document


@pytest.fixture(scope="module")
def report(make_report, tmp_path_factory):
    """A report with a drawn figure, and a section that cites."""
    folder = tmp_path_factory.mktemp("figures")
    figure = Figure(figsize=(7.2, 3.0))
    figure.subplots().plot([0, 1], [1, 0])
    (folder / "survival.png").write_bytes(png_bytes(figure))
    drawing = Drawing(lambda: "", pixels=folder / "survival.png")
    items = [
        FigureItem("survival", "Survival by arm", "Read it so.", drawing, "answer"),
        FigureItem("rmst", "Means & more", "Weights (Austin 2009, doi 10.1002/sim.3697).", drawing, "answer"),
    ]
    own = ReportSection("confounding", "What if", ("As shown by Ding 2017, doi 10.7326/M16-2607.",))
    return make_report(figures=items, sections=[own], doubts=("Timing alone could do it: 0.83.",))


@pytest.fixture(scope="module")
def document(report):
    return Document(io.BytesIO(word_document(report)))


def test_it_can_be_written_by_another_process(report):
    """What cannot be handed over would let the command wait for ever."""
    handed = pickle.loads(pickle.dumps(report))
    of_each = [Document(io.BytesIO(word_document(one))).tables for one in (handed, report)]
    texts = [[cell.text for one in tables for row in one.rows for cell in row.cells] for tables in of_each]
    assert texts[0] == texts[1]
    assert handed.figures[0].drawing.pixels == report.figures[0].drawing.pixels


def test_tables_are_native_and_hold_the_numbers_of_the_page(document):
    rows = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
    assert ["Grade", "II", "163 (66.3 %)", "281 (63.9 %)", "0.05", "0.01"] in rows
    assert any("0.70 (0.54 to 0.86)" in row for row in rows)
    for table in document.tables:
        assert table._tbl.findall(f".//{qn('w:tblHeader')}")
        widths = [int(column.get(qn("w:w"))) for column in table._tbl.iter(qn("w:gridCol"))]
        assert sum(widths) == pytest.approx(9638, abs=len(widths))


def test_files_hold_the_cells_of_the_document(document, report):
    printed = [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]
    files = printed_tables(report)
    assert {"characteristics", "arms", "outcomes", "effects"} <= set(files)
    for table in files.values():
        assert [list(table.columns), *table.to_numpy().tolist()] in printed


def test_figures_have_300_dots_an_inch_captions_and_alternative_texts(document):
    texts = [one._inline.docPr.get("descr") for one in document.inline_shapes]
    assert texts == [
        "Survival by arm. Read it so.",
        "Means & more. Weights (Austin 2009, doi 10.1002/sim.3697).",
    ]
    for shape in document.inline_shapes:
        image = document.part.related_parts[shape._inline.graphic.graphicData.pic.blipFill.blip.embed].image
        assert (image.horz_dpi, image.px_width) == (300, 2160)
    captions = [one.text for one in document.paragraphs if one.style.name == "Caption"]
    assert len(captions) == len(document.tables) + len(document.inline_shapes)


def test_cross_references_lead_to_captions(document):
    body = document.element.body
    instructions = [one.get(qn("w:instr")).split() for one in body.iter(qn("w:fldSimple"))]
    names = [one.get(qn("w:name")) for one in body.iter(qn("w:bookmarkStart"))]
    referred = [one[1] for one in instructions if one[0] == "REF"]
    assert len(set(names)) == len(names)
    assert len(referred) > 5
    assert set(referred) <= set(names)


def test_headings_methods_doubts_and_references(document, report):
    said = [one.text for one in document.paragraphs]
    headings = [one.text for one in document.paragraphs if one.style.name == "Heading 1"]
    parts = ["The answer", "Does it hold", "Can it be trusted", "Methods"]
    assert headings == ["Methods in short", *parts, "References"]
    assert "Timing alone could do it: 0.83." in said
    assert methods_paragraph(report) in said
    listed = [one for one in document.paragraphs if one.style.name == "List Number"]
    addresses = [link.address for one in listed for link in one.hyperlinks]
    assert {"https://doi.org/10.7326/M16-2607", "https://doi.org/10.1002/sim.3697"} <= set(addresses)
    assert len(set(addresses)) == len(addresses)
    assert any(one.text.startswith("Ding 2017. ") for one in listed)


def test_methods_name_the_numbers_of_the_analysis(report):
    said = methods_paragraph(report)
    for part in (
        "246 with “Hormonal therapy” (94 events)",
        "piecewise exponential",
        "(joint)",
        "Normal(0, 0.5)",
        "1826 days",
        "PyMC 6.4.0",
        "seed 20240101",
        "largest R-hat of an estimand 1.001",
        "effective sample size 3600",
    ):
        assert part in said


def test_libreoffice_opens_it(report, tmp_path):
    content = word_document(report)
    assert ZipFile(io.BytesIO(content)).testzip() is None
    if shutil.which("soffice") is None:
        pytest.skip("no LibreOffice: its conversion to PDF is not tried")
    (tmp_path / "report.docx").write_bytes(content)
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(tmp_path / "report.docx")], check=True, capture_output=True, timeout=180)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
