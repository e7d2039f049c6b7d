"""A small simulated study, commands run in this process, and an analysis that several tests read."""

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from data.simulation.simulate import Truth, simulate_frame
from scripts.console import run
from scripts.main import app

SHORT = ("--quick", "--chains", "2", "--draws", "20", "--tune", "20", "--designs", "3")


@dataclass(frozen=True)
class Ended:
    """How a command ended: exit code, and what it said."""

    code: int
    out: str
    err: str


def ended(*arguments: object) -> Ended:
    """Run `rtsurv` with some arguments in this process, so that compiled models are used again."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(app, [str(argument) for argument in arguments])
    return Ended(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def rtsurv() -> Callable[..., Ended]:
    """Run `rtsurv` with some arguments in this process."""
    return ended


@pytest.fixture(scope="session")
def small_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study of 120 simulated patients with two covariates."""
    folder = tmp_path_factory.mktemp("small") / "study"
    folder.mkdir()
    frame, text = simulate_frame(Truth(), 120, seed=11)
    frame.to_csv(folder / "cohort.csv", index=False)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def no_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where anything is sampled, in this process or in a worker."""

    def refuse(*_: object) -> None:
        raise AssertionError("nothing may be sampled here")

    monkeypatch.setattr("inference.sampling.modes.compiled_for", refuse)
    monkeypatch.setattr("inference.fits.analysis.side_by_side", refuse)


def _in_turn(study, cohorts, requests, missing, store, after, beside) -> Iterator:
    """Yield readings, made one after the other."""
    from inference.fits.requests import request_of_cohort
    from inference.fits.workers import _make

    for number, cohort in missing:
        own = request_of_cohort(requests[number], cohort)
        yield (number, cohort), _make(study, cohorts[cohort], own, store.folder)


@pytest.fixture(scope="session")
def in_turn() -> Callable:
    """Make fits in this process, in place of `inference.fits.analysis.side_by_side`."""
    return _in_turn


@pytest.fixture
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let analyses fit in this process, where models are compiled already, and not in workers."""
    monkeypatch.setattr("inference.fits.analysis.side_by_side", _in_turn)


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Labels of the fits that are sampled during a test."""
    import inference.fits.fits

    labels: list[str] = []
    sample_fit = inference.fits.fits.sample_fit

    def noted(study, cohort, request, progress):
        labels.append(request.label)
        return sample_fit(study, cohort, request, progress)

    monkeypatch.setattr("inference.fits.fits.sample_fit", noted)
    return labels


@dataclass(frozen=True)
class Analysis:
    """An analysis that was made: its study, its folder, how the command ended, and its options but for `--out`."""

    study: Path
    folder: Path
    ended: Ended
    options: tuple[str, ...]


@pytest.fixture(scope="session")
def analysed(tmp_path_factory: pytest.TempPathFactory, small_study: Path) -> Analysis:
    """A first look at a study drafted from a table. Too few draws: its checks fail."""
    folder = tmp_path_factory.mktemp("analysed")
    ended("new-study", "drafted", "--from", small_study / "cohort.csv", "--out", folder, "--quiet")
    study, out = folder / "drafted", folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("inference.fits.analysis.side_by_side", _in_turn)
        made = ended("analyse", study, "--out", out, *SHORT)
    return Analysis(study, out, made, SHORT)


@pytest.fixture
def copied(analysed: Analysis, tmp_path: Path) -> Path:
    """A copy of the analysis' outputs, to be changed."""
    return Path(shutil.copytree(analysed.folder, tmp_path / "copied"))
