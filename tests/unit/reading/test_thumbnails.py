from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from core.reading.thumbnails import SIDE, thumbnail


def test_a_large_picture_becomes_small_and_is_made_once(tmp_path, draw):
    draw(1, 400).save(tmp_path / "large.png")
    folder = tmp_path / "small"

    first = thumbnail(str(tmp_path / "large.png"), folder)
    made = first.stat().st_mtime_ns

    with Image.open(first) as small:
        assert max(small.size) == SIDE
    assert thumbnail(str(tmp_path / "large.png"), folder) == first
    assert first.stat().st_mtime_ns == made


def test_several_at_once_get_the_same_thumbnail(tmp_path, draw):
    draw(2, 300).save(tmp_path / "a.png")
    paths = [str(tmp_path / "a.png")] * 64

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda path: thumbnail(path, tmp_path / "small"), paths))

    assert len(found) == 1
    assert None not in found
    assert [path.suffix for path in (tmp_path / "small").iterdir()] == [".jpg"]


def test_no_picture_has_no_thumbnail(tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")

    assert thumbnail(str(tmp_path / "text.jpg"), tmp_path / "small") is None
    assert thumbnail(str(tmp_path / "missing.jpg"), tmp_path / "small") is None


def test_a_folder_that_cannot_be_written_has_no_thumbnail(tmp_path, draw):
    draw(3).save(tmp_path / "a.png")
    (tmp_path / "small").write_text("a file is in the way")

    assert thumbnail(str(tmp_path / "a.png"), tmp_path / "small") is None
