"""An SVG made to stand in a page beside others: identifiers of its own, no metadata, a spoken name."""

import re
from xml.etree import ElementTree

ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
REFERENCE = re.compile(r"url\(\s*['\"]?#([^)'\"]+)['\"]?\s*\)")
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?![\d.eE])")
HREF = "{http://www.w3.org/1999/xlink}href"
USED = r"""url\(\s*['"]?#([^)'"]+)|href=['"]#([^'"]+)"""
UNTURNED = "rotate(-0 "  # of every text that is not turned
LETTERS = ("text", "tspan", "style")
DROPPED = ("metadata", "script", "title", "desc")
LARGEST = 0.9
COORDINATES = ("d", "points", "x", "y")


def embedded_svg(svg: str, prefix: str, label: str, *, named: bool = False) -> str:
    """Return an SVG element for use inside HTML.

    Parameters
    ----------
    svg : str
        An SVG document or element.
    prefix : str
        Put before every identifier and every reference to one: figures drawn by the same library share them.
    label : str
        Read out in place of the drawing.
    named : bool
        Whether groups keep their identifiers, for a script that looks for them; others keep those alone that something refers to.

    Returns
    -------
    str
        Without prolog, document type, metadata, scripts and namespaces, which HTML does not need; coordinates
        with two decimals. It refers to nothing outside of itself.
    """
    root = ElementTree.fromstring(ILLEGAL.sub("", svg[svg.index("<svg") :]))
    _drop(root)
    used = {one for pair in re.findall(USED, svg) for one in pair}
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        _without_indents(element)
        content = {name: value for name, value in element.attrib.items() if _kept(name, value)}
        if not named and content.get("id") not in used:
            content.pop("id", None)
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


def _without_indents(parent: ElementTree.Element) -> None:
    """Take out the white space between elements, which draws nothing."""
    if parent.tag in LETTERS:
        return
    parent.text = parent.text if parent.text and parent.text.strip() else None
    for child in parent:
        child.tail = child.tail if child.tail and child.tail.strip() else None


def _kept(name: str, value: str) -> bool:
    """Return whether an attribute stays: no handlers, no foreign namespaces, no references to elsewhere, no turn by nothing."""
    if name == "transform" and value.startswith(UNTURNED):
        return False
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
