"""What the documents promise is there: commands, links, versions, records."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "data" / "studies").rglob("*.md")),
]
RECORDS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def version():
    return tomllib.loads(text("pyproject.toml"))["project"]["version"]


def test_the_readme_begins_with_the_question_and_the_two_commands():
    readme = text("README.md")
    blocks = re.findall(r"^```\w*\n(.*?)^```", readme, flags=re.M | re.S)
    assert blocks[0] == "make\n"
    assert blocks[2] == "make test\n"
    assert readme.index("?") < readme.index("```")


def test_the_readme_is_short_and_has_three_pictures():
    """The adjusted survival curves, the first screen, and what not having the patients costs."""
    readme = text("README.md")
    assert len(readme.encode()) <= 10_000
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", readme)
    assert len(pictures) == 3
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_the_readme_shows_every_command_and_no_other():
    from scripts.main import app

    known = {name for name in app if not name.startswith("-")}
    shown = {
        match
        for block in re.findall(r"^```\n(.*?)^```", text("README.md"), flags=re.M | re.S)
        for match in re.findall(r"^(?:\.venv/bin/)?rtsurv ([a-z-]+)", block, flags=re.M)
    }
    assert shown == known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not lost


def test_priors_shown_in_the_documents_can_be_read():
    from models.prior_files import parse_prior_set
    from models.specification import known_parameters

    blocks = re.findall(r"^```toml\n(.*?)^```", text("docs/priors.md"), flags=re.M | re.S)
    (shown,) = [block for block in blocks if "distribution" in block]
    assert parse_prior_set(tomllib.loads(shown), "docs/priors.md", known_parameters()).name == "cautious"


def test_versions_agree():
    changes = re.findall(r"^## \[(\d[^\]]*)\] - (\d{4}-\d{2}-\d{2})$", text("CHANGELOG.md"), flags=re.M)
    newest, day = changes[0]
    cited = dict(re.findall(r'^([a-z-]+): "?([^"\n]+)"?$', text("CITATION.cff"), flags=re.M))
    assert newest == cited["version"] == version()
    assert day == cited["date-released"]
    assert cited["cff-version"] == "1.2.0"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_says_why_what_and_what_follows(record):
    content = record.read_text(encoding="utf-8")
    assert content.startswith(f"# {record.stem[:4]} ")
    assert re.findall(r"^## (.*)$", content, flags=re.M) == ["Context", "Decision", "Consequence"]


def test_records_are_numbered_without_gaps():
    assert [record.stem[:4] for record in RECORDS] == [f"{n:04d}" for n in range(1, len(RECORDS) + 1)]
