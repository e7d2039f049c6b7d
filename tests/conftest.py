"""What all tests share: the packages of this checkout, the option --full, cohorts written in a line."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import scripts  # noqa: F401  # sets how many threads linear algebra has, and so comes before NumPy

# isort: split
import numpy as np
import pandas as pd

os.environ["MPLBACKEND"] = "Agg"

CHECKOUT = Path(__file__).resolve().parents[1]
LAYERS = ("data", "models", "inference", "scripts")


def _refuse_foreign_layers() -> None:
    """Stop where a layer would come from elsewhere: the names are common, another package may shadow them."""
    for layer in LAYERS:
        spec = importlib.util.find_spec(layer)
        places = spec.submodule_search_locations or () if spec else ()
        found = {Path(place).resolve() for place in places}
        if found != {CHECKOUT / layer}:
            listed = ", ".join(map(str, sorted(found))) or "nowhere"
            pytest.exit(f"package {layer} must come from {CHECKOUT / layer}, but is found in {listed}", 4)


_refuse_foreign_layers()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="coverage over 100 simulated cohorts instead of 20")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with commands, which take longest, and leave the long tests to the full run."""
    items.sort(key=lambda item: "scripts" not in item.path.parts)
    if config.getoption("--full"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="takes half a minute or more; in full by make test-slow"))


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the long version of a test is asked for."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def li2024():
    """The bundled study that publishes no patients."""
    from data.study.study import load_study

    return load_study("li2024")


@pytest.fixture(scope="session")
def evidence(li2024):
    """Its published numbers."""
    from data.published.evidence import load_evidence

    return load_evidence(li2024)


@pytest.fixture(scope="session")
def with_gaps() -> Callable:
    """Write a study of simulated patients, a fifth of whose ages and grades are missing, into a folder; return its table."""
    from data.simulation.simulate import Truth, simulate_frame

    def write(folder: Path, section: str, size: int = 120, cells: float = 0.2) -> pd.DataFrame:
        frame, text = simulate_frame(Truth(), size, seed=2)
        rng = np.random.default_rng(1)
        for name in ("age", "grade"):
            frame[name] = frame[name].astype(object).mask(rng.random(size) < cells)
        frame.to_csv(folder / "cohort.csv", index=False)
        (folder / "study.toml").write_text(f"{text}\n{section}", encoding="utf-8")
        return frame

    return write


@pytest.fixture(scope="session")
def rewrite() -> Callable[[Path, str, str], None]:
    """Replace a text of a file, which must be there, by another."""

    def replace(file: Path, old: str, new: str) -> None:
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{old} is not in {file.name}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    return replace


PUBLICATION = """\
name = "{name}"
title = "A tiny published study"
time_unit = "months"
[cohort]
source = "reconstruction"
[treatment]
treated = "1"
[propensity]
formula = "{formula}"
[outcome]
formula = "{formula}"
[covariates]
"""


@pytest.fixture(scope="session")
def write_publication() -> Callable[..., Path]:
    """Write a study that publishes no patient into a folder: names, tables by file, covariates with their levels."""

    def write(folder: Path, names: str, tables: dict[str, str], name="published", **covariates) -> Path:
        (folder / "evidence").mkdir(parents=True)
        text = PUBLICATION.format(name=name, formula=" + ".join(covariates) or "1")
        text += "".join(f"{one} = {{levels = {list(levels)}}}\n" for one, levels in covariates.items())
        (folder / "study.toml").write_text(text, encoding="utf-8")
        sums = "".join(f'"{file}" = ""\n' for file in tables)
        for file, content in ({"evidence.toml": f"{names}[sha256]\n{sums}"} | tables).items():
            (folder / "evidence" / file).write_text(content, encoding="utf-8")
        return folder

    return write


STUDY = """\
name = "written"
title = "Written down in a test"
time_unit = "months"
[cohort]
source = "file"
path = "cohort.csv"
[cohort.columns]
time = "time"
event = "event"
treatment = "arm"
entry = "entry"
[treatment]
treated = "1"
[covariates]
{covariates}
[propensity]
formula = "{formula}"
[outcome]
formula = "{formula}"
"""


@pytest.fixture(scope="session")
def cohort_of() -> Callable:
    """Return a validated cohort from arrays; continuous covariates by keyword."""
    from data.study.cohort import validate_cohort
    from data.study.study import parse_study

    def build(time, event, treatment, entry=None, **covariates):
        columns = {
            "time": np.asarray(time, dtype=float),
            "event": np.asarray(event).astype(int),
            "arm": np.asarray(treatment).astype(int),
            "entry": np.zeros(len(time)) if entry is None else entry,
            **covariates,
        }
        listed = "\n".join(f"{name} = {{}}" for name in covariates)
        text = STUDY.format(covariates=listed, formula=" + ".join(covariates) or "1")
        study = parse_study(text, Path("written") / "study.toml")
        return validate_cohort(pd.DataFrame(columns), study, "written cohort")

    return build
