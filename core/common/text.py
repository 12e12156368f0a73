"""How numbers and text from files are put before a person."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

# Backslash first: each of the others gets one
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|&~!#$@])")


def size_text(count: float) -> str:
    """Returns a number of bytes as a person says it."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"


def share_text(count: float, of: int) -> str:
    """Returns a share in percent: "3.7 %", and "< 0.1 %" of what is hardly there.

    The blanks do not break: the App wraps narrow columns.
    """
    if not count or not of:
        return "0\N{NO-BREAK SPACE}%"
    share = 100 * count / of
    number = f"{share:.1f}" if share >= 0.1 else "< 0.1"
    return f"{number}\N{NO-BREAK SPACE}%".replace(" ", "\N{NO-BREAK SPACE}")


def percent_text(share: float) -> str:
    """Returns a share of 0 to 1 in whole percent: "77 %"."""
    return f"{100 * share:.0f} %"


def score_text(score: float) -> str:
    """Returns the score of a label, 0 to 100, with the digits that all pages give."""
    return f"{score:.1f}"


def distance_text(distance: float) -> str:
    """Returns a distance of outliers with the digits that all pages give."""
    return f"{distance:.3f}"


def counted(count: int, thing: str) -> str:
    """Returns ``1 scene``, ``2 scenes``, ``1 image`` and so on.

    Args:
        count: of the things
        thing: one of them; more are told by an s
    """
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def first_of(texts: Sequence[str], most: int) -> str:
    """Returns the first texts, and how many more there are: "a, b and 3 more"."""
    more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {more:,} more" if more > 0 else "")


def short_path(path: str) -> str:
    """Returns a file's name behind the two folders that it lies in."""
    parts = Path(path).parts
    return "/".join(parts[-3:]) if len(parts) > 3 else path


def cut_middle(text: str, most: int) -> str:
    """Returns text of at most so many characters, cut in its middle.

    Names of files differ at their end more often than before it, so that two thirds
    of what stays are its end: "IMG_20230617_0147.jpg" becomes "IMG_…_0147.jpg".

    Args:
        text: a name
        most: characters, with the one that stands for what is left out
    """
    if len(text) <= most:
        return text
    start = (most - 1) // 3
    return f"{text[:start]}…{text[len(text) - (most - 1 - start) :]}"


def plain(text: str) -> str:
    """Returns text from files with what cannot be printed spelled out.

    That is control characters, line ends, and those that turn the direction of
    the text around, so that no name can look like another or like two lines.
    """
    if text.isprintable():
        return text
    return "".join(
        one if one.isprintable() or one == "\N{NO-BREAK SPACE}" else ascii(one)[1:-1]
        for one in text
    )


def escape_markdown(text: str) -> str:
    """Returns text from files as Markdown that shows just that text."""
    # A colon in front of slashes, and www., would become a link by themselves
    linked = re.sub(
        r"(?i)(:(?=//)|\.(?<=www\.))", r"\\\1", _MARKDOWN.sub(r"\\\1", text)
    )
    return plain(linked)
