"""Look-alikes: two pictures that are no copies of one another, and look it.

Each function takes photographs (uint8[h, w, 3], RGB) and a random generator.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from core.copy_detection.compositions import (
    U8,
    Random,
    any_color,
    bordered,
    captioned,
    clipped,
    letterboxed,
    resized,
    screenshot,
    watermarked,
    write,
)


def other_crops(photos: list[U8], random: Random) -> tuple[U8, U8]:
    """Two cuttings of one photograph, neither of which holds the other."""
    picture = photos[int(random.integers(len(photos)))]
    height, width = picture.shape[:2]
    share = random.uniform(0.5, 0.85)
    tall, wide = round(height * share), round(width * share)
    free = 1 - share
    step = random.uniform(0.08, max(0.09, min(free, 0.35)))
    along = random.random() < 0.5
    first = np.array([random.uniform(0, max(free - step, 0)), random.uniform(0, free)])
    second = first + np.array([step, random.uniform(-0.1, 0.1) * free])
    parts = []
    for y, x in (first, second) if along else (first[::-1], second[::-1]):
        top = int(np.clip(y, 0, free) * height)
        left = int(np.clip(x, 0, free) * width)
        parts.append(picture[top : top + tall, left : left + wide])
    return parts[0], parts[1]


def _ground(photos: list[U8], random: Random, side: int = 160) -> U8:
    way = random.integers(3)
    if way == 0:
        return np.full((side, side, 3), any_color(random), np.uint8)
    if way == 1:
        ends = random.integers(0, 256, (2, 3)) * 0.5 + random.integers(0, 128)
        share = np.linspace(0, 1, side)[:, None, None]
        slope = ends[0] * (1 - share) + ends[1] * share
        plane = clipped(np.broadcast_to(slope, (side, side, 3)))
        turned: U8 = plane.transpose(1, 0, 2).copy()
        return plane if random.random() < 0.5 else turned
    picture = photos[int(random.integers(len(photos)))]
    return np.asarray(
        cv2.GaussianBlur(resized(picture, side, side), (0, 0), side / 8), np.uint8
    )


def _pasted(
    ground: U8, thing: U8, share: float, at: NDArray[np.floating], soft: bool
) -> U8:
    """Pastes a thing that covers a share of the ground, its middle at ``at``."""
    result = ground.copy()
    height, width = ground.shape[:2]
    tall = max(6, round(height * np.sqrt(share)))
    wide = max(6, round(width * np.sqrt(share)))
    top = int(np.clip(at[0] * height - tall / 2, 0, height - tall))
    left = int(np.clip(at[1] * width - wide / 2, 0, width - wide))
    small = resized(thing, wide, tall)
    mask = np.ones((tall, wide, 1))
    if soft:
        y, x = np.mgrid[-1 : 1 : tall * 1j, -1 : 1 : wide * 1j]
        mask = np.clip((1 - np.hypot(x, y)) * 4, 0, 1)[..., None]
    place = result[top : top + tall, left : left + wide]
    result[top : top + tall, left : left + wide] = clipped(
        place * (1 - mask) + small * mask
    )
    return np.asarray(result, np.uint8)


def same_ground(photos: list[U8], random: Random) -> tuple[U8, U8]:
    """Two things, one after the other, on one smooth ground."""
    ground = _ground(photos, random)
    share, soft = (
        float(np.exp(random.uniform(np.log(0.02), np.log(0.3)))),
        random.random() < 0.4,
    )
    at = random.uniform(0.3, 0.7, 2)
    things = random.choice(len(photos), 2, False)
    pictures = [_pasted(ground, photos[thing], share, at, soft) for thing in things]
    if random.random() < 0.3:
        pictures = [
            _pasted(p, photos[0], 0.01, np.array([0.05, 0.9]), False) for p in pictures
        ]
    return pictures[0], pictures[1]


def _two(photos: list[U8], random: Random) -> list[U8]:
    """Two photographs, in half of the cases soft parts of some."""
    pictures = []
    soft = random.random() < 0.5
    for thing in random.choice(len(photos), 2, False):
        picture = photos[int(thing)]
        if soft:
            height, width = (max(8, round(0.3 * side)) for side in picture.shape[:2])
            top = int(random.integers(picture.shape[0] - height + 1))
            left = int(random.integers(picture.shape[1] - width + 1))
            picture = picture[top : top + height, left : left + width]
        pictures.append(resized(picture, 150, 150))
    return pictures


def _pillared(picture: U8, random: Random) -> U8:
    """Stands in the middle of a wide frame, a third to two thirds of its width."""
    side = round(picture.shape[1] * random.uniform(0.3, 1))
    bars = cv2.copyMakeBorder(
        picture, 8, 8, side, side, cv2.BORDER_CONSTANT, value=(0,) * 3
    )
    return np.asarray(bars, np.uint8)


def same_frame(photos: list[U8], random: Random) -> tuple[U8, U8]:
    """Two photographs in one frame, or screen of an application."""
    first, second = _two(photos, random)
    framed = (bordered, letterboxed, screenshot, _pillared)[int(random.integers(4))]
    state = int(random.integers(2**31))
    framed_pair = [framed(p, np.random.default_rng(state)) for p in (first, second)]
    if random.random() < 0.5:
        framed_pair = [
            watermarked(p, np.random.default_rng(state)) for p in framed_pair
        ]
    return framed_pair[0], framed_pair[1]


def same_mark(photos: list[U8], random: Random) -> tuple[U8, U8]:
    """Two photographs under one large mark, or with one caption."""
    state = int(random.integers(2**31))
    marked = watermarked if random.random() < 0.6 else captioned
    first, second = (
        marked(picture, np.random.default_rng(state))
        for picture in _two(photos, random)
    )
    return first, second


def _words(random: Random, least: int, most: int) -> str:
    letters = list("abcdefghiklmnoprstuvw    0123456789")
    return "".join(random.choice(letters, int(random.integers(least, most))))


def form(layout: Random, random: Random) -> U8:
    """A form, slide or page: ``layout`` says what all share, ``random`` the rest."""
    scale = layout.uniform(0.8, 2.6)
    sides = round(360 * scale), round(260 * scale)
    wide, tall = sides if layout.random() < 0.4 else sides[::-1]
    line = layout.uniform(0.012, 0.035)
    sheet: U8 = np.full((tall, wide, 3), int(layout.choice((255, 250, 235))), np.uint8)
    ink = (20, 20, 20)
    if layout.random() < 0.7:
        bar = round(tall * layout.uniform(0.06, 0.16))
        if layout.random() < 0.6:
            sheet[:bar] = any_color(layout)
        write(sheet, _words(layout, 8, 20), (10, 4, wide - 10, bar), any_color(layout))
    top = tall * 0.18
    while top < tall * 0.92:
        kind, height = layout.integers(4), tall * line * layout.uniform(1, 1.8)
        box = tuple(round(v) for v in (wide * 0.08, top, wide * 0.92, top + height))
        if kind == 0:
            cv2.rectangle(sheet, box[:2], box[2:], ink, 1)
            write(
                sheet,
                _words(random, 6, 24),
                (*box[:2], box[0] + wide // 2, box[3]),
                ink,
            )
        elif kind == 1:
            write(
                sheet,
                _words(layout, 6, 12),
                (*box[:2], box[0] + wide // 4, box[3]),
                ink,
            )
            value = box[0] + wide // 3, box[1], box[0] + 2 * wide // 3, box[3]
            write(sheet, _words(random, 5, 18), value, ink)
        elif kind == 2:
            write(sheet, _words(random, 20, 50), box, ink)
        else:
            cv2.line(sheet, box[:2], (box[2], box[1]), ink, 1)
        top += height * layout.uniform(1, 1.6)
    return sheet


def same_form(photos: list[U8], random: Random) -> tuple[U8, U8]:
    """Two sheets of one form, filled in differently."""
    state = int(random.integers(2**31))
    first, second = (form(np.random.default_rng(state), random) for _ in range(2))
    return first, second


def other_moment(photos: list[U8], random: Random) -> tuple[U8, U8]:
    """One scene twice: things move, the wind blows, the camera shifts a little."""
    first, thing, other = (
        resized(photos[int(one)], 150, 150)
        for one in random.choice(len(photos), 3, False)
    )
    second = first
    way = random.integers(3)
    if way != 1:
        share, soft = random.uniform(0.01, 0.06), True
        for _ in range(int(random.integers(1, 4))):
            first = _pasted(first, thing, share, random.uniform(0.1, 0.9, 2), soft)
            second = _pasted(second, thing, share, random.uniform(0.1, 0.9, 2), soft)
            thing = other
    if way != 0:
        second = swayed(second, random.uniform(0.01, 0.04), random)
    return first, second


def swayed(picture: U8, share: float, random: Random) -> U8:
    """Moves each place by a share of the width, more or less, neighbors alike."""
    height, width = picture.shape[:2]
    cells = int(random.integers(3, 8))
    size = share * width
    y, x = np.mgrid[:height, :width].astype(np.float32)
    moves = [
        cv2.resize(
            (random.normal(0, size, (cells, cells))).astype(np.float32),
            (width, height),
            interpolation=cv2.INTER_CUBIC,
        )
        for _ in range(2)
    ]
    moved = cv2.remap(
        np.ascontiguousarray(picture),
        x + moves[0],
        y + moves[1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(moved, np.uint8)


LOOK_ALIKES = (other_crops, same_ground, same_frame, same_mark, same_form, other_moment)
