"""A folder on disk becomes images, splits and classes."""

import ntpath
import os
from types import SimpleNamespace

import pytest
from harness.children import become_nobody, in_child

from core.errors import InputError
from core.reading import folders
from core.reading.folders import (
    common_folder,
    describe,
    equal_across,
    folder_of,
    list_images,
    path_inside,
)
from core.reading.layout_choices import parse_choices

JPEG = b"\xff\xd8\xff\xe0" + bytes(40)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def make(tmp_path):
    """Makes files, each a few bytes that begin like a JPEG unless said otherwise."""

    def files(*names, data=JPEG):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path

    return files


def names_in(listing):
    return [os.path.relpath(image.path, listing.root) for image in listing.images]


def test_images_are_listed_with_split_and_class(make):
    root = make("Train/cat/1.jpg", "Train/dog/2.PNG", "test/cat/3.webp", "0.gif")

    listing = list_images(root)

    assert [(image.split, image.label) for image in listing.images] == [
        (None, None),
        ("Train", "cat"),
        ("Train", "dog"),
        ("test", "cat"),
    ]
    assert listing.splits == ["Train", "test"]
    assert names_in(listing) == sorted(names_in(listing))


STARTS = {
    "webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "gif": b"GIF89a",
    "bmp": b"BM" + bytes(12) + b"\x28\0\0\0" + bytes(20),
    "tif": b"II*\0\x08\0\0\0",
    "big.tif": b"MM\0+\0\x08\0\0" + bytes(8),
    "avif": b"\0\0\0\x20ftypavif",
    "jp2": b"\0\0\0\x0cjP  \r\n\x87\n",
    "png": PNG,
}


@pytest.mark.parametrize("kind", STARTS)
def test_files_whose_names_say_nothing_are_known_by_their_first_bytes(make, kind):
    odd = ["0123abcd", "a.jpg_large", "b.jpg!d", "c.jpeg?w=200", "d.jpeg.1", "e.pjpeg"]

    listing = list_images(make(*odd, data=STARTS[kind]))

    assert sorted(names_in(listing)) == sorted(odd)


def test_what_is_no_image_is_left_alone_and_counted(make):
    make("a/1.jpg", "a/2.jpg", "a/.hidden.jpg", ".ipynb_checkpoints/1.jpg")
    make("__MACOSX/a/._1.jpg", "@eaDir/1.jpg")
    make("a/1.txt", "labels/1.xml", "coco.json", data=b"BM is how this text begins")
    make("a/Thumbs.db", "a/README", "a/clip.mp4", data=b"BMX")
    root = make("weights.pt")
    os.mkfifo(root / "pipe")
    os.symlink("nowhere", root / "dangling")

    listing = list_images(root)

    assert names_in(listing) == ["a/1.jpg", "a/2.jpg"]
    assert listing.skipped == {
        "hidden files and folders": 2,
        "folders of the system": 2,
        "text and label files": 3,
        "other files": 5,
        "videos": 1,
    }
    assert "5 other files, 3 text and label files" in describe(listing)


def test_where_there_is_no_image_videos_are_listed(make):
    root = make("train/a.mp4", "test/b.MOV", "test/notes.txt")

    listing = list_images(root)

    assert names_in(listing) == ["test/b.MOV", "train/a.mp4"]
    assert listing.of_videos
    assert listing.kind == "videos"
    assert sorted(listing.splits) == ["test", "train"]
    assert "2 videos in" in describe(listing)


def test_linked_folders_are_entered_only_if_asked_and_each_folder_once(make):
    root = make("store/cats/1.jpg", "store/dogs/2.jpg", "view/mice/3.jpg")
    os.symlink("../store/cats", root / "view/cats")
    os.symlink("../store/dogs", root / "view/dogs")
    os.symlink(".", root / "view/loop")
    os.symlink("../..", root / "store/cats/back")

    left = list_images(root).skipped
    view = list_images(root / "view", follow_links=True)
    both = list_images(root, follow_links=True)

    assert left == {"links to folders": 4}
    assert names_in(view) == ["cats/1.jpg", "dogs/2.jpg", "mice/3.jpg"]
    assert [image.label for image in view.images] == ["cats", "dogs", "mice"]
    assert view.skipped["links that lead back to a folder they are in"] == 1
    # By the paths where they really are
    assert names_in(both) == ["store/cats/1.jpg", "store/dogs/2.jpg", "view/mice/3.jpg"]
    assert both.skipped == {
        "links that lead back to a folder they are in": 2,
        "links to folders that are here already": 2,
    }


