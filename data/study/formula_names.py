"""Names of covariates in formulas: any text may name a column, and formulas are evaluated under plain names of our own.

Formulaic reads a backquoted name as Python: it cuts ``age.dx`` at the dot, and takes columns named 1 or Intercept for the
intercept. So every covariate gets a plain name for the evaluation, and terms get their own names back.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from keyword import iskeyword

from formulaic.transforms import TRANSFORMS

STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
TOKEN = re.compile(
    rf"(?P<text>{STRING})|`(?P<quoted>[^`]*)`|(?<![\w.])(?P<word>[^\W\d]\w*)(?P<after>\s*(?:\(|\.|=(?!=))?)"
)


@dataclass(frozen=True)
class FormulaNames:
    """Covariates of a study under plain names.

    Attributes
    ----------
    plain : dict of str to str
        The plain name of each covariate.
    """

    plain: dict[str, str]

    @classmethod
    def of(cls, names: Iterable[str], texts: Iterable[str] = ()) -> "FormulaNames":
        """Return plain names that occur in none of the names and of some further texts, such as levels."""
        names = list(names)
        everything, stem = "\n".join((*names, *texts)), "covariate_"
        while stem in everything:
            stem += "_"
        return cls({name: f"{stem}{number}_" for number, name in enumerate(names)})

    def evaluated(self, formula: str) -> str:
        """Return a formula with the plain names in place of the covariates' own."""

        def replaced(found: re.Match[str]) -> str:
            word, after = found["word"], found["after"] or ""
            if found["quoted"] is not None:
                return self.plain.get(found["quoted"].strip(), found[0])
            called = after.endswith(("(", "=")) or (after.endswith(".") and word in TRANSFORMS)
            return found[0] if word is None or called or word not in self.plain else self.plain[word] + after

        return TOKEN.sub(replaced, formula)

    def shown(self, text: str) -> str:
        """Return a text, such as the name of a column, with the covariates' own names."""
        for name, plain in self.plain.items():
            if plain in text:
                text = re.sub(rf"(?:^|(?<=:)){plain}(?=$|:|\[)", lambda _, name=name: name, text)
                text = text.replace(plain, in_formula(name))
        return text

    def unquoted(self, formula: str) -> list[str]:
        """Return the covariates whose names stand in a formula without the backquotes that they need."""
        bare = re.sub(rf"{STRING}|`[^`]*`", " ", formula)
        awkward = [name for name in self.plain if in_formula(name) != name and f"`{name}`" not in formula]
        return [
            name
            for name in awkward
            if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.(])", bare)
            and not (name == bare.strip() == "1")
        ]


def in_formula(name: str) -> str:
    """Return a column as a formula names it: in backquotes where it is no plain word."""
    return name if name.isidentifier() and not iskeyword(name) else f"`{name}`"
