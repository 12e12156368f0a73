"""Bars are for a terminal; a pipe gets a line a stage."""

import importlib.util
import sys
from pathlib import Path

from core.progress import Progress

ROOT = Path(__file__).resolve().parents[3]
_spec = importlib.util.spec_from_file_location(
    "show_progress", ROOT / "cli" / "show_progress.py"
)
show_progress = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(show_progress)


def test_a_pipe_gets_one_line_for_each_stage(capsys):
    say = show_progress.bars_or_lines()

    for done in range(3):
        say(Progress("Reading images", done, 2))
    say(Progress("Comparing pictures", 0, 1))

    assert capsys.readouterr().out == "Reading images ...\nComparing pictures ...\n"


def test_a_terminal_gets_bars(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert show_progress.bars_or_lines() is True
