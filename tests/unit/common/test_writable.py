"""A folder takes what is to be written, or says in a sentence why not."""

import os
import subprocess

import pytest

from core.common.writable import check_writable, expanded
from core.errors import InputError

ASK = ("The folder", "Name another one.")


def test_a_folder_is_made_and_nothing_stays_in_it(tmp_path):
    check_writable(tmp_path / "a" / "b", *ASK)

    assert os.listdir(tmp_path / "a" / "b") == []


def test_a_file_in_the_way_is_said(tmp_path):
    (tmp_path / "file").write_text("x")

    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="is a file, or lies in one.*Name another"):
            check_writable(path, *ASK)


def test_a_link_to_nothing_in_the_way_is_said(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "gone" / "x")

    for path in (link, link / "below"):
        with pytest.raises(InputError, match=r"link' is a link to '.*gone.x', which"):
            check_writable(path, *ASK)


def test_too_little_space_is_said(tmp_path):
    with pytest.raises(InputError, match="The folder .* are needed. Name another one"):
        check_writable(tmp_path, *ASK, free=10**18)


@pytest.mark.parametrize(
    ("options", "words"),
    [("ro", "Read-only file system"), ("size=16k", "No space left on device")],
)
def test_a_disk_that_takes_nothing_is_said(tmp_path, options, words):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", tmp_path], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("NOT TESTED: the system does not permit mounts")
    try:
        with pytest.raises(InputError, match=words):
            check_writable(tmp_path / "out", *ASK)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_path_that_needs_a_home_folder_without_one(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/x") == tmp_path / "x"

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.getuid", lambda: 2**31 - 7)
    assert expanded("x").name == "x"
    with pytest.raises(InputError, match="HOME is not set"):
        expanded("~/x")


def test_the_home_folder_of_a_user_that_is_not_there_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(InputError, match="a user 'nobody-of-ours', whom the system"):
        expanded("~nobody-of-ours/x")
