"""Examples in docstrings are true."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WITH_EXAMPLES = [
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for layer in ("data", "models", "inference", "scripts")
    for file in sorted((ROOT / layer).rglob("*.py"))
    if re.search(r"^ +>>> ", file.read_text(encoding="utf-8"), re.M)
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_are_true(module):
    found = doctest.testmod(import_module(module))
    assert (found.failed, found.attempted > 0) == (0, True)
