"""Runs the fenced code of a page of the documentation, block by block."""

import contextlib
import io
import os
import re
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_RUN = ("sh", "python")
# What differs each time: seconds, ids of plans and actions, sizes by the JPEG
# encoder, and names that hold a path's digest
_EACH_TIME = re.compile(
    r"[\d.]+ s \([\d,]+ a second\)|[\d.,]+ (?:bytes|kB|MB)|'[0-9a-f]{12}'"
    r"|\d{8}-\d{6}-[0-9a-f]+|winnow-images-[0-9a-f]{8}"
)


@dataclass(frozen=True)
class Block:
    """Code of a page, and the lines that stand below it as its output."""

    language: str
    code: str
    says: str


def blocks_of(page: str) -> list[Block]:
    """Returns the blocks that are run; a text block belongs to the one above."""
    blocks = []
    for language, text in _FENCED.findall(page):
        if language == "text":
            blocks[-1] = Block(blocks[-1].language, blocks[-1].code, text)
        else:
            assert language in _RUN, f"no test runs {language}: {text}"
            blocks.append(Block(language, text, ""))
    return blocks


def run_page(page: str, folder: Path) -> Iterator[tuple[Block, str]]:
    """Runs all blocks in a folder; yields each with what it printed.

    The Python blocks share one namespace, as in a session.
    """
    names: dict = {}
    with inside(folder):
        for block in blocks_of(page):
            run = _shell if block.language == "sh" else _python
            yield block, run(block.code, names)


def missing(says: str, printed: str) -> list[str]:
    """Returns the lines of a page that were not printed; "..." is left out."""
    lines = {_constant(line) for line in printed.splitlines()}
    told = [line for line in says.splitlines() if line not in ("", "...")]
    return [line for line in told if _constant(line) not in lines]


def checkout(folder: Path) -> Path:
    """Makes a folder that is as a checkout that was set up.

    Its virtual environment has the packages of this one; it is one of its own,
    as the command keeps a link to its checkout there.
    """
    for name in ("Makefile", "cli", "core", "requirements.txt"):
        (folder / name).symlink_to(ROOT / name)
    environment = folder / ".venv"
    venv.create(environment, symlinks=True)
    purelib = sysconfig.get_path("purelib", vars={"base": str(environment)})
    (Path(purelib) / "packages.pth").write_text(sysconfig.get_path("purelib"))
    (environment / "ready").touch()
    return folder


@contextlib.contextmanager
def inside(folder: Path):
    """contextlib.chdir, which Python 3.10 does not have."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _constant(line: str) -> str:
    return _EACH_TIME.sub("*", line.replace("\N{NO-BREAK SPACE}", " ")).rstrip()


def _shell(code: str, names: dict) -> str:
    done = subprocess.run(
        ["sh", "-e", "-c", code], capture_output=True, text=True, env=os.environ
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _python(code: str, names: dict) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()
