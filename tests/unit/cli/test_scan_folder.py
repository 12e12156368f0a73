"""How the folder command ends: a sentence for a person, else a traceback."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def loaded(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def command(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "cli"), *sys.path])
    return loaded("scan_folder", ROOT / "cli" / "scan_folder.py")


def ends_with(command, error):
    def work():
        raise error

    return command.exit_code(work, "")


def test_errors_of_the_core_and_of_the_plugin_are_sentences(
    command, monkeypatch, capsys
):
    here = command.CurationError
    assert ends_with(command, here("Give a folder.")) == command.BAD_INPUT

    # As FiftyOne imports it: the same text, other classes
    name = f"{command.PLUGIN}.core.errors"
    there = loaded(name, ROOT / "core" / "errors.py")
    monkeypatch.setitem(sys.modules, name, there)
    assert not issubclass(there.InputError, here)
    assert ends_with(command, there.InputError("Give a folder.")) == command.BAD_INPUT
    assert "Traceback" not in capsys.readouterr().err


def test_an_error_of_someone_else_is_none_whatever_it_is_called(command, capsys):
    other = type("CurationError", (Exception,), {})

    assert ends_with(command, other("no sentence")) == command.FAILED
    assert "Traceback" in capsys.readouterr().err
