"""The plugin with what Python has on Windows: see tests/windows.py."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.test_folder_command import findings_in
from tests.windows import missing_modules, missing_names

ROOT = Path(__file__).resolve().parents[2]


def on_windows(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", str(ROOT / "tests/windows.py")]
        + [str(argument) for argument in arguments],
        env={**os.environ, "PYTHONIOENCODING": "cp1252", **environment},
        capture_output=True,
        text=True,
        encoding="cp1252",
    )


def test_windows_lacks_what_its_documentation_says():
    gone = missing_modules()
    assert {"fcntl", "resource", "pwd", "grp", "termios"} <= set(gone)
    assert not {"os", "msvcrt", "contextvars", "threading"} & set(gone)
    gone = missing_names("os")
    assert {"O_DIRECTORY", "O_NONBLOCK", "preadv", "statvfs", "getuid"} <= set(gone)
    assert not {"open", "replace", "O_CREAT", "O_BINARY", "getpid"} & set(gone)
    assert {"SIGKILL", "SIGALRM"} <= set(missing_names("signal"))


@pytest.fixture
def tree(tmp_path, classes):
    """The pictures of ``classes``, by split and class, in a folder named in Japanese.

    What code page 1252 has no letter for is printed all the same.
    """
    return (tmp_path / "data").rename(tmp_path / "\N{CJK UNIFIED IDEOGRAPH-732B}")


def test_a_scan_there_finds_what_a_scan_here_finds(tree, tmp_path):
    command = ROOT / "cli" / "scan_folder.py"
    here = subprocess.run(
        [sys.executable, command, tree, "--out", tmp_path / "here"], capture_output=True
    )
    assert here.returncode == 0, here.stderr

    # A cache of its own: nothing is taken from what was learned here
    there = on_windows(
        command,
        tree,
        "--out",
        tmp_path / "there",
        WINNOW_CACHE=str(tmp_path / "cache"),
        FAIL_ON="leaks",
    )

    assert there.returncode == 1, there.stderr
    assert "FAIL_ON: leaks: 2 of 65 images" in there.stderr
    assert findings_in(tmp_path / "there") == findings_in(tmp_path / "here")


def test_all_but_what_moves_files_works_there(tree, tmp_path):
    done = on_windows(ROOT / "tests/integration/on_windows.py", tree, tmp_path / "out")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("was not refused")] == []
    (is_open,) = [line for line in lines if line.startswith("open: ")]
    assert "report.html cannot be replaced" in is_open and "Close it" in is_open
    refused = [line for line in lines if line.startswith("ActionError: ")]
    assert len(refused) == 7, done.stdout
    assert len(set(refused)) == 1 and "do that on Linux or macOS" in refused[0]
    for line in (
        "imported",
        "peak True",
        "same counts True",
        "copies 2",
        "tagged 2",
        "exported True",
        "audit True",
        "panel: True",
    ):
        assert line in lines, done.stdout
    assert [line for line in lines if line.startswith("tab") and "False" in line] == []
    assert "an encoding was not missed" not in lines
    assert (tmp_path / "out" / "report" / "report.html").is_file()
