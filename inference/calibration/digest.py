"""Digest of the source that a calibration was made from: what it computes, not where it lies or how it is worded."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

from inference.provenance import ROOT

LAYERS = ("models", "inference")  # of which calibrated posteriors and their samplers are made
BEGIN = ("inference/calibration/ranks.py", "inference/calibration/coverage.py")


@cache
def source_digest() -> str:
    """Return the digest of all functions and classes that the calibration reaches by imports.

    Docstrings, imports, and the files in which they stand do not count: a moved or reworded function has the same digest.
    """
    return digest_of(file.read_text(encoding="utf-8") for file in reached(ROOT, BEGIN))


def reached(root: Path, begin: Iterable[str]) -> list[Path]:
    """Return the modules of the project that modules import, directly or not, themselves included."""
    waiting, seen = [root / name for name in begin], set()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        waiting += [path for name in _imported(file) if (path := _path(root, name)) is not None]
    return sorted(seen)


def digest_of(sources: Iterable[str]) -> str:
    """Return a digest of the statements of sources, whatever their order, without docstrings and imports."""
    statements = []
    for source in sources:
        tree = ast.parse(source)
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                kept = [
                    one for one in body if not isinstance(one, ast.Import | ast.ImportFrom) and not _said(one)
                ]
                node.body = kept or [ast.Pass()]  # ty: ignore[missing-attribute]  # a body is what was looked for
        statements += [ast.dump(one) for one in tree.body]
    return sha256("\n".join(sorted(statements)).encode()).hexdigest()


def _imported(file: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return [name for name in names if name.split(".")[0] in LAYERS]


def _path(root: Path, module: str) -> Path | None:
    place = root.joinpath(*module.split("."))
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None


def _said(node: ast.stmt) -> bool:
    """Return whether a statement is a string and nothing else: a docstring."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
