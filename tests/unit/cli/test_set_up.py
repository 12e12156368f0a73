"""Set-up says what is missing on a platform, before it works for minutes."""

import contextlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location("set_up", ROOT / "cli" / "set_up.py")
set_up = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(set_up)


@pytest.mark.parametrize(
    "platform",
    [
        ("Linux", "x86_64", "glibc"),
        ("Linux", "aarch64", "glibc"),
        ("Darwin", "arm64", ""),
        ("Darwin", "x86_64", ""),
        ("Windows", "AMD64", ""),
    ],
)
def test_a_platform_with_a_mongod_is_set_up(platform):
    assert set_up.why_no_mongod(*platform) is None


@pytest.mark.parametrize(
    ("platform", "says"),
    [
        (("Linux", "x86_64", ""), "without glibc, such as Alpine"),
        (("Linux", "armv7l", "glibc"), "no MongoDB for Linux on armv7l"),
        (("Windows", "ARM64", ""), "no MongoDB for Windows on ARM64"),
        (("FreeBSD", "amd64", ""), "no MongoDB for FreeBSD on amd64"),
    ],
)
def test_a_platform_without_a_mongod_is_told_so_in_a_sentence(platform, says):
    told = set_up.why_no_mongod(*platform)
    assert says in told and "FIFTYONE_DATABASE_URI" in told


def test_a_mongod_that_does_not_run_says_why(tmp_path):
    mongod = tmp_path / "mongod"
    mongod.write_text("#!/bin/sh\necho 'libcrypto.so.3: cannot open' >&2\nexit 127\n")
    mongod.chmod(0o755)
    assert "does not run here: libcrypto.so.3" in set_up.why_not_running(mongod)
    assert "does not run here" in set_up.why_not_running(tmp_path / "none")
    mongod.write_text("#!/bin/sh\necho 'db version v8.0.19'\n")
    assert set_up.why_not_running(mongod) is None


def test_nothing_is_made_where_there_is_no_mongod(tmp_path):
    program = (
        "import platform, sys, runpy; platform.machine = lambda: 'armv7l';"
        f"sys.argv = ['set_up', {str(tmp_path / 'venv')!r}, 'requirements.txt'];"
        f"runpy.run_path({str(ROOT / 'cli' / 'set_up.py')!r}, run_name='__main__')"
    )
    environment = {**os.environ}
    environment.pop("FIFTYONE_DATABASE_URI", None)

    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stderr.startswith("FiftyOne brings no MongoDB for Linux on armv7l.")
    assert not (tmp_path / "venv").exists()


def test_the_oldest_packages_are_those_that_the_requirements_name():
    pinned = set_up.oldest("# a remark\nfiftyone>=1.22,<2\nnumpy>=2\n")

    assert pinned == "fiftyone==1.22\nnumpy==2\n"


def test_every_requirement_has_a_lower_bound():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    named = [line for line in lines if not line.startswith("#")]

    assert len(set_up.oldest("\n".join(lines)).splitlines()) == len(named)


@pytest.mark.slow
def test_pip_is_silent_where_nobody_watches_and_heard_where_it_fails(tmp_path, capfd):
    refused = set_up.pip_install(Path(sys.executable), ["-r", str(tmp_path / "none")])

    assert "Could not open requirements file" in refused
    assert set_up.pip_install(Path(sys.executable), ["pip"]) is None
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
def test_pip_is_one_line_on_a_terminal_which_is_empty_at_the_end(tmp_path):
    program = (
        "import runpy, sys, pathlib;"
        f"pip = runpy.run_path({str(ROOT / 'cli' / 'set_up.py')!r})['pip_install'];"
        "pip(pathlib.Path(sys.executable), ['pip'])"
    )
    here, there = os.openpty()
    with subprocess.Popen([sys.executable, "-c", program], stdout=there) as done:
        os.close(there)
        shown = b""
        # The end of a terminal is an error on Linux, and nothing on macOS
        with contextlib.suppress(OSError):
            while part := os.read(here, 4096):
                shown += part
    os.close(here)

    assert done.returncode == 0
    assert b"Requirement already satisfied: pip" in shown and b"\n" not in shown
    assert shown.rstrip(b"\r").rpartition(b"\r")[2].strip() == b""
