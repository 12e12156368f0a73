"""Runs import-linter on the checkout: python tests/import_rules.py

import-linter wants an importable package; the checkout's own folder may have
any name, so it is linked as ``plugin`` for the length of the check.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "plugin").symlink_to(ROOT)
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {folder!r});"
        "from importlinter.cli import lint_imports_command as run; run()",
        "--no-cache",
    ]
    sys.exit(subprocess.run(command, cwd=ROOT).returncode)
