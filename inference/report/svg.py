"""An SVG made to stand in a page beside others: identifiers of its own, no metadata, a spoken name."""

from __future__ import annotations

import re
from xml.etree import ElementTree

ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
REFERENCE = re.compile(r"url\(\s*['\"]?#([^)'\"]+)['\"]?\s*\)")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?![\d.eE])")
HREF = "{http://www.w3.org/1999/xlink}href"
DROPPED = ("metadata", "script", "title", "desc")
LARGEST = 0.9
COORDINATES = ("d", "points", "x", "y")


def embedded_svg(svg: str, prefix: str, label: str) -> str:
    """Return an SVG element for use inside HTML.

    Parameters
    ----------
    svg : str
        An SVG document or element.
    prefix : str
        Put before every identifier and every reference to one: figures drawn by the same library share them.
    label : str
        Read out in place of the drawing.

    Returns
    -------
    str
        Without prolog, document type, metadata, scripts and namespaces, which HTML does not need; coordinates
        with two decimals. It refers to nothing outside of itself.
    """
    root = ElementTree.fromstring(ILLEGAL.sub("", svg[svg.index("<svg") :]))
    _drop(root)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        content = {name: value for name, value in element.attrib.items() if _kept(name, value)}
        element.attrib.clear()
        for name, value in content.items():
            element.set("href" if name == HREF else name, _rewritten(name, value, prefix))
        if element.tag == "style" and element.text:
            element.text = REFERENCE.sub(rf"url(#{prefix}-\1)", element.text)
    width, height = (re.sub(r"[^\d.]", "", root.attrib.pop(side, "")) for side in ("width", "height"))
    if "viewBox" not in root.attrib and width and height:
        root.set("viewBox", f"0 0 {width} {height}")
    # The style sheet fits a drawing to the page, but never far beyond the size it was drawn for.
    drawn = float(root.get("viewBox", "0 0 518 1").split()[2])
    root.set("style", f"--width: {drawn / 12 * LARGEST:.1f}rem")
    root.set("role", "img")
    root.set("aria-label", label)
    root.tail = None
    return ElementTree.tostring(root, encoding="unicode")


def _drop(parent: ElementTree.Element) -> None:
    for child in list(parent):
        if child.tag.rpartition("}")[2] in DROPPED:
            parent.remove(child)
        else:
            _drop(child)


def _kept(name: str, value: str) -> bool:
    """Say whether an attribute stays: no handlers, no foreign namespaces, no references to elsewhere."""
    if name == HREF or name == "href":
        return value.startswith(("#", "data:image/"))
    return not name.startswith(("{", "on"))


def _rewritten(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    if name in (HREF, "href"):
        return f"#{prefix}-{value[1:]}" if value.startswith("#") else value
    if name in COORDINATES:
        return LONG_NUMBER.sub(lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
    return REFERENCE.sub(rf"url(#{prefix}-\1)", value)
