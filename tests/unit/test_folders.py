"""Names of folders and paths as other systems have them."""

import ntpath
from types import SimpleNamespace

import pytest

from core import folders
from core.folders import common_folder, path_inside, why_no_folders


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "/"])
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_some_names_no_folder_can_have_anywhere(name, platform):
    assert "no folder can have" in why_no_folders(["ok", name], platform)


@pytest.mark.parametrize(
    "name",
    ["a:b", "a\\b", "what?", "a*", '"a"', "<a>", "a|b", "a.", "a ", "a\n"]
    + ["con", "NUL", "Com1", "lpt9.txt", "aux.tar.gz", "COM\u00b9"],
)
def test_some_names_windows_alone_forbids(name):
    assert "no folder can have" in why_no_folders([name], "win32")
    assert why_no_folders([name], "linux") is None


@pytest.mark.parametrize(
    "name", ["console", "com", "com10", ".a", "a b", "\u732b", "a-b"]
)
def test_other_names_are_free(name):
    for platform in ("linux", "darwin", "win32"):
        assert why_no_folders([name], platform) is None


def test_names_that_differ_by_capital_letters_are_one_folder_but_on_linux():
    names = ["Cat", "dog", "cat"]
    assert "'Cat' and 'cat' would be one folder" in why_no_folders(names, "darwin")
    assert "'Cat' and 'cat' would be one folder" in why_no_folders(names, "win32")
    assert why_no_folders(names, "linux") is None


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
