"""Copies of pictures whose boxes differ, from files to what is said of them."""

import io
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from core.copy_detection.overlays import STILL, after
from core.embedding.records import open_store
from core.models.registry import load_embedder
from core.objects.agreement import AGREEMENTS, agree, carried
from core.objects.collect import compare_copies
from core.scan.collect import collect_scan_data
from core.scan.scan_data import ScanInput

SIDE = 320
PLACES = np.array([[30, 40, 110, 110], [190, 30, 290, 120], [60, 190, 150, 290]]) / SIDE
MIRROR = np.array([[-1.0, 0, 1], [0, 1, 0]])
CROP = np.array([[1 / 0.9, 0, -0.05 / 0.9], [0, 1 / 0.9, -0.05 / 0.9]])


def tilt(degrees):
    """The map of a picture that was turned about its middle."""
    angle = np.radians(degrees)
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.concatenate([linear, (0.5 - linear @ [0.5, 0.5])[:, None]], axis=1)


def shown(picture, there, side=SIDE):
    """The picture as a map of its frame lays it, on a frame of another size."""
    matrix = there.copy()
    matrix[:, :2] *= side / SIDE
    matrix[:, 2] *= side
    pixels = cv2.warpAffine(
        np.asarray(picture), matrix, (side, side), borderMode=cv2.BORDER_REFLECT
    )
    return Image.fromarray(pixels)


@pytest.fixture(scope="module")
def compared(tmp_path_factory, draw):
    """Compares the boxes of an original with those of a copy of it."""
    folder = tmp_path_factory.mktemp("copies")
    embedder = load_embedder()

    def compare(number, there, boxes, labels=(0, 1, 2), side=SIDE, edit=None):
        original = draw(number, side=SIDE)
        for place, box in enumerate(np.rint(PLACES * SIDE).astype(int).tolist()):
            art = draw(500 + 7 * number + place, side=64)
            original.paste(art.resize((box[2] - box[0], box[3] - box[1])), box[:2])
        copied = original if edit is None else edit(original.copy())
        paths = [folder / f"{number}-{name}" for name in ("a.png", "b.jpg")]
        original.save(paths[0])
        encoded = io.BytesIO()
        shown(copied, there, side).save(encoded, "JPEG", quality=80)
        paths[1].write_bytes(encoded.getvalue())
        names = [os.fsencode(path) for path in paths]
        pictures = collect_scan_data(ScanInput(names), embedder, folder=folder)
        every = np.concatenate([PLACES, boxes])
        sizes = np.concatenate([every[:, :2], every[:, 2:] - every[:, :2]], axis=1)
        picture = np.repeat([0, 1], [3, len(boxes)])
        counts = np.ones(len(every), bool)
        copies = np.array([[1, 0]])
        found = compare_copies(
            pictures,
            names,
            picture,
            sizes,
            counts,
            copies,
            open_store(folder, embedder),
            max_megapixels=64,
        )
        codes = np.array([0, 1, 2, *labels[: len(boxes)]])
        result = agree(found, copies, picture, 2, codes, counts)
        kinds = [AGREEMENTS[one] if one >= 0 else None for one in result.kind.tolist()]
        return kinds[:3], kinds[3:]

    return compare


MAPS = {
    "re-encoded": (STILL, SIDE),
    "resized": (STILL, 200),
    "mirrored": (MIRROR, SIDE),
    "cropped": (CROP, SIDE),
    "tilted": (tilt(4), SIDE),
    "cropped and mirrored": (after(MIRROR, CROP), 240),
}


@pytest.mark.parametrize("change", MAPS)
def test_copies_with_the_same_boxes_agree(compared, change):
    there, side = MAPS[change]
    boxes = carried(PLACES, there)

    assert compared(1, there, boxes, side=side) == (["agrees"] * 3, ["agrees"] * 3)


@pytest.mark.parametrize("change", MAPS)
def test_what_differs_between_copies_is_named(compared, change):
    there, side = MAPS[change]
    boxes = carried(PLACES, there)
    boxes[0] += 0.2 * (boxes[0, 2] - boxes[0, 0]) * np.array([1, 0, 1, 0])

    one, other = compared(2, there, boxes[:2], (0, 9), side=side)

    assert one == ["shifted", "other label", "missing"]
    assert other == ["shifted", "other label"]


def moved(by):
    """Moves the second object, and fills the place where it was."""
    left, top, right, bottom = np.rint(PLACES[1] * SIDE).astype(int).tolist()

    def edit(picture):
        art = picture.crop((left, top, right, bottom))
        filling = picture.crop((left, 130, right, 130 + bottom - top))
        picture.paste(filling, (left, top))
        picture.paste(art, (left - by, top))
        return picture

    return edit


@pytest.mark.parametrize("by", [20, 40])
def test_an_object_that_moved_with_its_box_is_no_disagreement(compared, by):
    boxes = PLACES.copy()
    boxes[1, [0, 2]] -= by / SIDE

    one, other = compared(3, STILL, boxes, edit=moved(by))

    assert one[::2] == other[::2] == ["agrees"] * 2
    assert one[1] in ("agrees", None) and other[1] in ("agrees", None)


def test_a_box_that_stayed_where_its_object_left_is_a_disagreement(compared):
    # The object is in the copy where its box is in the original
    boxes = PLACES.copy()
    boxes[1, [0, 2]] -= 30 / SIDE

    one, other = compared(4, STILL, boxes)

    assert one[1] == other[1] == "shifted"


def test_an_object_that_was_taken_away_is_not_missing(compared):
    def edit(picture):
        left, top, right, bottom = np.rint(PLACES[1] * SIDE).astype(int).tolist()
        picture.paste(picture.crop((left, 140, right, 140 + bottom - top)), (left, top))
        return picture

    one, _ = compared(5, STILL, PLACES[[0, 2]], (0, 2), edit=edit)

    assert one == ["agrees", None, "agrees"]
