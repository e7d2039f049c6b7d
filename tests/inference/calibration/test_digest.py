"""The digest of a calibration: moves and words do not change it, a formula does; and the committed card is of this source."""

import pytest

from inference.calibration.card import load_card
from inference.calibration.digest import BEGIN, LAYERS, source_digest
from inference.storage.closure import digest_of, reached
from inference.storage.provenance import ROOT

SOURCE = '"""About."""\nimport numpy as np\n\ndef hazard(t):\n    """Return a hazard."""\n    return 2 * t\n\ndef other():\n    return 1\n'


@pytest.fixture
def written(tmp_path):
    """Return sources as files of a folder of their own."""

    def write(*sources):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        files = [folder / f"part_{number}.py" for number in range(len(sources))]
        for file, source in zip(files, sources, strict=True):
            file.write_text(source, encoding="utf-8")
        return files

    return write


@pytest.mark.parametrize(
    "same",
    [
        SOURCE.replace("About", "Of something else").replace("Return a hazard", "A hazard"),
        SOURCE.replace("import numpy as np", "from models import numpy as np"),
        SOURCE.replace("    return 2 * t", "    # twice\n    return (2 * t)"),
        '"""Moved."""\n\ndef other():\n    return 1\n\ndef hazard(t):\n    return 2 * t\n',
    ],
)
def test_moves_and_words_do_not_count(same, written):
    assert digest_of(written(same)) == digest_of(written(SOURCE))


@pytest.mark.parametrize(
    "other", [SOURCE.replace("2 * t", "3 * t"), SOURCE.replace("return 1", "return '1'"), ""]
)
def test_a_formula_counts(other, written):
    assert digest_of(written(other)) != digest_of(written(SOURCE))


def test_functions_split_over_files_are_the_same(written):
    head, tail = SOURCE.split("def other")
    assert digest_of(written("def other" + tail, head)) == digest_of(written(SOURCE))


def test_the_source_of_models_and_samplers_is_reached_and_no_page_is():
    files = {file.relative_to(ROOT).as_posix() for file in reached([ROOT / name for name in BEGIN], LAYERS)}
    assert {"models/likelihood.py", "inference/sampling/engine.py", "models/maximisers/score.py"} <= files
    assert {"models/baselines/weibull.py", "models/exposures/unknown_start.py"} <= files
    assert not [name for name in files if "report" in name or "figures" in name]


def test_the_committed_card_is_of_this_source():
    """Fails when a model or a sampler changed since: run `make calibrate`, look at the page, and commit it."""
    card = load_card()
    if card is None:
        pytest.skip("no card is committed: run make calibrate")
    assert card.made_of["digest"] == source_digest()
