"""The map of the code is the code, and the habits that no linter checks are kept."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ("data", "models", "inference", "scripts")
LONGEST = 300
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
SOURCES = [file for layer in LAYERS for file in sorted((ROOT / layer).rglob("*.py"))]

NEVER_NAMED = {"df", "idata", "X", "y", "utils", "helpers", "manager"}
# Written in parts, so that this file does not name them either.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("anaconda", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("jsdelivr", "net"),
        ("unpkg", "com"),
    )
)
OF_A_PERSON = re.compile(r"(?<![\w.~/-])/(?:home|Users|root|work)/[\w.]")


def relative(file):
    return file.relative_to(ROOT).as_posix()


def rows(heading):
    """Cells of the tables under a heading of the page, without their head."""
    section = re.split(rf"^#+ {re.escape(heading)}$", PAGE, flags=re.M)[1]
    section = re.split(r"^## ", section, flags=re.M)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


TABLE_OF_ROOMS = [cells for cells in rows("Architecture") if len(cells) == 2 and quoted(cells[0])]


def committed():
    """Text files of the repository, those about to be added included."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a checkout: there is no list of committed files")
    for name in filter(None, listed.stdout.split("\0")):
        file = ROOT / name
        if file.is_file():
            try:
                yield name, file.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def families():
    from data.published.audit import CHECKS
    from inference.adjustments import ADJUSTMENTS
    from inference.estimands import ESTIMANDS
    from inference.report.figures.diagnostics import DIAGNOSTICS
    from inference.report.sections import SECTIONS
    from inference.sensitivity import SENSITIVITIES
    from models.baselines import BASELINES
    from models.effects import EFFECTS

    return {
        "BASELINES": BASELINES,
        "EFFECTS": EFFECTS,
        "ADJUSTMENTS": ADJUSTMENTS,
        "ESTIMANDS": ESTIMANDS,
        "CHECKS": CHECKS,
        "DIAGNOSTICS": DIAGNOSTICS,
        "SENSITIVITIES": SENSITIVITIES,
        "SECTIONS": SECTIONS,
    }


def test_the_page_lists_every_room_once_and_no_other():
    listed = [quoted(cells[0])[0].rstrip("/") for cells in TABLE_OF_ROOMS]
    rooms = {"models", "scripts"}
    for layer in ("data", "inference"):
        folders = [path for path in (ROOT / layer).iterdir() if path.is_dir() and path.name != "__pycache__"]
        rooms |= {relative(path) for path in folders}
    assert sorted(listed) == sorted(rooms)


def test_rooms_of_inference_stand_in_the_order_of_their_floors():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (floors,) = [one for one in contracts["contracts"] if one["name"] == "rooms of inference"]
    listed = [quoted(cells[0])[0].strip("/").removeprefix("inference/") for cells in TABLE_OF_ROOMS]
    assert [name for name in listed if name in floors["layers"]] == floors["layers"][::-1]


def test_nothing_lies_on_the_floor_of_inference():
    assert [file.name for file in (ROOT / "inference").glob("*.py")] == ["__init__.py"]


def test_the_page_is_short_and_names_files_that_are_there():
    assert len(PAGE.splitlines()) <= 150
    named = {
        path
        for path in re.findall(r"`((?:data|models|inference|scripts|tests)/[\w./]*)`", PAGE)
        if "NAME" not in path
    }
    assert len(named) > 40
    assert not [path for path in named if not (ROOT / path).exists()]


def test_the_page_lists_the_members_of_every_family_in_order():
    listed = {
        quoted(cells[1])[0]: quoted(cells[2])
        for cells in rows("Adding something")
        if len(cells) == 3 and quoted(cells[1])
    }
    assert listed == {name: list(members) for name, members in families().items()}


def recipes():
    return [cells for cells in rows("Adding something") if len(cells) == 4 and cells[0] != "to add"]


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe[0])
def test_a_recipe_names_places_that_are_there(recipe):
    """The folder of the new file, and every file in which a name is said to stand."""
    what, new, *places = recipe
    for path in [path for path in quoted(new) if "/" in path]:
        folder = ROOT / (path if path.endswith("/") else str(Path(path).parent))
        assert folder.is_dir() or path == "priors/", f"{what}: {path}"
    for cell in places:
        for part in cell.split(";"):
            names = [name for name in quoted(part) if "/" not in name and name.isidentifier()]
            for path in [path for path in quoted(part) if path.endswith(".py")]:
                text = (ROOT / path).read_text(encoding="utf-8")
                assert all(name in text for name in names), f"{what}: {part}"


def test_no_file_names_a_package_registry():
    found = [f"{name}: {host}" for name, text in committed() for host in REGISTRIES if host in text.lower()]
    assert not found


def test_lock_files_hold_no_address():
    for name in ("requirements.lock", "bootstrap.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert "--index" not in text
        assert "--hash" in text


def test_no_file_names_a_folder_of_a_person_or_machine():
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in committed()
        for number, line in enumerate(text.splitlines(), 1)
        if OF_A_PERSON.search(line)
    ]
    assert not found


def test_tests_are_no_package():
    assert not list((ROOT / "tests").rglob("__init__.py"))


@pytest.mark.parametrize("layer", LAYERS)
def test_no_module_is_long(layer):
    lengths = {relative(file): len(file.read_text(encoding="utf-8").splitlines()) for file in SOURCES}
    long = {name: lines for name, lines in lengths.items() if name.startswith(layer) and lines > LONGEST}
    assert not long


@pytest.mark.parametrize("layer", LAYERS)
def test_everything_public_says_what_it_is(layer):
    silent = [
        f"{relative(file)}: {node.name}"
        for file in SOURCES
        if file.is_relative_to(ROOT / layer)
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not silent


@pytest.mark.parametrize("layer", LAYERS)
def test_names_are_those_of_the_field(layer):
    """No module, function argument or variable has a name that says nothing."""
    found = []
    for file in SOURCES:
        if not file.is_relative_to(ROOT / layer):
            continue
        if file.stem in NEVER_NAMED:
            found.append(relative(file))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = (
                node.id
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
                else node.arg
                if isinstance(node, ast.arg)
                else None
            )
            if named in NEVER_NAMED:
                found.append(f"{relative(file)}:{node.lineno}: {named}")
    assert not found
