"""Machine code of the chain that is left from other sources than these.

numba looks at the file of a function alone to see whether its machine code is up to date, not at the files of the functions that it calls
(https://numba.readthedocs.io/en/stable/user/jit.html#cache): after an upgrade a changed function could go on as it was.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path


def drop_stale(modules: Path, function: Callable) -> None:
    """Remove machine code that was made from other sources than these; it is compiled again when it is needed.

    Parameters
    ----------
    modules : Path
        Folder of modules whose compiled functions call each other and none elsewhere.
    function : callable
        Any of the functions: numba keeps the machine code of all of them in one folder, beside the modules or, where it cannot write
        there or is told to, elsewhere.
    """
    stats = getattr(function, "stats", None)
    if stats is None or stats.cache_path is None:  # nothing is compiled, or nothing of it is kept
        return
    sources = [(one.name, one.read_bytes()) for one in sorted(modules.glob("*.py"))]
    digest = hashlib.sha256(repr(sources).encode()).hexdigest()
    kept = Path(stats.cache_path)
    made_of = kept / "sources.sha256"
    if made_of.is_file() and made_of.read_text() == digest:
        return
    for old in kept.glob("*.nb[ci]"):
        old.unlink(missing_ok=True)
    made_of.write_text(digest)
