import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from core.actions import filesystem as disk_module
from core.actions.filesystem import Disk, FileIdentity, Tree, mount_of
from core.errors import ActionError, UnsafePathError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def tree(tmp_path):
    with Tree(Disk(), str(tmp_path)) as opened:
        yield opened


def test_a_rename_moves_the_file_and_makes_its_folders(tree, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    tree.rename("a.jpg", tree, "x/y/b.jpg")
    assert (tmp_path / "x/y/b.jpg").read_bytes() == b"a"
    assert not (tmp_path / "a.jpg").exists()


def test_a_system_that_opens_no_folders_is_refused_at_once(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "O_DIRECTORY")  # as on Windows
    with pytest.raises(ActionError, match="do that on Linux or macOS"):
        Disk()


def test_a_rename_never_replaces_a_file(tree, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "b.jpg").write_bytes(b"b")
    with pytest.raises(FileExistsError):
        tree.rename("a.jpg", tree, "b.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == b"a"
    assert (tmp_path / "b.jpg").read_bytes() == b"b"


def test_a_rename_never_replaces_a_link_that_leads_nowhere(tree, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "b.jpg").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        tree.rename("a.jpg", tree, "b.jpg")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS])
def test_a_file_system_without_safe_renames_is_named(tmp_path, monkeypatch, number):
    def refused():
        def call(*_):
            disk_module.ctypes.set_errno(number)
            return -1

        return call

    monkeypatch.setattr(disk_module, "_rename_without_replacing", refused)
    top = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(OSError, match="without replacing") as raised:
        Disk().rename("a", top, "b", top)
    os.close(top)
    assert raised.value.errno == errno.ENOTSUP


def test_a_system_without_safe_renames_is_refused(monkeypatch):
    disk_module._rename_without_replacing.cache_clear()
    monkeypatch.setattr(disk_module.ctypes, "CDLL", lambda *_, **__: object())
    with pytest.raises(ActionError, match="cannot rename a file without the risk"):
        disk_module._rename_without_replacing()
    disk_module._rename_without_replacing.cache_clear()


@pytest.mark.parametrize("path", ["../a", "x/../a", "x/./a", "/etc/passwd", "x//y/a"])
def test_a_path_that_may_leave_the_root_is_unsafe(tree, tmp_path, path):
    (tmp_path / "x").mkdir()
    with pytest.raises(UnsafePathError, match="does not name a folder"):
        tree.place(path)


@pytest.mark.parametrize("path", ["", ".", "..", "x/.."])
def test_a_path_without_a_name_is_unsafe(tree, path):
    with pytest.raises(UnsafePathError, match="does not name a file"):
        tree.place(path)


