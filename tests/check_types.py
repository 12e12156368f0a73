"""Runs mypy on all that is typed: python tests/check_types.py

The operators name the core relative to the plugin, and the checkout's own folder
may have any name, so it is linked as ``plugin`` for the length of the check.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TYPED = ("core", "operators", "tools")

with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "plugin").symlink_to(ROOT)
    command = [sys.executable, "-m", "mypy"]
    command += ["--config-file", str(ROOT / "pyproject.toml")]
    command += ["--cache-dir", str(ROOT / ".mypy_cache")]
    for package in TYPED:
        command += ["-p", f"plugin.{package}"]
    sys.exit(subprocess.run(command, cwd=folder).returncode)
