"""Numbers in text as journals print them: .001, 0·47, −3.1, 1 204, 1.2 × 10⁻⁵, 51.7 (48.8–63.8)."""

import re
from dataclasses import dataclass

DASHES = dict.fromkeys("−–—‐‑‒", "-")
POINTS = dict.fromkeys("·‧∙⋅", ".")
SPACES = dict.fromkeys("\u00a0\u2002\u2003\u2005\u2009\u200a\u202f", " ")
SIGNS = {"≤": "<", "⩽": "<", "≥": ">", "⩾": ">", "×": "x", "∞": "inf", "⁻": "^-"}
POWERS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True))
PLAIN = str.maketrans({**DASHES, **POINTS, **SPACES, **SIGNS, **POWERS})
FOOTNOTES = " *†‡§¶#"
NOT_REACHED = ("nr", "ne", "nc", "inf", "not reached", "not estimable", "not evaluable")
NOT_PRINTED = (*NOT_REACHED, "", "-", "na", "n/a", "nd", "not reported", "not available")

DIGITS = r"(?:\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?|\d+,\d+|\d*\.\d+|\d+\.?)"
TOKEN = rf"[+-]?\s?{DIGITS}(?:e[+-]?\d+|\s?x\s?10\s?\^?\s?-?\d+)?"
END = rf"(?:{TOKEN}|{'|'.join(NOT_REACHED)})"
INTERVAL = re.compile(
    rf"(?P<number>{TOKEN})\s*%?\s*[(\[]\s*(?:95\s?%?\s?-?c\.?[ir]\.?\s*[:,=]?\s*)?(?P<lower>{END})\s*%?\s*(?:-|to|,|;)\s*"
    rf"(?P<upper>{END})\s*%?\s*[)\]]"
)
COUNT = re.compile(rf"(?P<count>{TOKEN})\s*(?:/\s*\d+\s*)?(?:[(\[]\s*(?P<percent>{TOKEN})\s*%?\s*[)\]])?")
P_NAME = re.compile(r"p(?:\s?-?\s?value)?\s*(?=[<>=])")


@dataclass(frozen=True)
class Parts:
    """What a cell holds."""

    number: str  # with a point before its decimals, and nothing else but digits, a sign and an exponent
    operator: str = "="  # "=", "<" or ">"
    # ends of an interval in the same cell, as printed; empty where there is none
    lower: str = ""
    upper: str = ""
    percent: bool = False  # whether a per cent sign stands behind the number


def plain(text: str) -> str:
    """A printed text with plain signs for typographic ones, in lower case, without spaces and footnote marks around it."""
    return text.translate(PLAIN).lower().strip().rstrip(FOOTNOTES).strip()


def parts_of(text: str) -> Parts:
    """What a cell of one number holds: the number, a sign of a bound before it, an interval in brackets after it.

    Raises
    ------
    ValueError
        If it is not such a cell, or may be read in two ways; how to write it.

    Examples
    --------
    >>> parts_of("51.7 (48.8–63.8)"), parts_of("<.001")
    (Parts(number='51.7', operator='=', lower='48.8', upper='63.8', percent=False), Parts(number='.001', operator='<', lower='', upper='', percent=False))
    """
    simple = plain(text)
    found = INTERVAL.fullmatch(simple)
    if found:
        return Parts(_point(found["number"], text), "=", found["lower"], found["upper"], "%" in simple)
    simple = P_NAME.sub("", simple, count=1)
    bound = re.fullmatch(rf"(?P<operator>[<>=]*)\s*(?P<number>{TOKEN})\s*(?P<percent>%?)", simple)
    if bound is None:
        raise ValueError(f"must be a number, but found '{text}'{_hint(simple)}")
    operator = bound["operator"].rstrip("=") or "="
    if operator not in "<>=":
        raise ValueError(f"must be a number, but found '{text}'")
    return Parts(_point(bound["number"], text), operator, percent=bool(bound["percent"]))


def count_of(text: str) -> tuple[int, str]:
    """A whole number of patients, and the percentage in brackets behind it, empty where there is none.

    Raises
    ------
    ValueError
        If the cell holds something else; how to write it.

    Examples
    --------
    >>> count_of("108 (52.2)"), count_of("1,204"), count_of("1 204")
    ((108, '52.2'), (1204, ''), (1204, ''))
    """
    simple = plain(text)
    found = COUNT.fullmatch(simple)
    digits = re.sub(r"(?<=\d)[, ](?=\d{3}\b)", "", found["count"]) if found else ""
    if found is None or not re.fullmatch(r"\+?\d+", digits):
        hint = (
            "; a count that is suppressed cannot be used: leave out the variable, or write what the other rows leave"
            if simple.startswith(("<", ">"))
            else _hint(simple)
        )
        raise ValueError(f"must be a whole number, but found '{text}'{hint}")
    return int(digits), found["percent"] or ""


def _point(token: str, text: str) -> str:
    """A number with a decimal point, where its commas and spaces can mean one thing only."""
    token = token.replace("+ ", "+").replace("- ", "-")
    power = re.fullmatch(r"(.*?)\s?x\s?10\s?\^?\s?(-?\d+)", token)
    if power:
        token = f"{power[1]}e{power[2]}"
    token = re.sub(r"(?<=\d) (?=\d{3})", "", token)
    if "," not in token:
        return token.removesuffix(".")
    if "." in token or token.count(",") > 1:
        return token.replace(",", "")
    if re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", token):
        raise ValueError(
            f"must be a number that can be read in one way, but found '{text}'; write {token.replace(',', '.')} or "
            f"{token.replace(',', '')}"
        )
    return token.replace(",", ".")


def _hint(simple: str) -> str:
    """How to write what is no number, where it is plain what is meant."""
    if simple in NOT_PRINTED:
        return "; leave the cell empty where a number is not printed"
    first = re.match(rf"(?:[a-z =:]*)({TOKEN})\s*(?:±|\+/-|\(|\[|/|-|to)", simple)
    return f"; write {first[1].strip()}, and other numbers in their own columns" if first else ""
