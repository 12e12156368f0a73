import io
import json
import os
import tarfile

import pytest

from core.reading.files import FileContent, ReadFailure
from core.sharded_scan.sources import read_source, tar_members


@pytest.fixture
def jpeg(draw):
    def data(number):
        buffer = io.BytesIO()
        draw(number).save(buffer, "JPEG")
        return buffer.getvalue()

    return data


@pytest.fixture
def tar(tmp_path, jpeg):
    """As webdataset and img2dataset write it."""
    path = tmp_path / "00000.tar"
    with tarfile.open(path, "w") as file:
        for name, data in (
            ("000.jpg", jpeg(0)),
            ("000.cls", b"3\n"),
            ("000.txt", b"a caption is no label"),
            ("a/001.png.jpg", jpeg(1)),
            ("a/001.json", json.dumps({"label": "cat"}).encode()),
            ("002.jpg", b""),
            ("003.txt", b"no image"),
        ):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_600_000_000
            file.addfile(info, io.BytesIO(data))
    return path


def test_a_tar_gives_its_images_with_the_labels_beside_them(tar, jpeg):
    found = list(tar_members(str(tar)))

    assert [os.fsdecode(one.locator) for one in found] == [
        f"{tar}::000.jpg",
        f"{tar}::a/001.png.jpg",
        f"{tar}::002.jpg",
    ]
    assert [one.label for one in found] == ["3", "cat", None]
    assert found[0].content.data == jpeg(0)
    assert found[0].modified == 1_600_000_000
    assert found[2].content == ReadFailure("empty", "the file is empty")


def test_a_tar_that_breaks_off_gives_what_is_whole_and_one_failure(tar):
    whole = tar.read_bytes()
    second = whole.index(b"a/001.png.jpg")
    tar.write_bytes(whole[: second + 900])

    found = list(tar_members(str(tar)))

    assert isinstance(found[0].content, FileContent)
    assert os.fsdecode(found[-1].locator) == str(tar)
    assert found[-1].content.status == "corrupt"


def test_a_tar_that_is_missing_is_one_failure(tmp_path):
    (found,) = tar_members(str(tmp_path / "gone.tar"))

    assert found.content.status == "missing"


def test_a_member_is_read_by_its_name(tar, jpeg):
    assert read_source(os.fsencode(f"{tar}::a/001.png.jpg")).data == jpeg(1)
    assert read_source(os.fsencode(f"{tar}::none.jpg")).status == "missing"
    assert read_source(os.fsencode(f"{tar}x.tar::none.jpg")).status == "missing"


def test_a_url_is_read_and_what_is_missing_is_a_value(jpeg):
    import fsspec

    fsspec.filesystem("memory").pipe_file("/images/1.jpg", jpeg(1))

    assert read_source(b"memory://images/1.jpg").data == jpeg(1)
    assert read_source(b"memory://images/2.jpg").status == "missing"
    assert read_source(b"s3://bucket/1.jpg").status == "read_error"