def test_a_linked_folder_is_never_entered(tree, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.jpg").write_bytes(b"a")
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(UnsafePathError, match="'.*link' is a symbolic link"):
        tree.identity("link/a.jpg")


def test_a_file_in_the_place_of_a_folder_is_no_link(tree, tmp_path):
    (tmp_path / "file").write_bytes(b"a")
    assert tree.identity("file/a.jpg") is None
    with pytest.raises(NotADirectoryError):
        tree.read_identity("file/a.jpg")


def test_what_is_not_there_has_no_identity(tree):
    assert tree.identity("a.jpg") is None
    assert tree.identity("x/a.jpg") is None


def test_a_file_that_changes_while_it_is_read_is_not_trusted(tmp_path, monkeypatch):
    file = tmp_path / "a.jpg"
    file.write_bytes(b"a" * 10)
    read = os.read

    def read_and_grow(handle, size):
        with file.open("ab") as more:
            more.write(b"b")
        return read(handle, size)

    monkeypatch.setattr(disk_module.os, "read", read_and_grow)
    with Tree(Disk(), str(tmp_path)) as tree, pytest.raises(OSError, match="changed"):
        tree.read_identity("a.jpg")


def test_a_file_that_shrinks_while_it_is_read_is_not_trusted(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(b"a" * 10)
    monkeypatch.setattr(disk_module.os, "read", lambda *_: b"")
    with Tree(Disk(), str(tmp_path)) as tree, pytest.raises(OSError, match="changed"):
        tree.read_identity("a.jpg")


def test_a_pipe_is_not_read(tree, tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(OSError, match="not a regular file"):
        tree.read_identity("pipe.jpg")


def test_an_edit_with_the_time_put_back_changes_the_identity(tree, tmp_path):
    file = tmp_path / "a.jpg"
    file.write_bytes(b"a")
    before, _ = tree.read_identity("a.jpg")
    status = file.stat()
    file.write_bytes(b"b")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    after, _ = tree.read_identity("a.jpg")
    assert after != before
    assert before.same_but_renamed(after)
    assert before.same_content(after)


def test_identities_compare_what_their_names_say():
    one = FileIdentity(1, 2, 3, 4, 5, 0o100644, 1)
    assert one == FileIdentity.from_json(one.to_json())
    assert one.is_regular
    assert not FileIdentity(1, 2, 3, 4, 5, 0o010644, 1).is_regular
    assert one.same_file(FileIdentity(1, 2, 9, 9, 9, 9, 9))
    assert not one.same_file(FileIdentity(9, 2, 3, 4, 5, 0o100644, 1))
    assert not one.same_file(FileIdentity(1, 9, 3, 4, 5, 0o100644, 1))
    for position in (0, 1, 2, 3, 5, 6):
        values = one.to_json()
        values[position] += 1
        assert not one.same_but_renamed(FileIdentity.from_json(values))
    assert one.same_content(FileIdentity(9, 9, 3, 4, 9, 9, 9))
    assert not one.same_content(FileIdentity(1, 2, 9, 4, 5, 0o100644, 1))
    assert not one.same_content(FileIdentity(1, 2, 3, 9, 5, 0o100644, 1))


class _Syncs(Disk):
    def __init__(self):
        self.synced = []

    def sync(self, file):
        self.synced.append(os.readlink(f"/proc/self/fd/{file}"))


def test_both_folders_of_a_rename_and_those_above_a_new_one_are_synced(tmp_path):
    disk = _Syncs()
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.jpg").write_bytes(b"1")
    with Tree(disk, str(tmp_path)) as tree:
        tree.rename("a/1.jpg", tree, "b/c/1.jpg")
        tree.sync()
        assert disk.synced == [str(tmp_path / name) for name in (".", "a", "b", "b/c")]
        tree.sync()
        assert len(disk.synced) == 4
        tree.sync_later("b/c/1.jpg", above=True)
        tree.sync()
        assert disk.synced[4:] == [str(tmp_path / name) for name in (".", "b", "b/c")]
        (tmp_path / "b/c/1.jpg").unlink()
        tree.remove_empty_folder("b/c")
        tree.sync()
    assert disk.synced[7:] == [str(tmp_path / "b")]


def test_a_folder_that_went_away_is_not_waited_for(tree, tmp_path):
    tree.sync_later("gone/1.jpg")
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    tree.sync_later("link/1.jpg")
    tree.sync()


def test_only_an_empty_folder_is_removed(tree, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/1.jpg").write_bytes(b"1")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    for name in ("full", "empty", "link/x", "gone"):
        tree.remove_empty_folder(name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "link"]
    # It was open, and can be made again
    tree.place("empty/1.jpg", create=True)
    assert (tmp_path / "empty").is_dir()


def test_few_folders_are_open_however_many_and_deep_they_are(tmp_path):
    names = [f"{number}/x/y/z.jpg" for number in range(50)]
    names.append("/".join("d" * 120) + "/z.jpg")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(name.encode())
    before = len(os.listdir("/proc/self/fd"))
    with Tree(Disk(), str(tmp_path)) as tree, Tree(Disk(), str(tmp_path)) as target:
        for name in names:
            tree.rename(name, target, f"moved/{name}")
            assert len(os.listdir("/proc/self/fd")) <= before + 30
        tree.sync()
        target.sync()
    assert len(os.listdir("/proc/self/fd")) == before
    assert (tmp_path / "moved" / names[-1]).read_bytes() == names[-1].encode()


def test_sixty_four_open_files_are_enough(tmp_path):
    for number in range(80):
        (tmp_path / f"{number}/x").mkdir(parents=True)
        (tmp_path / f"{number}/x/1.jpg").write_bytes(b"1")
    code = (
        "import sys; sys.path.insert(0, '.');"
        "from contextlib import ExitStack;"
        "from core.actions.filesystem import Disk, Tree;"
        "stack = ExitStack();"
        "trees = [stack.enter_context(Tree(Disk(), sys.argv[1])) for _ in range(4)];"
        "[tree.identity(f'{n}/x/1.jpg').size for n in range(80) for tree in trees]"
    )

    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, preexec_fn=limit, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_path_longer_than_the_system_takes_at_once_is_reached(tmp_path):
    folder = os.open(tmp_path, os.O_RDONLY)
    names = ["d" * 200] * 30
    for name in names:
        os.mkdir(name, dir_fd=folder)
        above, folder = folder, os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(above)
    with open(os.open("a.jpg", os.O_WRONLY | os.O_CREAT, dir_fd=folder), "wb") as file:
        file.write(b"a")
    os.close(folder)
    path = "/".join([*names, "a.jpg"])
    assert len(path) > 4096
    with Tree(Disk(), str(tmp_path)) as tree:
        assert tree.identity(path).size == 1
        tree.rename(path, tree, "a.jpg")
    assert (tmp_path / "a.jpg").read_bytes() == b"a"


def test_the_mount_of_a_folder_is_known(tmp_path):
    (tmp_path / "a").mkdir()
    top, inner, other = (
        os.open(path, os.O_RDONLY) for path in (tmp_path, tmp_path / "a", "/proc")
    )
    assert mount_of(top) == mount_of(inner) != mount_of(other)
    for folder in (top, inner, other):
        os.close(folder)
