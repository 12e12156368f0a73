import shutil

import numpy as np
import pytest
from PIL import ImageOps

from core.curation.compare_images import compare_images
from core.curation.comparison import BYTES, NEAR, NO_KIND, NO_ROW, PIXELS
from core.embedding.embed import embed_images
from core.models.registry import DEFAULT_MODEL, load_embedder
from tests.papers import filled_differently, paper


@pytest.fixture(scope="module")
def embedder():
    return load_embedder(DEFAULT_MODEL)


@pytest.fixture
def there(tmp_path, draw):
    """Ten pictures of 96 pixels: 0 to 4 are in part 0, 5 to 9 in part 1."""
    folder = tmp_path / "there"
    folder.mkdir()
    for number in range(10):
        draw(number, 96).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def look(tmp_path, there, embedder):
    """Compares paths with what is there."""
    parts = np.repeat([0, 1], 5).astype(np.int32)

    def look(*new, old=there, part=parts, **options):
        paths = [[str(path).encode() for path in group] for group in (new, old)]
        cache = tmp_path / "cache"
        return compare_images(*paths, part, 2, embedder, folder=cache, **options)

    return look


def save(picture, path, **options):
    picture.save(path, **options)
    return path


def test_each_kind_of_copy_is_found_in_its_part(look, there, tmp_path, draw):
    same = tmp_path / "same.png"
    shutil.copyfile(there[1], same)
    pixels = save(draw(2, 96), tmp_path / "pixels.bmp")
    near = save(draw(7, 96).resize((80, 80)), tmp_path / "near.jpg", quality=85)
    fresh = save(draw(50, 96), tmp_path / "fresh.png")

    found = look(same, pixels, near, fresh)

    assert found.kind.tolist() == [
        [BYTES, NO_KIND],
        [PIXELS, NO_KIND],
        [NO_KIND, NEAR],
        [NO_KIND, NO_KIND],
    ]
    assert found.match.tolist() == [[1, -1], [2, -1], [-1, 7], [-1, -1]]
    assert found.known.tolist() == [True, True, True, False]
    assert found.similarity[2, 1] > 0.9
    assert np.isnan(found.similarity[3]).all()
    assert (found.repeat_of == NO_ROW).all()


def test_copies_in_one_part_hide_none_in_another(look, tmp_path, draw):
    crowd = [
        save(draw(3, 96), tmp_path / f"c{quality}.jpg", quality=quality)
        for quality in range(60, 90)
    ]
    alone = save(draw(3, 96).resize((72, 72)), tmp_path / "alone.jpg", quality=80)
    new = save(draw(3, 96), tmp_path / "new.jpg", quality=90)
    part = np.array([0] * 30 + [1], np.int32)

    found = look(new, old=[*crowd, alone], part=part)

    assert found.kind.tolist() == [[NEAR, NEAR]]
    assert found.match[0, 1] == 30


def test_a_turned_copy_is_found_though_the_embedding_does_not_see_it(
    look, tmp_path, draw
):
    turned = save(draw(4, 96).rotate(180), tmp_path / "turned.png")

    assert look(turned).kind.tolist() == [[NEAR, NO_KIND]]


def test_repeats_among_the_new_name_the_first_that_is_new(look, tmp_path, draw):
    first = save(draw(60, 96), tmp_path / "a.png")
    again = tmp_path / "b.png"
    shutil.copyfile(first, again)
    pixels = save(draw(60, 96), tmp_path / "c.bmp")
    near = save(draw(60, 96), tmp_path / "d.jpg", quality=80)
    known = save(draw(0, 96), tmp_path / "e.bmp")
    known_again = save(draw(0, 96), tmp_path / "f.bmp")

    found = look(first, again, pixels, near, known, known_again)

    assert found.repeat_of.tolist() == [-1, 0, 0, 0, -1, -1]
    assert found.repeat_kind.tolist() == [NO_KIND, BYTES, PIXELS, NEAR, -1, -1]
    assert found.known.tolist() == [False] * 4 + [True] * 2


def test_bad_files_on_either_side_are_reported_and_stop_nothing(
    look, there, tmp_path, draw
):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no image")
    fresh = save(draw(70, 96), tmp_path / "fresh.png")
    there[3].write_bytes(b"neither")

    found = look(bad, fresh, tmp_path / "missing.png")

    assert {row: why.status for row, why in found.failures.items()} == {
        0: "unsupported",
        2: "missing",
    }
    assert np.flatnonzero(found.unread).tolist() == [3]
    assert not found.known.any()


