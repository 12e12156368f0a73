import os

import numpy as np
import pytest
from PIL import Image

from core.models.registry import load_embedder
from core.objects.crops import embed_crops
from core.objects.units import picture_sizes, units_of
from core.scan.collect import collect_scan_data
from core.scan.scan_data import ScanInput

BOXES = np.array([[0.1, 0.1, 0.5, 0.5], [0.3, 0.3, 0.6, 0.6], [0.5, 0.5, 0.3, -1]])


@pytest.fixture(scope="module")
def embedder():
    return load_embedder()


@pytest.fixture
def paths(tmp_path, draw):
    for number in range(3):
        draw(number, side=100).save(tmp_path / f"{number}.png")
    return [os.fsencode(tmp_path / f"{number}.png") for number in range(3)]


@pytest.fixture
def cut(tmp_path, embedder):
    def embed(paths, file, boxes, model=embedder):
        folder = tmp_path / "cache"
        pictures = collect_scan_data(ScanInput(paths), embedder, folder=folder)
        units = units_of(np.array(file), np.array(boxes), picture_sizes(pictures))
        return embed_crops(
            paths, pictures, units, model, folder=folder, max_megapixels=64
        )

    return embed


def test_a_crop_has_the_record_of_the_picture_that_it_is(cut, paths, tmp_path):
    table = cut(paths, [0], BOXES[:1])

    with Image.open(os.fsdecode(paths[0])) as picture:
        picture.crop((10, 10, 60, 60)).save(tmp_path / "cut.png")
    alone = cut([*paths, os.fsencode(tmp_path / "cut.png")], [3], [[0, 0, 1, 1]])
    for name in ("picture_digest", "copy", "features", "width", "statistics"):
        assert np.array_equal(table.column(name), alone.column(name)), name


def test_objects_without_a_crop_have_no_content(cut, paths):
    table = cut(paths, [0, 1, 1], BOXES)

    assert (table.unique_file >= 0).tolist() == [True, True, False]
    assert table.failures == {}


def test_the_order_of_the_objects_changes_nothing(cut, paths):
    one = cut(paths, [0, 0, 2], BOXES[[0, 1, 1]])
    other = cut(paths[::-1], [0, 2, 2], BOXES[[1, 1, 0]])

    assert one.unique_file.tolist() == other.unique_file[::-1].tolist()
    assert np.array_equal(one.column("copy"), other.column("copy"))


def test_what_was_cut_out_before_is_not_embedded_again(cut, paths, tmp_path, embedder):
    class Refusing:
        def __getattr__(self, name):
            return getattr(embedder, name)

        def open_session(self):
            raise AssertionError("embedded again")

    first = cut(paths, [0, 1], BOXES[:2])
    renamed = tmp_path / "renamed.png"
    os.rename(paths[1], renamed)

    again = cut([paths[0], os.fsencode(renamed)], [0, 1], BOXES[:2], Refusing())

    assert np.array_equal(first.column("copy"), again.column("copy"))
    with pytest.raises(AssertionError, match="embedded again"):
        cut([paths[0]], [0], BOXES[1:2], Refusing())


def test_boxes_lie_on_the_upright_picture(cut, tmp_path, draw):
    picture = draw(5, side=100).crop((0, 0, 100, 60))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by a quarter to the right
    turned, upright = tmp_path / "turned.png", tmp_path / "upright.png"
    picture.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    picture.save(upright)

    table = cut([os.fsencode(turned), os.fsencode(upright)], [0, 1], BOXES[[0, 0]])

    digests = table.column("picture_digest")[table.unique_file]
    assert np.array_equal(digests[0], digests[1])


def test_a_file_that_vanished_costs_its_own_objects(cut, paths, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    bad = os.fsencode(tmp_path / "text.png")

    table = cut([bad, paths[0]], [0, 1], BOXES[:2])

    assert (table.unique_file >= 0).tolist() == [False, True]
