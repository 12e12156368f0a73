import numpy as np
import pytest
from PIL import Image

from core.reading.thumbnails import (
    BOXES_SIDE,
    CROP_SIDE,
    boxes_thumbnail,
    crop_thumbnail,
    thumbnail,
)

BOX = [0.5, 0.25, 0.25, 0.5]


@pytest.fixture
def picture(tmp_path):
    """Gray, with a red object in its box: 400 x 200 pixels."""
    pixels = np.full((200, 400, 3), 90, np.uint8)
    pixels[50:150, 200:300] = [200, 20, 20]
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    return str(path)


def colors(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def is_red(pixels):
    return (pixels[..., 0] > 150) & (pixels[..., 1] < 80)


def test_a_crop_shows_the_object_with_its_box_and_what_is_around(picture, tmp_path):
    crop = colors(crop_thumbnail(picture, BOX, tmp_path / "small"))

    # The object is 100 pixels a side, with 30 around it
    assert crop.shape == (CROP_SIDE, CROP_SIDE, 3)
    assert is_red(crop[50:110, 50:110]).all()
    assert np.abs(crop[:20] - 90).max() < 30
    edge = crop[80, 24:40]
    assert ((edge[:, 0] > 200) & (edge[:, 1] > 130)).any()


def test_a_crop_at_the_edge_ends_there(picture, tmp_path):
    for box in ([0.9, 0.9, 0.1, 0.1], [-0.2, -0.2, 0.3, 0.3], [0.5, 0.5, 1e-6, 1e-6]):
        assert colors(crop_thumbnail(picture, box, tmp_path / "small")).size > 0


def test_boxes_are_drawn_on_the_whole_picture(picture, tmp_path):
    boxes = [([0.1, 0.1, 0.2, 0.3], False), (BOX, True)]

    drawn = colors(boxes_thumbnail(picture, boxes, tmp_path / "small"))

    assert drawn.shape[1] == BOXES_SIDE
    doubt = drawn[80, 156:164]
    assert ((doubt[:, 0] > 200) & (doubt[:, 1] > 130) & (doubt[:, 2] < 110)).any()
    plain = drawn[35, 28:36]
    assert (plain[:, 2] > 200).any()


def test_each_drawing_is_kept_for_itself(picture, tmp_path):
    small = tmp_path / "small"
    found = {
        thumbnail(picture, small),
        crop_thumbnail(picture, BOX, small),
        crop_thumbnail(picture, [0, 0, 0.5, 0.5], small),
        boxes_thumbnail(picture, [(BOX, True)], small),
        boxes_thumbnail(picture, [(BOX, False)], small),
    }

    assert len(found) == 5
    assert crop_thumbnail(picture, BOX, small) in found
    assert crop_thumbnail(str(tmp_path / "gone.png"), BOX, small) is None


def test_boxes_lie_on_the_picture_as_it_is_looked_at(picture, tmp_path):
    turned = tmp_path / "turned.jpg"
    # Stored on its side; its orientation puts it upright again
    image, exif = Image.open(picture).transpose(Image.Transpose.ROTATE_90), Image.Exif()
    exif[0x0112] = 6
    image.convert("RGB").save(turned, exif=exif, quality=95)

    crop = colors(crop_thumbnail(str(turned), BOX, tmp_path / "small"))

    assert is_red(crop[50:110, 50:110]).all()