def test_blank_pictures_are_copies_if_they_are_equal(look, there, tmp_path):
    from PIL import Image

    old = save(Image.new("RGB", (96, 96), "white"), tmp_path / "old.png")
    equal = save(Image.new("RGB", (96, 96), "white"), tmp_path / "equal.bmp")
    smaller = save(Image.new("RGB", (80, 80), "white"), tmp_path / "smaller.png")
    gray = save(Image.new("RGB", (96, 96), (90, 90, 90)), tmp_path / "gray.png")

    found = look(
        equal, smaller, gray, old=[*there[:4], old], part=np.zeros(5, np.int32)
    )

    assert found.kind[:, 0].tolist() == [PIXELS, NO_KIND, NO_KIND]
    assert found.match[0, 0] == 4


def test_a_higher_score_accepts_fewer(look, tmp_path, draw):
    near = save(draw(7, 96).resize((60, 60)), tmp_path / "near.jpg", quality=50)

    assert look(near).known.tolist() == [True]
    assert look(near, min_copy_score=1.0).known.tolist() == [False]
    assert look(near, min_copy_similarity=1.0).known.tolist() == [False]


def test_nothing_there_and_nothing_new(look, there, tmp_path, draw):
    fresh = save(draw(70, 96), tmp_path / "fresh.png")
    nowhere = np.empty(0, np.int32)

    assert look(fresh, old=[], part=nowhere).known.tolist() == [False]
    assert look().kind.shape == (0, 2)


def test_what_was_embedded_before_is_looked_up(look, there, tmp_path, embedder):
    look(there[0])
    seen = []

    class Never:
        def __getattr__(self, name):
            return getattr(embedder, name)

        def open_session(self):
            def refuse(pixels):
                seen.append(len(pixels))
                raise AssertionError("embedded again")

            return refuse

    paths = [str(path).encode() for path in there]
    table = embed_images(paths, Never(), folder=tmp_path / "cache", max_megapixels=64)

    assert not seen
    assert len(table.stored("copy")[np.array([2, 0])]) == 2
    assert (table.stored("digest")[np.array([3])][0] == table.column("digest")[3]).all()


def test_large_sets_are_described_in_turns(look, there, tmp_path, draw, monkeypatch):
    monkeypatch.setattr("core.curation.compared_pictures._PICTURES_AT_ONCE", 2)
    monkeypatch.setattr("core.curation.compared_pictures._PAIRS_AT_ONCE", 1)
    mirrored = save(ImageOps.mirror(draw(7, 96)), tmp_path / "mirrored.png")
    near = save(draw(1, 96).resize((80, 80)), tmp_path / "near.jpg")

    found = look(mirrored, near)

    assert found.match.tolist() == [[-1, 7], [1, -1]]


def test_a_new_file_of_several_pictures_is_known_only_if_all_are_there(
    look, there, tmp_path, draw
):
    pages = [draw(3, 96), draw(60, 96)]
    others = [draw(3, 96), draw(61, 96)]
    stacks = []
    for name, own in (("old", pages), ("same", pages), ("new", others)):
        path = tmp_path / f"{name}.tif"
        lzw = {"compression": "tiff_lzw"} if name == "same" else {}
        own[0].save(path, save_all=True, append_images=own[1:], **lzw)
        stacks.append(path)
    cover = save(draw(3, 96), tmp_path / "cover.bmp")
    old, same, new = stacks
    part = np.array([0] * 10 + [1], np.int32)

    found = look(same, new, cover, old=[*there, old], part=part)

    assert found.kind.tolist() == [
        [NO_KIND, PIXELS],
        [NO_KIND, NO_KIND],
        [PIXELS, NEAR],
    ]
    assert (found.repeat_of == NO_ROW).all()


def test_pages_that_differ_in_a_word_are_new_and_a_saved_again_one_is_known(
    look, tmp_path
):
    pages = [paper("text", filled) for filled in filled_differently(3, 1)]
    old = [save(page, tmp_path / f"{n}.png") for n, page in enumerate(pages[:2])]
    again = save(pages[0], tmp_path / "again.jpg", quality=90)
    other = save(pages[2], tmp_path / "other.png")

    found = look(again, other, old=old, part=np.zeros(2, np.int32))

    assert found.kind[:, 0].tolist() == [NEAR, NO_KIND]
    assert found.match[0, 0] == 0


def test_what_is_too_plain_to_tell_is_new_and_names_what_it_resembles(look, tmp_path):
    drawing = paper("drawing", next(filled_differently(1, 14)))
    old = [save(drawing, tmp_path / "old.png")]
    darker = drawing.point(lambda level: level * 7 // 10)
    new = save(darker, tmp_path / "darker.png")

    found = look(new, old=old, part=np.ones(1, np.int32))

    assert found.kind.tolist() == [[NO_KIND, NO_KIND]]
    assert found.resembles.tolist() == [[NO_ROW, 0]]
