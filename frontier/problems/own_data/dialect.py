"""How numbers and fields are written in a CSV file, and what to do about a number that is not written so.

The defaults are those of the format: UTF-8, commas between fields, a point before decimals, nothing between thousands.
`1.234,5` or `12 %` under them is refused with the setting that would read it: guessed numbers are worse than none.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

import pyarrow as pa
import pyarrow.compute as pc

from frontier.core.errors import InputError

SPACES = " \u00a0\u202f"  # between thousands: plain, no-break, narrow no-break
NAMED = {"tab": "\t", "\\t": "\t", "space": " "}


@dataclass(frozen=True, slots=True)
class Dialect:
    """sep between fields, decimal before decimals, thousands between groups of three digits ("": none).

    `encoding` is that of files that are not UTF-8.
    """

    sep: str = ","
    decimal: str = "."
    thousands: str = ""
    encoding: str = "utf-8"

    @classmethod
    def of(cls, place: str, sep: str, decimal: str, thousands: str, encoding: str) -> Dialect:
        """The dialect of four settings; `InputError` for one that is none, or two that contradict each other."""
        sep, thousands = NAMED.get(sep, sep), NAMED.get(thousands, thousands)
        for key, value, least in (("sep", sep, 1), ("decimal", decimal, 1), ("thousands", thousands, 0)):
            if not least <= len(value) <= 1 or value.isalnum() or value in ('"', "\n", "\r"):
                raise InputError(f"{place}.{key}", "not a separator", expected="one sign, or tab", got=repr(value))
        if decimal == thousands:
            raise InputError(f"{place}.thousands", "the same as decimal", got=repr(thousands), cure="change one")
        try:
            "".encode(encoding)
        except LookupError:
            cure = "utf-8, latin-1 and cp1252 are usual"
            raise InputError(f"{place}.encoding", "unknown encoding", got=repr(encoding), cure=cure) from None
        return cls(sep, decimal, thousands, encoding)

    def settings(self) -> dict[str, str]:
        """What a problem states of this dialect: the settings that are not the format's defaults."""
        named = {"\t": "tab"}
        return {key: named.get(sign, sign) for key, sign in asdict(self).items() if sign != getattr(STANDARD, key)}

    def plain(self, texts: pa.Array) -> pa.Array:
        """Texts of numbers as Python writes them; raises `ArrowInvalid` for groups that are not of three digits."""
        if self.thousands:
            signs = SPACES if self.thousands in SPACES else self.thousands
            grouped = pc.match_substring_regex(texts, f"[{re.escape(signs)}]")
            well = pc.match_substring_regex(
                texts, rf"^[+-]?\d{{1,3}}([{re.escape(signs)}]\d{{3}})+({re.escape(self.decimal)}\d*)?$"
            )
            if pc.any(pc.and_not(grouped, well)).as_py():
                raise pa.ArrowInvalid("thousands that are not groups of three digits")
            texts = pc.replace_substring_regex(texts, f"[{re.escape(signs)}]", "")
        if self.decimal != ".":
            if pc.any(pc.match_substring(texts, ".")).as_py():
                raise pa.ArrowInvalid("a point, which is no decimal sign here")
            texts = pc.replace_substring(texts, self.decimal, ".")
        return texts


STANDARD = Dialect()


def cure(text: str) -> str | None:
    """How a text that is not a number here could become one; None where it is none anywhere."""
    if text.strip().endswith("%"):
        return "write it without the per cent sign, in the unit that is meant"
    settings = settings_for(text)
    return "set " + " and ".join(f"{key}: {sign!r}" for key, sign in settings.items()) if settings else None


def settings_for(text: str) -> dict[str, str]:
    """The settings under which a text is a number that it is not by itself, as `1.234,5`; none where it is none."""
    text = text.strip()
    if re.fullmatch(r"[+-]?\d{1,3}([ \u00a0\u202f]\d{3})+([.,]\d*)?", text):
        return {"thousands": " "} | ({"decimal": ","} if "," in text else {})
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", text):
        return {"thousands": ","}
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+,\d*", text) or re.fullmatch(r"[+-]?\d{1,3}(\.\d{3}){2,}", text):
        return {"decimal": ",", "thousands": "."}
    if re.fullmatch(r"[+-]?\d+,\d+", text):
        return {"decimal": ","}
    return {"thousands": "'"} if re.fullmatch(r"[+-]?\d{1,3}('\d{3})+([.,]\d*)?", text) else {}
