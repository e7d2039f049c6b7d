"""Checksums: of content, and of files."""

import json
from hashlib import sha256
from pathlib import Path


def digest(content: object) -> str:
    """Return a short name of some JSON-like content: equal content, equal name."""
    text = json.dumps(content, sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:20]


def file_sha256(path: Path) -> str:
    """Return the checksum of a file."""
    return sha256(path.read_bytes()).hexdigest()
