"""No module but one uses what FiftyOne calls private."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INTERNALS = ROOT / "operators" / "adapter" / "dataset" / "internals.py"
MODULES = sorted(
    path for folder in ("operators", "cli") for path in (ROOT / folder).rglob("*.py")
)


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


def foreign_private_names(source):
    """Returns line and name of each private name that is not the module's own.

    Its own are the attributes of ``self`` and ``cls`` that a class of the module
    defines, and the names of modules of this repository, which are relative.
    """
    tree = ast.parse(source)
    own = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    own |= {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and isinstance(node.ctx, ast.Store)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            of_self = isinstance(node.value, ast.Name) and node.value.id in (
                "self",
                "cls",
            )
            if not of_self or node.attr not in own:
                found.append((node.lineno, node.attr))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found += [(node.lineno, one.name) for one in node.names]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if node.func.id in ("getattr", "setattr", "hasattr"):
                found += [(node.lineno, one) for one in texts if isinstance(one, str)]
    return [(line, name) for line, name in found if is_private(name)]


@pytest.mark.parametrize(
    "path", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES]
)
def test_only_internals_names_what_is_private_in_fiftyone(path):
    found = foreign_private_names(path.read_text(encoding="utf-8"))
    if path == INTERNALS:
        assert found
    else:
        assert not found, "put it behind a function of adapter/dataset/internals.py"


@pytest.mark.parametrize(
    "source",
    [
        "view._dataset",
        "self.view._dataset",
        "class A:\n def f(self): return self._inherited",
        "getattr(view, '_dataset')",
        "from fiftyone.core.odm import _private",
        "fo.Sample._sync_docs()",
    ],
)
def test_the_check_finds_every_way_to_name_one(source):
    assert len(foreign_private_names(source)) == 1


def test_the_check_lets_a_module_use_its_own():
    source = "class A:\n def __init__(self): self._own = self.__doc__\n"
    assert not foreign_private_names(source + "from .b import _of_ours\n")
