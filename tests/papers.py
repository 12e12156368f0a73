"""Draws pages of which little but some entries differs: forms, slides, charts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from PIL import Image, ImageDraw, ImageFont

ENTRIES = 14
"""Places of each page that are filled in."""

_WORDS = (
    "north invoice garden silver order customer window total bridge delivery paper "
    "number street account morning license yellow summary machine report station "
    "quarter market winter copper region vessel client record"
).split()

Size = tuple[int, int]
Font = ImageFont.FreeTypeFont


def paper(kind: str, filled: list[int]) -> Image.Image:
    """Returns a page.

    Args:
        kind: name of :data:`KINDS`
        filled: 14 numbers, of which each entry is drawn; equal numbers give equal
            pages, one that differs another word, number, bar or stroke
    """
    size, draw = KINDS[kind]
    page = Image.new("RGB", size, "white")
    draw(ImageDraw.Draw(page), size, filled)
    return page


def filled_differently(
    count: int, differing: int, seed: int = 0
) -> Iterator[list[int]]:
    """Yields what fills pages of which any two differ in so many entries, or more.

    Args:
        count: of the pages
        differing: entries of each page that no other shares
        seed: of all that is drawn
    """
    rng = random.Random(seed)
    base = [rng.randrange(10**6) for _ in range(ENTRIES)]
    for number in range(count):
        filled = list(base)
        # The same entries of each page, so that two differ in just these
        for place in range(differing):
            filled[(place * 5 + seed) % ENTRIES] = 10**6 + number * 101 + seed
        yield filled


def _font(size: float) -> Font:
    return ImageFont.load_default(size)


def _words(entry: int, count: int) -> str:
    rng = random.Random(entry)
    return " ".join(rng.choice(_WORDS) for _ in range(count))


def _form(pen: ImageDraw.ImageDraw, size: Size, filled: list[int]) -> None:
    width, height = size
    pen.text((30, 24), "APPLICATION FOR A LICENSE", "black", _font(24))
    step = (height - 90) / ENTRIES
    for place, entry in enumerate(filled):
        top = 76 + place * step
        pen.text((30, top), _words(place, 2), "black", _font(13))
        pen.rectangle((200, top - 4, width - 30, top + step * 0.7), outline="black")
        pen.text((208, top), _words(entry, 3), (20, 20, 120), _font(16))


def _invoice(
    pen: ImageDraw.ImageDraw, size: tuple[int, int], filled: list[int]
) -> None:
    width, height = size
    pen.rectangle((0, 0, width, 70), fill=(30, 70, 120))
    pen.text((30, 18), "Silver Bridge Ltd.", "white", _font(30))
    for place, entry in enumerate(filled):
        top = 120 + place * (height - 170) / ENTRIES
        pen.line((30, top + 26, width - 30, top + 26), fill=(180, 180, 180))
        pen.text((34, top), _words(place, 3), "black", _font(15))
        amount = f"{random.Random(entry).randrange(10**5) / 100:,.2f}"
        pen.text((width - 130, top), amount, "black", _font(15))


def _slide(pen: ImageDraw.ImageDraw, size: Size, filled: list[int]) -> None:
    width, height = size
    pen.rectangle((0, 0, width, height), fill=(240, 244, 250))
    pen.rectangle((0, 0, width, 90), fill=(200, 60, 40))
    pen.text((40, 24), "Report of the quarter", "white", _font(36))
    for place, entry in enumerate(filled):
        x = 60 + (place % 2) * (width / 2 - 30)
        y = 120 + place // 2 * (height - 150) / 7
        pen.ellipse((x - 22, y + 7, x - 12, y + 17), fill=(200, 60, 40))
        pen.text((x, y), _words(entry, 2), (30, 30, 30), _font(21))


def _text(pen: ImageDraw.ImageDraw, size: Size, filled: list[int]) -> None:
    width, height = size
    step = (height - 80) / (ENTRIES * 3)
    for line in range(ENTRIES * 3):
        words = _words(line, 9).split()
        if line % 3 == 1:
            words[3:5] = _words(filled[line // 3], 2).split()
        pen.text((40, 40 + line * step), " ".join(words), "black", _font(14))


def _sheet(pen: ImageDraw.ImageDraw, size: Size, filled: list[int]) -> None:
    width, height = size
    rows, columns = 28, 6
    for row in range(rows + 1):
        y = 20 + row * (height - 40) / rows
        pen.line((20, y, width - 20, y), fill=(170, 170, 170))
    for column in range(columns + 1):
        x = 20 + column * (width - 40) / columns
        pen.line((x, 20, x, height - 20), fill=(170, 170, 170))
    for cell in range(rows * columns):
        row, column = divmod(cell, columns)
        place = cell // 12
        number = filled[place] if cell % 12 == 5 else cell
        at = 26 + column * (width - 40) / columns, 22 + row * (height - 40) / rows
        value = str(random.Random(number).randrange(10**4))
        pen.text(at, value, "black", _font(15))


def _drawing(
    pen: ImageDraw.ImageDraw, size: tuple[int, int], filled: list[int]
) -> None:
    width, height = size
    rng = random.Random(7)
    for _ in range(25):
        x, y = rng.randrange(width - 120), rng.randrange(height - 120)
        box = (x, y, x + rng.randrange(40, 260), y + rng.randrange(40, 260))
        rng.choice((pen.rectangle, pen.ellipse))(box, outline="black", width=2)
    for place, entry in enumerate(filled):
        own = random.Random(entry)
        x, y = 40 + place % 4 * width / 4, 40 + place // 4 * height / 4
        ends = [(x + own.randrange(70), y + own.randrange(70)) for _ in range(3)]
        pen.line(ends, fill="black", width=2)


def _chart(pen: ImageDraw.ImageDraw, size: Size, filled: list[int]) -> None:
    width, height = size
    pen.text((60, 14), "Orders by region", "black", _font(20))
    pen.line((60, 50, 60, height - 40), fill="black", width=2)
    pen.line((60, height - 40, width - 20, height - 40), fill="black", width=2)
    step = (width - 100) / ENTRIES
    for place, entry in enumerate(filled):
        tall = random.Random(entry).uniform(0.2, 0.95) * (height - 110)
        x = 70 + place * step
        box = (x, height - 40 - tall, x + step * 0.7, height - 40)
        pen.rectangle(box, fill=(60, 110, 180))
        pen.text((x, height - 34), str(place + 1), "black", _font(13))


_Draw = Callable[[ImageDraw.ImageDraw, Size, list[int]], None]

KINDS: dict[str, tuple[Size, _Draw]] = {
    "form": ((620, 877), _form),
    "invoice": ((620, 877), _invoice),
    "slide": ((960, 540), _slide),
    "text": ((620, 877), _text),
    "sheet": ((800, 700), _sheet),
    "drawing": ((700, 700), _drawing),
    "chart": ((720, 480), _chart),
}
"""Size of a page of each kind, and how it is drawn."""
