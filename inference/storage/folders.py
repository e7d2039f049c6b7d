"""Folders of an analysis in which fits, and all else that is cached, lie."""

FITS, KEPT = "fits", "kept"
