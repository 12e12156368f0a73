"""A small detection set with known faults, cut from the photographs of the demo.

Each picture has three objects on a ground of stones or grass. Picture 1 has an object
with a wrong label, 2 another, 3 a second box, 4 a degenerate one. The last three
pictures are copies of pictures 10, 11 and 12: one box has another label there, one is
missing, one shifted.
"""

import itertools
import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageFilter

CLASSES = ("building", "cat", "coffee", "dahlia", "eye", "motorcycle")
SIZE = (420, 300)
PLACES = ((12, 24), (146, 130), (280, 40))
SIDE = 120
PICTURES = 48
COPIED = (10, 11, 12)
WRONG = {1: "eye", 2: "dahlia"}
"""The label that the first object of a picture has wrongly."""

SHIFT = 0.25
"""How far the shifted box is off, as a share of its width."""


@dataclass
class Drawn:
    """A picture: its file and split, and label and box of each object.

    A box is left, top, width and height as shares of the picture.
    """

    path: Path
    split: str
    objects: list[tuple[str, list[float]]]


def draw_object_set(demo, folder):
    """Writes the pictures and returns them.

    Args:
        demo: a folder with the demo's pictures and its ``planted.json``
        folder: to write into
    """
    folder.mkdir(parents=True, exist_ok=True)
    tiles = {label: iter(_sound_files(demo, label)) for label in CLASSES}
    grounds = itertools.cycle(_sound_files(demo, "stones", "grass"))
    drawn = []
    for number in range(PICTURES):
        labels = [CLASSES[(number + 2 * place) % 6] for place in range(3)]
        picture = _ground(next(grounds))
        for label, place in zip(labels, PLACES, strict=True):
            tile = Image.open(next(tiles[label])).convert("RGB")
            picture.paste(tile.resize((SIDE, SIDE)), place)
        path = folder / f"{number:02d}.jpg"
        picture.save(path, quality=95)
        split = "test" if number % 4 == 3 else "train"
        boxes = [_box(place) for place in PLACES]
        drawn.append(Drawn(path, split, list(zip(labels, boxes, strict=True))))
    for number, label in WRONG.items():
        drawn[number].objects[0] = (label, drawn[number].objects[0][1])
    drawn[3].objects.append(drawn[3].objects[0])
    drawn[4].objects.append(("cat", [0.4, 0.1, 0.0, 0.3]))
    for order, number in enumerate(COPIED):
        drawn.append(_copy(drawn[number], folder, order))
    return drawn


def _sound_files(demo, *labels):
    """Returns pictures of their own class, which are neither dark nor blurred."""
    planted = json.loads((demo / "planted.json").read_text())
    bad = {one for name in ("dark", "bright", "blurry") for one in planted[name]}
    images = demo / "images"
    return sorted(
        path
        for label in labels
        for path in images.glob(f"*/{label}/{label}_[0-9][0-9].jpg")
        if str(path.relative_to(images)) not in bad
    )


def _ground(path):
    ground = Image.open(path).convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    return ground.filter(ImageFilter.GaussianBlur(2))


def _box(place):
    width, height = SIZE
    return [place[0] / width, place[1] / height, SIDE / width, SIDE / height]


def _copy(drawn, folder, order):
    path = folder / f"{drawn.path.stem}-copy.jpg"
    Image.open(drawn.path).resize((378, 270)).save(path, quality=80)
    (label, box), *others = drawn.objects
    first = [
        [("motorcycle" if label != "motorcycle" else "cat", box)],
        [],
        [(label, [box[0] + SHIFT * box[2], *box[1:]])],
    ][order]
    return Drawn(path, drawn.split, [*first, *others])
