"""Machine code of the chain that is left from other sources than these.

numba looks at the file of a function alone to see whether its machine code is up to date, not at the files of the functions that it calls
(https://numba.readthedocs.io/en/stable/user/jit.html#cache): after an upgrade a changed function could go on as it was.
"""

import hashlib
from contextlib import suppress
from pathlib import Path


def drop_stale(folder: Path) -> None:
    """Remove the machine code beside the modules of a folder where it was made from other sources; then it is compiled again.

    Parameters
    ----------
    folder : Path
        Modules whose compiled functions call each other and none elsewhere.
    """
    modules = [(one.name, one.read_bytes()) for one in sorted(folder.glob("*.py"))]
    sources = hashlib.sha256(repr(modules).encode()).hexdigest()
    made_of = folder / "__pycache__" / "machine_code.sha256"
    if made_of.is_file() and made_of.read_text() == sources:
        return
    with suppress(OSError):  # numba keeps nothing in a folder that cannot be written
        made_of.parent.mkdir(exist_ok=True)
        for old in made_of.parent.glob("*.nb[ci]"):
            old.unlink(missing_ok=True)
        made_of.write_text(sources)
