"""The documentation: generated pages are current, links resolve, lines are short."""

import ast
import importlib.util
import re
import sys
import urllib.parse
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "skills/*/*.md")
    for path in ROOT.glob(pattern)
)
README_LINES, COLUMNS = 130, 100

_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def reference():
    spec = importlib.util.spec_from_file_location(
        "reference", ROOT / "docs" / "reference.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference"] = module  # where dataclasses look for their module
    spec.loader.exec_module(module)
    return module


def test_the_generated_pages_are_current(reference):
    stale = [
        path.name
        for path, text in reference.pages().items()
        if path.read_text(encoding="utf-8") != text
    ]

    assert stale == [], "run: make docs"


def test_fiftyone_yml_the_code_and_the_page_have_the_same_operators(reference):
    listed = yaml.safe_load((ROOT / "fiftyone.yml").read_text())["operators"]
    page = (ROOT / "docs" / "operators.md").read_text()

    documented = re.findall(r"^\| \[`@winnow/curate/(\w+)`\]", page, re.MULTILINE)

    assert documented == reference.operator_names()
    assert sorted(documented) == sorted(listed)
    assert re.findall(r"^## (\w+)", page, re.MULTILINE)[: len(listed)] == documented


def test_each_argument_of_an_operator_is_described(reference):
    for name in reference.operator_names():
        call = _call_of(name)
        if call is None:
            continue
        described = reference.parse_docstring(ast.get_docstring(call)).entries["Args"]
        assert [entry[0] for entry in described] == [call.args.args[1].arg], name

        arguments = reference.read_operator(name).call.entries["Args"]
        names = [argument for argument, _, _ in arguments]
        assert len(names) == len(set(names)) > 2, name
        assert all(text for _, _, text in arguments), name


def test_the_page_has_the_arguments_of_a_call_in_their_order(reference):
    arguments = reference.read_operator("to_fastdup").call.entries["Args"]

    assert [(name, default) for name, default, _ in arguments] == [
        ("dataset", ""),
        ("output_dir", ""),
        ("prefix", "None"),
        ("threshold", "0.9"),
        ("ccthreshold", "0.96"),
        ("nearest_neighbors_k", "2"),
        ("lower_threshold", "0.05"),
        ("progress", "None"),
        ("delegate", "False"),
    ]


def test_a_docstring_is_split_into_its_parts(reference):
    found = reference.parse_docstring(
        "Moves it.\n\nSlowly.\n\nArgs:\n    a: first\n        of two\n"
        '    b ("x (y)"): second\n\nReturns:\n    a :class:`m.Thing`\n\n'
        "Raises:\n    InputError: it is not there"
    )

    assert (found.summary, found.body) == ("Moves it.", "Slowly.")
    assert found.entries == {
        "Args": [("a", "", "first of two"), ("b", '"x (y)"', "second")],
        "Returns": [("", "", "a :class:`m.Thing`")],
        "Raises": [("InputError", "", "it is not there")],
    }


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_of_a_page_resolve(path):
    text = _FENCED.sub("", path.read_text(encoding="utf-8"))

    broken = [link for link in _LINK.findall(text) if not _resolves(path, link)]

    assert broken == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_lines_outside_of_tables_and_links_are_short(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()

    long = [
        line
        for line in lines
        if len(_LINK.sub("]", line)) > COLUMNS and not line.startswith("|")
    ]

    assert long == []


def test_the_readme_is_short():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()

    assert len(lines) <= README_LINES


def _resolves(path, link):
    if urllib.parse.urlparse(link).scheme:
        return True
    name, _, anchor = link.partition("#")
    target = (path.parent / urllib.parse.unquote(name)).resolve() if name else path
    if not target.exists():
        return False
    if not anchor or target.suffix != ".md":
        return True
    text = _FENCED.sub("", target.read_text(encoding="utf-8"))
    return anchor in map(_anchor, re.findall(r"^#+ (.*)$", text, re.MULTILINE))


def _anchor(heading):
    """Returns the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _call_of(name):
    tree = ast.parse((ROOT / "operators" / f"{name}.py").read_text(encoding="utf-8"))
    found = [
        node
        for cls in tree.body
        if isinstance(cls, ast.ClassDef)
        for node in cls.body
        if isinstance(node, ast.FunctionDef) and node.name == "__call__"
    ]
    return found[0] if found else None