def test_links_to_files_are_files(make):
    root = make("a/1.jpg")
    os.symlink("1.jpg", root / "a/link")
    os.symlink("/dev/zero", root / "a/zero")

    assert names_in(list_images(root)) == ["a/1.jpg", "a/link"]


def test_what_was_understood_is_a_table(make):
    root = make(*(f"train/class {n:02}/{m}.jpg" for n in range(20) for m in range(3)))
    make("test/class 00/1.jpg", "test/1.jpg", "extra\n/" + "x" * 99 + "/1.jpg")

    text = describe(list_images(root))

    lines = text.splitlines()
    assert lines[1].startswith("Understood as split/class (62), split (1); SPLITS=")
    assert lines[2].split() == ["extra\\n", "test", "train", "all"]
    assert lines[3].split() == ["class", "00", "0", "1", "3", "4"]
    assert "  and 10 more" in text
    assert lines[-2].split() == ["all", "1", "2", "60", "63"]
    assert max(map(len, lines[2:-1])) < 80
    assert "taken for a split too" in lines[-1]


def test_a_flat_folder_says_so(make):
    text = describe(list_images(make("1.jpg", "2.jpg")))

    assert text.endswith("No folder names a split or a class.")


def test_choices_reach_the_layout(make):
    root = make("a/x/1.jpg", "b/x/2.jpg")

    listing = list_images(root, choices=parse_choices(splits="train=a,test=b"))

    assert listing.splits == ["train", "test"]
    with pytest.raises(InputError, match="fits no image"):
        list_images(root, choices=parse_choices(layout="c/class"))


def test_equal_files_across_folders_called_like_splits_are_counted(make):
    root = make("bus/1.jpg", "bus/2.jpg", "train/3.jpg", "train/4.jpg", "car/5.jpg")
    listing = list_images(root)
    paths = [image.path for image in listing.images]
    content = dict(zip(paths, [1, 2, 1, 2, 1], strict=True))

    assert folder_of(listing, paths[0]) == ("bus",)
    assert equal_across(listing, content) == {("train", "bus"): 2, ("train", "car"): 1}

    none = list_images(root, choices=parse_choices(classes="bus,car,train"))
    assert equal_across(none, content) == equal_across(listing, content)


def test_equal_files_in_two_folders_called_like_splits_are_counted_once(make):
    root = make("train/1.jpg", "train/2.jpg", "test/3.jpg")
    split = list_images(root)
    listing = list_images(root, choices=parse_choices(splits="none"))
    content = {image.path: 7 for image in listing.images}

    assert equal_across(listing, content) == {("test", "train"): 1}
    # Leaks speak of those
    assert equal_across(split, content) == {}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone", "does not exist"),
        ("file.txt", "is a file"),
        ("file.txt/x", "does not exist"),
        ("empty", "no images in"),
        ("one", "only one image"),
        ("x" * 300, "cannot be read .File name too long"),
    ],
)
def test_a_wrong_folder_is_one_sentence(make, tmp_path, name, words):
    make("file.txt", "one/1.jpg", "empty/readme.txt")

    with pytest.raises(InputError, match=words):
        list_images(tmp_path / name)


def test_a_folder_that_cannot_be_read_is_counted(make, tmp_path):
    root = make("a/1.jpg", "a/2.jpg", "b/3.jpg")

    def check():
        assert list_images(root).skipped == {"folders that cannot be read": 1}
        with pytest.raises(InputError, match="b' cannot be read .Permission denied"):
            list_images(root / "b")

    (root / "b").chmod(0)
    # pytest closes its folders to others
    for folder in (root, *root.parents):
        if "pytest-of-" in str(folder):
            folder.chmod(0o755)
    try:
        in_child(check, become_nobody)
    finally:
        (root / "b").chmod(0o755)


def test_results_name_paths_with_slashes(tmp_path, monkeypatch):
    assert path_inside(str(tmp_path / "a" / "b.jpg"), tmp_path) == "a/b.jpg"
    windows = SimpleNamespace(path=ntpath, sep="\\")
    monkeypatch.setattr(folders, "os", windows)
    assert path_inside("C:\\images\\a\\b.jpg", "C:\\images") == "a/b.jpg"
    assert path_inside("D:\\b.jpg", "C:\\images") == "D:\\b.jpg"


def test_images_on_two_drives_have_no_folder_in_common(monkeypatch):
    assert common_folder(["/a/b/c", "/a/b/d"]) == "/a/b"
    assert common_folder([]) == "/"
    monkeypatch.setattr(folders, "os", SimpleNamespace(path=ntpath, sep="/"))
    assert common_folder(["C:\\a\\b", "C:\\a\\c"]) == "C:\\a"
    assert common_folder(["C:\\a", "D:\\a"]) == "/"
