"""The source that a module's results come from: every module of the project that it imports, directly or not."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from inference.storage.provenance import ROOT

LAYERS = ("data", "models", "inference")
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # of a statement


@cache
def source_of(module: str) -> str:
    """Return a digest of the source that a module reaches by imports, itself included.

    Docstrings, comments, imports and the files in which statements stand do not count: code that was moved or reworded has the
    same digest.

    Parameters
    ----------
    module : str
        As it is imported, such as "inference.frequentist.efron".
    """
    begin = _path(ROOT, module)
    if begin is None:
        raise ValueError(f"the module must be one of the project, but found {module}")
    return digest_of(reached([begin], LAYERS))


def reached(begin: Iterable[Path], layers: Iterable[str], root: Path = ROOT) -> list[Path]:
    """Return the files of some layers that files import, directly or not, themselves included."""
    allowed, waiting, seen = set(layers), list(begin), set()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        names = [name for name in parsed(file).imports if name.split(".")[0] in allowed]
        waiting += [path for name in names if (path := _path(root, name)) is not None]
    return sorted(seen)


def digest_of(files: Iterable[Path]) -> str:
    """Return a digest of the statements of files, whatever their order, without docstrings and imports."""
    statements = [one for file in files for one in parsed(file).statements]
    return sha256("\n".join(sorted(statements)).encode()).hexdigest()


@dataclass(frozen=True)
class Parsed:
    """What a file imports, and its statements as text, without docstrings, comments and imports."""

    imports: tuple[str, ...]
    statements: tuple[str, ...]


@cache
def parsed(file: Path) -> Parsed:
    """Return a file parsed; each file is parsed once in a process."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imports: list[str] = []
    waiting: list[ast.AST] = [tree]
    while waiting:  # over statements, and what holds statements: imports are nowhere else
        node = waiting.pop()
        if isinstance(node, ast.ImportFrom) and node.module:
            imports += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        held = {name: value for name in BLOCKS if isinstance(value := getattr(node, name, None), list)}
        waiting += [one for block in held.values() for one in block]
        if "body" in held:
            node.body = [one for one in held["body"] if not _leaves_no_result(one)] or [ast.Pass()]  # ty: ignore[missing-attribute]  # it has one
    return Parsed(tuple(imports), tuple(ast.dump(one) for one in tree.body))


@cache
def _path(root: Path, module: str) -> Path | None:
    place = root.joinpath(*module.split("."))
    for file in (place.with_suffix(".py"), place / "__init__.py"):
        if file.is_file():
            return file
    return None


def _leaves_no_result(node: ast.stmt) -> bool:
    """Return whether a statement is an import, or a string and nothing else: a docstring."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
