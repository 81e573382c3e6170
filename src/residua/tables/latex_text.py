"""Escape text for LaTeX with its standard fonts, so that every letter is printed, or what stands for it."""

from __future__ import annotations

import re
import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "−": "$-$",
    "–": r"\textendash{}",
    "³": "$^3$",
    "-": "-{}",
    "≠": r"$\neq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "√": r"$\surd$",
    "⋅": r"$\cdot$",
    "′": "$'$",
    "″": "$''$",
    "«": r"$\ll$",
    "»": r"$\gg$",
}
"""The ten specials, signs that OT1 fonts set as others, signs that are mathematics in LaTeX, and a hyphen before
another, which would make a dash.
"""
_GREEK = (
    "α alpha β beta γ gamma δ delta ε epsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu ξ xi π pi ρ rho "
    "ς varsigma σ sigma τ tau υ upsilon φ phi χ chi ψ psi ω omega Γ Gamma Δ Delta Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma "
    "Φ Phi Ψ Psi Ω Omega"
)
_SPECIAL |= {letter: rf"$\{name}$" for letter, name in re.findall(r"(\S) (\w+)", _GREEK)}
_LIKE = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοĐđÐðĦħŦŧĸŊŋ‚", "ABEZHIKMNOPTYXoDdDdHhTtkNn,", strict=True))
_LIKE |= {"Þ": "Th", "þ": "th", "„": ",,"}
"""Letters that the fonts lack, and what looks like them."""
_KNOWN = "¡¢£¤¥¦§¨©ª¬®¯°²´µ¶·¸¹º¼½¾¿Æ÷ØßæøıŁłŒœȷ‐‒—―‘’“”†‡•…‰€℃№™←↑→↓"
"""Signs beyond ASCII that LaTeX prints without any package."""
_OGONEK = "\N{COMBINING OGONEK}"
_TO_REPLACE = re.compile(rf"-(?=-)|[{re.escape(''.join(sign for sign in _SPECIAL if sign != '-'))}]|[^\x20-\x7e]")
_NEGATIVE = re.compile(r"(?<![\w-])-(?=\d)")


def escaped(text: str) -> str:
    r"""Escape text so that LaTeX prints it as it is; a hyphen before a number becomes a minus sign.

    A letter that the standard fonts lack becomes the nearest that they have, and one that has none its number.

    >>> escaped("κ of Søn & Ą: 中")
    '$\\kappa$ of Søn \\& A: [U+4E2D]'
    """
    plain = unicodedata.normalize("NFC", _NEGATIVE.sub("−", " ".join(text.split())))
    return _TO_REPLACE.sub(lambda sign: _printed(sign[0]), plain)


def _printed(sign: str) -> str:
    if sign in _SPECIAL:
        return _SPECIAL[sign]
    if sign.isascii() or sign in _KNOWN or _is_accented(sign):
        return sign
    if sign in _LIKE:
        return _LIKE[sign]
    if unicodedata.category(sign) in ("Mn", "Cf"):
        return ""
    parts = unicodedata.normalize("NFKD", sign)
    return "".join(map(_printed, parts)) if parts != sign else f"[U+{ord(sign):04X}]"


def _is_accented(sign: str) -> bool:
    """Return whether LaTeX composes a letter of its accent (Latin-1 and Latin Extended-A)."""
    parts = unicodedata.normalize("NFD", sign)
    return "À" <= sign <= "ž" and len(parts) == 2 and parts[0].isascii() and parts[1] != _OGONEK
