"""Pictures changed in several ways at once, as real copies are.

Every change is a function of a picture (uint8[h, w, 3], RGB) and a random
generator. A composition is two to five of them in the order in which pictures
are handled: cut and turned, recolored, written on, put into a frame, then resized
and saved. The trees of :mod:`.boosted_trees` are learned from such compositions, and
:mod:`core.scan.recall_estimate` tries them.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
Random = np.random.Generator
Change = Callable[[U8, Random], U8]


def resized(picture: U8, width: int, height: int) -> U8:
    smaller = width < picture.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    sides = max(8, int(width)), max(8, int(height))
    return np.asarray(cv2.resize(picture, sides, interpolation=how), np.uint8)


def clipped(values: NDArray[np.floating]) -> U8:
    levels: U8 = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels


def any_color(random: Random) -> tuple[int, int, int]:
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
    tall = min(height, max(8, round(height * share)))
    wide = min(width, max(8, round(width * other)))
    top = int(random.integers(height - tall + 1))
    left = int(random.integers(width - wide + 1))
    return picture[top : top + tall, left : left + wide]


def aspect(picture: U8, random: Random) -> U8:
    factor = float(np.exp(random.uniform(-0.3, 0.3)))
    return resized(
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
        borderValue=any_color(random),
    )
    return np.asarray(filled, np.uint8)


def color_cast(picture: U8, random: Random) -> U8:
    return clipped(picture * random.uniform(0.75, 1.25, 3) + random.uniform(-15, 15, 3))


def gamma(picture: U8, random: Random) -> U8:
    return clipped(255 * (picture / 255) ** np.exp(random.uniform(-0.6, 0.6)))


def contrast(picture: U8, random: Random) -> U8:
    mean = picture.mean()
    shifted = mean * random.uniform(0.7, 1.3)
    return clipped((picture - mean) * random.uniform(0.5, 1.5) + shifted)


def saturation(picture: U8, random: Random) -> U8:
    gray = picture.mean(axis=2, keepdims=True)
    return clipped(gray + (picture - gray) * random.uniform(0.2, 1.9))


def gray(picture: U8, random: Random) -> U8:
    plane = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    return np.repeat(np.asarray(plane, np.uint8)[..., None], 3, axis=2)


def inverted(picture: U8, random: Random) -> U8:
    return clipped(255.0 - picture)


def blurred(picture: U8, random: Random) -> U8:
    sigma = max(picture.shape[:2]) * random.uniform(0.003, 0.014)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def noisy(picture: U8, random: Random) -> U8:
    return clipped(picture + random.normal(0, random.uniform(3, 15), picture.shape))


def captioned(picture: U8, random: Random) -> U8:
    """Writes on a bar, or on the picture itself, near the upper or lower edge."""
    result: U8 = np.ascontiguousarray(picture).copy()
    height, width = result.shape[:2]
    tall, wide = height * random.uniform(0.06, 0.16), width * random.uniform(0.4, 1)
    top = random.choice((0.02, 0.98 - tall / height)) * height
    left = random.uniform(0, 1) * (width - wide)
    box = tuple(round(edge) for edge in (left, top, left + wide, top + tall))
    if random.random() < 0.7:
        result[box[1] : box[3], box[0] : box[2]] = any_color(random)
    text = "".join(
        random.choice(list("abcdefghij klmnop rstu"), int(random.integers(6, 24)))
    )
    write(result, text, box, any_color(random))
    return result


def write(
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
        cv2.circle(result, middle, side // 2, any_color(random), -1, cv2.LINE_AA)
    else:
        result[y : y + side, x : x + side] = any_color(random)
    if random.random() < 0.6:
        write(result, "NEW", (x, y, x + side, y + side), any_color(random))
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
        np.array([255, 255, 255])
        if random.random() < 0.7
        else np.array(any_color(random))
    )
    return clipped(picture * (1 - opacity) + ink * opacity)


def bordered(picture: U8, random: Random) -> U8:
    """Puts a frame of 2 to 15 percent around it."""
    height, width = picture.shape[:2]
    share = random.uniform(0.02, 0.15)
    y, x = round(height * share), round(width * share)
    return np.asarray(
        cv2.copyMakeBorder(
            picture, y, y, x, x, cv2.BORDER_CONSTANT, value=any_color(random)
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
    bar = any_color(random)
    framed[: top // 2] = bar
    write(framed, "Photos", (0, 0, width // 3, top // 2), (255 - bar[0],) * 3)
    return np.asarray(framed, np.uint8)


def encoded(picture: U8, quality: int) -> bytes:
    """Returns the picture as a JPEG."""
    bgr = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()


def saved(picture: U8, quality: int) -> U8:
    data = np.frombuffer(encoded(picture, quality), np.uint8)
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
    return resized(picture, round(width), round(height))


def enlarged(picture: U8, random: Random) -> U8:
    factor = random.uniform(1.2, 2.5)
    height, width = picture.shape[:2]
    return resized(picture, round(width * factor), round(height * factor))


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


COVERING = {*STAGES[2], *STAGES[3]}
"""Changes that lay something over a picture or around it."""


def some_changes(
    random: Random, most: int = 5, stages: tuple[tuple[Change, ...], ...] = STAGES
) -> list[Change]:
    """Draws one to ``most`` changes, in the order in which they are applied."""
    every = [change for stage in stages for change in stage]
    weight = np.array([_RARITY if change in _RARE else 1.0 for change in every])
    count = int(random.integers(min(2, most), most + 1))
    chosen: list[Change] = []
    for place in random.choice(len(every), len(every), False, weight / weight.sum()):
        change = every[place]
        stage = next(stage for stage in stages if change in stage)
        if sum(other in stage for other in chosen) < 2 and len(chosen) < count:
            chosen.append(change)
    return [change for change in every if change in chosen]


def changed(picture: U8, changes: list[Change], random: Random) -> U8:
    """Applies changes one after the other."""
    for change in changes:
        picture = change(picture, random)
    return np.ascontiguousarray(picture)


def composed(picture: U8, random: Random, most: int = 5) -> tuple[U8, list[str]]:
    """Changes a picture in one to ``most`` ways; names them."""
    changes = some_changes(random, most)
    names = [change.__name__ for change in changes]
    return changed(picture, changes, random), names


def uncovered_changes(random: Random) -> list[Change]:
    """Draws two to five changes that leave the whole picture to be seen."""
    return some_changes(random, stages=(STAGES[0], STAGES[1], STAGES[4]))


def covering_changes(random: Random) -> list[Change]:
    """Draws two to five changes, of which one covers or frames the picture."""
    while not COVERING.intersection(changes := some_changes(random)):
        pass
    return changes
