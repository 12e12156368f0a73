"""Pictures changed in several ways at once, as real copies are.

Every change is a function of a picture (uint8[h, w, 3], RGB) and a random
generator. A composition is two to five of them in the order in which pictures
are handled: cut and turned, recolored, put into a frame or written on, then
resized and saved.

Run to fill a folder with pictures, copies and look-alikes, with truth.jsonl:

    python benchmarks/compositions.py PICTURES OUT --count 1000 --seed 1
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
Random = np.random.Generator
Change = Callable[[U8, Random], U8]


def _resized(picture: U8, width: int, height: int) -> U8:
    smaller = width < picture.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    sides = max(8, int(width)), max(8, int(height))
    return np.asarray(cv2.resize(picture, sides, interpolation=how), np.uint8)


def _clipped(values: NDArray[np.floating]) -> U8:
    clipped: U8 = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return clipped


def _color(random: Random) -> tuple[int, int, int]:
    plain = random.choice(["black", "white", "gray", "any"], p=[0.35, 0.35, 0.1, 0.2])
    if plain == "any":
        red, green, blue = random.integers(0, 256, 3).tolist()
        return red, green, blue
    level = {"black": 0, "white": 255, "gray": int(random.integers(60, 200))}[plain]
    return level, level, level


def crop(picture: U8, random: Random) -> U8:
    """Keeps 0.5 to 0.95 of each side, of one shape or another."""
    height, width = picture.shape[:2]
    share = random.uniform(0.5, 0.95)
    other = np.clip(share * random.uniform(0.85, 1.18), 0.5, 1)
    tall, wide = max(8, round(height * share)), max(8, round(width * other))
    top = int(random.integers(height - tall + 1))
    left = int(random.integers(width - wide + 1))
    return picture[top : top + tall, left : left + wide]


def aspect(picture: U8, random: Random) -> U8:
    factor = float(np.exp(random.uniform(-0.3, 0.3)))
    return _resized(
        picture, round(picture.shape[1] * factor), round(picture.shape[0] / factor)
    )


def mirrored(picture: U8, random: Random) -> U8:
    return picture[:, ::-1]


def quarter_turned(picture: U8, random: Random) -> U8:
    return np.rot90(picture, int(random.integers(1, 4)))


def tilted(picture: U8, random: Random) -> U8:
    """Turns by 1 to 8 degrees; corners are filled, repeated or cut away."""
    height, width = picture.shape[:2]
    degrees = float(random.choice((-1, 1)) * random.uniform(1, 8))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    way = random.integers(3)
    if way == 2:
        turn[:, :2] *= 1 + abs(np.sin(np.radians(degrees)))
        middle = np.array([width / 2, height / 2])
        turn[:, 2] = middle - turn[:, :2] @ middle
    border = cv2.BORDER_REPLICATE if way == 1 else cv2.BORDER_CONSTANT
    filled = cv2.warpAffine(
        np.ascontiguousarray(picture),
        turn,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=border,
        borderValue=_color(random),
    )
    return np.asarray(filled, np.uint8)


def color_cast(picture: U8, random: Random) -> U8:
    return _clipped(
        picture * random.uniform(0.75, 1.25, 3) + random.uniform(-15, 15, 3)
    )


def gamma(picture: U8, random: Random) -> U8:
    return _clipped(255 * (picture / 255) ** np.exp(random.uniform(-0.6, 0.6)))


def contrast(picture: U8, random: Random) -> U8:
    mean = picture.mean()
    shifted = mean * random.uniform(0.7, 1.3)
    return _clipped((picture - mean) * random.uniform(0.5, 1.5) + shifted)


def saturation(picture: U8, random: Random) -> U8:
    gray = picture.mean(axis=2, keepdims=True)
    return _clipped(gray + (picture - gray) * random.uniform(0.2, 1.9))


def gray(picture: U8, random: Random) -> U8:
    plane = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    return np.repeat(np.asarray(plane, np.uint8)[..., None], 3, axis=2)


def inverted(picture: U8, random: Random) -> U8:
    return _clipped(255.0 - picture)


def blurred(picture: U8, random: Random) -> U8:
    sigma = max(picture.shape[:2]) * random.uniform(0.003, 0.014)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def noisy(picture: U8, random: Random) -> U8:
    return _clipped(picture + random.normal(0, random.uniform(3, 15), picture.shape))


def captioned(picture: U8, random: Random) -> U8:
    """Writes on a bar, or on the picture itself, near the upper or lower edge."""
    result: U8 = np.ascontiguousarray(picture).copy()
    height, width = result.shape[:2]
    tall, wide = height * random.uniform(0.06, 0.16), width * random.uniform(0.4, 1)
    top = random.choice((0.02, 0.98 - tall / height)) * height
    left = random.uniform(0, 1) * (width - wide)
    box = tuple(round(edge) for edge in (left, top, left + wide, top + tall))
    if random.random() < 0.7:
        result[box[1] : box[3], box[0] : box[2]] = _color(random)
    text = "".join(
        random.choice(list("abcdefghij klmnop rstu"), int(random.integers(6, 24)))
    )
    _write(result, text, box, _color(random))
    return result


def _write(
    picture: U8, text: str, box: tuple[int, ...], color: tuple[int, int, int]
) -> None:
    face = cv2.FONT_HERSHEY_SIMPLEX
    (wide, tall), _ = cv2.getTextSize(text, face, 1, 1)
    scale = 0.9 * min(
        (box[2] - box[0]) / max(wide, 1), 0.8 * (box[3] - box[1]) / max(tall, 1)
    )
    at = (
        round(box[0] + 0.03 * (box[2] - box[0])),
        round(box[3] - 0.2 * (box[3] - box[1])),
    )
    thick = max(1, round(scale * 1.5))
    cv2.putText(picture, text, at, face, scale, color, thick, cv2.LINE_AA)


def sticker(picture: U8, random: Random) -> U8:
    """Covers 2 to 10 percent with a colored disc or square."""
    result: U8 = np.ascontiguousarray(picture).copy()
    height, width = result.shape[:2]
    side = round(np.sqrt(random.uniform(0.02, 0.1) * height * width))
    x = int(random.integers(max(1, width - side)))
    y = int(random.integers(max(1, height - side)))
    if random.random() < 0.5:
        middle = x + side // 2, y + side // 2
        cv2.circle(result, middle, side // 2, _color(random), -1, cv2.LINE_AA)
    else:
        result[y : y + side, x : x + side] = _color(random)
    if random.random() < 0.6:
        _write(result, "NEW", (x, y, x + side, y + side), _color(random))
    return result


def watermarked(picture: U8, random: Random) -> U8:
    """Lays a tiled, or one large, half transparent text over it."""
    height, width = picture.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    rows = int(random.integers(1, 6))
    text = "".join(random.choice(list("ABCDEFGHIJKLMNOP"), int(random.integers(4, 10))))
    text = " ".join([text] * int(random.integers(1, 4)))
    face = cv2.FONT_HERSHEY_SIMPLEX
    (wide, tall), _ = cv2.getTextSize(text, face, 1, 2)
    scale = min(1.1 * width / max(wide, 1), 0.8 * height / rows / max(tall, 1))
    for row in range(rows):
        at = (
            round(random.uniform(-0.1, 0.1) * width),
            round((row + 0.6) * height / rows),
        )
        cv2.putText(
            layer, text, at, face, scale, 255, max(1, round(2.5 * scale)), cv2.LINE_AA
        )
    if random.random() < 0.4:
        thick = max(1, width // 100)
        cv2.line(layer, (0, 0), (width, height), 255, thick)
        cv2.line(layer, (0, height), (width, 0), 255, thick)
    if random.random() < 0.5:
        turn = cv2.getRotationMatrix2D(
            (width / 2, height / 2), random.uniform(-45, 45), 1.2
        )
        layer = np.asarray(cv2.warpAffine(layer, turn, (width, height)), np.uint8)
    opacity = random.uniform(0.25, 0.7) * (layer[..., None] / 255)
    ink = (
        np.array([255, 255, 255]) if random.random() < 0.7 else np.array(_color(random))
    )
    return _clipped(picture * (1 - opacity) + ink * opacity)


def bordered(picture: U8, random: Random) -> U8:
    """Puts a frame of 2 to 15 percent around it."""
    height, width = picture.shape[:2]
    share = random.uniform(0.02, 0.15)
    y, x = round(height * share), round(width * share)
    return np.asarray(
        cv2.copyMakeBorder(
            picture, y, y, x, x, cv2.BORDER_CONSTANT, value=_color(random)
        ),
        np.uint8,
    )


def letterboxed(picture: U8, random: Random) -> U8:
    """Puts bars above and below, or left and right."""
    height, width = picture.shape[:2]
    share = random.uniform(0.03, 0.3)
    y, x = (
        (round(height * share), 0)
        if random.random() < 0.5
        else (0, round(width * share))
    )
    level = 0 if random.random() < 0.7 else 255
    return np.asarray(
        cv2.copyMakeBorder(
            picture, y, y, x, x, cv2.BORDER_CONSTANT, value=(level,) * 3
        ),
        np.uint8,
    )


def screenshot(picture: U8, random: Random) -> U8:
    """Shows it in a window with a title bar and a few words."""
    height, width = picture.shape[:2]
    ground = int(random.choice((20, 245, 255)))
    top, bottom = (
        round(height * random.uniform(0.06, 0.15)),
        round(height * random.uniform(0.02, 0.12)),
    )
    side = round(width * random.uniform(0, 0.06))
    framed = np.asarray(
        cv2.copyMakeBorder(
            picture, top, bottom, side, side, cv2.BORDER_CONSTANT, value=(ground,) * 3
        ),
        np.uint8,
    ).copy()
    bar = _color(random)
    framed[: top // 2] = bar
    _write(framed, "Photos", (0, 0, width // 3, top // 2), (255 - bar[0],) * 3)
    return np.asarray(framed, np.uint8)


def saved(picture: U8, quality: int) -> U8:
    bgr = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    read = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert read is not None
    return np.asarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB), np.uint8)


def jpeg(picture: U8, random: Random) -> U8:
    return saved(picture, int(random.integers(10, 96)))


def small(picture: U8, random: Random) -> U8:
    """Shrinks the longer side to 32 pixels up to two thirds."""
    longest = max(picture.shape[:2])
    side = np.exp(random.uniform(np.log(32), np.log(max(40, longest * 0.67))))
    height, width = (side * s / longest for s in picture.shape[:2])
    return _resized(picture, round(width), round(height))


def enlarged(picture: U8, random: Random) -> U8:
    factor = random.uniform(1.2, 2.5)
    height, width = picture.shape[:2]
    return _resized(picture, round(width * factor), round(height * factor))


STAGES: tuple[tuple[Change, ...], ...] = (
    (crop, aspect, mirrored, quarter_turned, tilted),
    (color_cast, gamma, contrast, saturation, gray, inverted, blurred, noisy),
    (captioned, sticker, watermarked),
    (bordered, letterboxed, screenshot),
    (small, enlarged, jpeg),
)
"""In the order in which they are applied."""

_RARE = {quarter_turned, inverted, screenshot, mirrored}
_RARITY = 0.4


def composed(picture: U8, random: Random, most: int = 5) -> tuple[U8, list[str]]:
    """Changes a picture in one to ``most`` ways; names them."""
    every = [change for stage in STAGES for change in stage]
    weight = np.array([_RARITY if change in _RARE else 1.0 for change in every])
    count = int(random.integers(min(2, most), most + 1))
    chosen: list[Change] = []
    for place in random.choice(len(every), len(every), False, weight / weight.sum()):
        change = every[place]
        stage = next(stage for stage in STAGES if change in stage)
        if sum(other in stage for other in chosen) < 2 and len(chosen) < count:
            chosen.append(change)
    for change in every:
        if change in chosen:
            picture = change(picture, random)
    return np.ascontiguousarray(picture), [
        change.__name__ for change in every if change in chosen
    ]


# --- look-alikes: two pictures that are no copies of one another


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
        return np.full((side, side, 3), _color(random), np.uint8)
    if way == 1:
        ends = random.integers(0, 256, (2, 3)) * 0.5 + random.integers(0, 128)
        share = np.linspace(0, 1, side)[:, None, None]
        slope = ends[0] * (1 - share) + ends[1] * share
        plane = _clipped(np.broadcast_to(slope, (side, side, 3)))
        turned: U8 = plane.transpose(1, 0, 2).copy()
        return plane if random.random() < 0.5 else turned
    picture = photos[int(random.integers(len(photos)))]
    return np.asarray(
        cv2.GaussianBlur(_resized(picture, side, side), (0, 0), side / 8), np.uint8
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
    small = _resized(thing, wide, tall)
    mask = np.ones((tall, wide, 1))
    if soft:
        y, x = np.mgrid[-1 : 1 : tall * 1j, -1 : 1 : wide * 1j]
        mask = np.clip((1 - np.hypot(x, y)) * 4, 0, 1)[..., None]
    place = result[top : top + tall, left : left + wide]
    result[top : top + tall, left : left + wide] = _clipped(
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
        pictures.append(_resized(picture, 150, 150))
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
            sheet[:bar] = _color(layout)
        _write(sheet, _words(layout, 8, 20), (10, 4, wide - 10, bar), _color(layout))
    top = tall * 0.18
    while top < tall * 0.92:
        kind, height = layout.integers(4), tall * line * layout.uniform(1, 1.8)
        box = tuple(round(v) for v in (wide * 0.08, top, wide * 0.92, top + height))
        if kind == 0:
            cv2.rectangle(sheet, box[:2], box[2:], ink, 1)
            _write(
                sheet,
                _words(random, 6, 24),
                (*box[:2], box[0] + wide // 2, box[3]),
                ink,
            )
        elif kind == 1:
            _write(
                sheet,
                _words(layout, 6, 12),
                (*box[:2], box[0] + wide // 4, box[3]),
                ink,
            )
            value = box[0] + wide // 3, box[1], box[0] + 2 * wide // 3, box[3]
            _write(sheet, _words(random, 5, 18), value, ink)
        elif kind == 2:
            _write(sheet, _words(random, 20, 50), box, ink)
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
        _resized(photos[int(one)], 150, 150)
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
        second = _swayed(second, random)
    return first, second


def _swayed(picture: U8, random: Random) -> U8:
    """Moves each place a little, by 1 to 4 percent, neighbors alike."""
    height, width = picture.shape[:2]
    cells = int(random.integers(3, 8))
    size = random.uniform(0.01, 0.04) * width
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
