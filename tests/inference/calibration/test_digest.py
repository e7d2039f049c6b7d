"""The digest of a calibration: moves and words do not change it, a formula does; and the committed card is of this source."""

import pytest

from inference.calibration import load_card
from inference.calibration.digest import BEGIN, digest_of, reached, source_digest
from inference.provenance import ROOT

SOURCE = '"""About."""\nimport numpy as np\n\ndef hazard(t):\n    """Return a hazard."""\n    return 2 * t\n\ndef other():\n    return 1\n'


@pytest.mark.parametrize(
    "same",
    [
        SOURCE.replace("About", "Of something else").replace("Return a hazard", "A hazard"),
        SOURCE.replace("import numpy as np", "from models import numpy as np"),
        SOURCE.replace("    return 2 * t", "    # twice\n    return (2 * t)"),
        '"""Moved."""\n\ndef other():\n    return 1\n\ndef hazard(t):\n    return 2 * t\n',
    ],
)
def test_moves_and_words_do_not_count(same):
    assert digest_of([same]) == digest_of([SOURCE])


@pytest.mark.parametrize(
    "other", [SOURCE.replace("2 * t", "3 * t"), SOURCE.replace("return 1", "return '1'"), ""]
)
def test_a_formula_counts(other):
    assert digest_of([other]) != digest_of([SOURCE])


def test_functions_split_over_files_are_the_same():
    head, tail = SOURCE.split("def other")
    assert digest_of(["def other" + tail, head]) == digest_of([SOURCE])


def test_the_source_of_models_and_samplers_is_reached_and_no_page_is():
    files = {file.relative_to(ROOT).as_posix() for file in reached(ROOT, BEGIN)}
    assert {"models/likelihood.py", "inference/engine.py", "models/score_maximiser.py"} <= files
    assert {"models/baselines/weibull.py", "models/observations/unknown_start.py"} <= files
    assert not [name for name in files if "report" in name or "figures" in name]


def test_the_committed_card_is_of_this_source():
    """Fails when a model or a sampler changed since: run `make calibrate`, look at the page, and commit it."""
    card = load_card()
    if card is None:
        pytest.skip("no card is committed: run make calibrate")
    assert card.made_of["digest"] == source_digest()
