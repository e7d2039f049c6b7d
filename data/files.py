"""Reading files, with readable errors."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from pathlib import Path

from data.errors import InputError


def expand(path: str | Path) -> Path:
    """A path with ``~`` replaced by the home folder."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise InputError(
            f"{path}: must start with a home folder that exists, or be written in full."
        ) from error


def read_bytes(file: Path, place: str = "") -> bytes:
    """The bytes of a file.

    Parameters
    ----------
    file : Path
    place : str, optional
        File and key that ask for it, for messages.
    """
    try:
        return file.read_bytes()
    except (OSError, ValueError) as error:  # a path with a zero byte is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{place}{file.absolute()}: must be a readable file, but: {reason}.") from error


def decode(content: bytes, origin: str) -> str:
    """The text in UTF-8 bytes, with or without a byte order mark.

    Raises
    ------
    InputError
        With the first byte that no UTF-8 text holds, and its position.
    """
    zero = content.find(0)
    try:
        if zero < 0:
            return content.decode("utf-8-sig")
        content[:zero].decode("utf-8-sig")
        position = zero
    except UnicodeDecodeError as error:
        position = error.start
    utf16 = ", which begins UTF-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else ""
    raise InputError(
        f"{origin}: must be UTF-8 text, but found byte 0x{content[position]:02x} at position {position}{utf16}; "
        "save the file as UTF-8."
    )
