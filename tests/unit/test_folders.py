"""Names of folders and paths as other systems have them."""

import ntpath
from types import SimpleNamespace

from core import folders
from core.folders import common_folder, path_inside


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
