"""Writes the reference pages: docs/operators.md and docs/fields.md.

    python docs/reference.py

The pages are made from the operators' ``config`` and the docstring of their
``__call__``, from the dataclasses whose fields are its keywords, and from the
registry of fields. The code of the operators is parsed, not imported: FiftyOne
and its database are not needed.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.findings.schema import FIELDS, VIDEO_FIELDS  # noqa: E402
from core.objects.findings import ATTRIBUTES, PICTURE_FIELDS  # noqa: E402

WIDTH = 100
PREFIX = "@winnow/curate/"
_SECTIONS = ("Args", "Attributes", "Returns", "Yields", "Raises")
_DEFAULT = re.compile(r"(?P<name>[*\w]+)(?: \((?P<default>.*?)\))?$")
_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")
_MADE = "<!-- Made by docs/reference.py (make docs): edit the docstrings instead. -->"

_ADDED = {
    "progress": (
        "progress",
        "None",
        "progress bars on or off, or a function that is called with each Progress",
    ),
    "delegate": (
        "delegate",
        "False",
        "queue it for ``fiftyone delegated launch``, and return the queued operation",
    ),
}
"""What all operators that run long take: operators/adapter/ui/surface.py."""

_OPERATORS = """\
In Python, `foo.get_operator("@winnow/curate/NAME")` returns an operator to call, with
`import fiftyone.operators as foo`. In the App, each has a form with the same choices.
[Winnow from Python](python.md) has examples.
"""
_RISKS = """\
The risk level is that of the most an operator can do: `low` changes nothing; `medium`
writes fields, tags and saved views of Winnow, or new files; `high` changes your labels
and tags; `dangerous` changes your files. Operators with a `plan_id` plan first: without
`dry_run=False` they change nothing.
"""
_FIELDS = """\
A scan writes these fields on each sample, in the sidebar group *winnow*. With
`prefix="mine"` their names begin with `mine_`. `findings.jsonl` has the same names,
with paths where fields hold sample ids, and one more `scan_status`: `bad_name`, for a
name that is not UTF-8 (FiftyOne cannot hold it).
"""
_RUNS = """\
A field of the same name that Winnow did not create is never changed: the scan stops
before any work and proposes a free prefix. Findings are valid only if their run is
recorded as `complete` (`dataset.get_run_info("winnow").config.status`): an interrupted
scan is not presented as finished, and the next one continues from what was embedded.
"""
_ATTRIBUTES = """\
With `objects="ground_truth"` a scan also writes these on each label of that field. An
*image* is what the box shows here, and a *sample* another object, by its label id. An
attribute is absent where there is nothing to say. They are written by the id of the
label: one that is edited during the scan keeps its edit.
"""
_VIDEOS = """\
A scan of videos writes these besides. A video is what an *image* is above; `segments`
are `TemporalDetections`, whose `support` counts frames from 1, whose `confidence` is
the share of the frames that both show, and whose `of` is the other video's id.
"""


@dataclass(frozen=True)
class Docstring:
    """A docstring in Google form, in parts.

    Attributes:
        summary: first paragraph
        body: further paragraphs
        entries: section name -> (name, default or "", text) of each entry;
            Returns has one entry without a name
    """

    summary: str
    body: str
    entries: dict[str, list[tuple[str, str, str]]]


@dataclass(frozen=True)
class Operator:
    """What the page says of an operator.

    Attributes:
        name: as in its URI
        label: as in the App's list of operators
        description: one line
        risk: low, medium, high or dangerous
        call: docstring of ``__call__``; None if it has no Python call
    """

    name: str
    label: str
    description: str
    risk: str
    call: Docstring | None


def main() -> int:
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


def pages() -> dict[Path, str]:
    """Returns the text of each page that is made."""
    folder = ROOT / "docs"
    return {
        folder / "operators.md": operators_page(),
        folder / "fields.md": fields_page(),
    }


def operator_names() -> list[str]:
    """Returns the operators in the order of ``OPERATORS``, without the panel."""
    tree = _parsed("operators")
    module_of = {
        word.name: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for word in node.names
    }
    (listed,) = (node.value for node in tree.body if isinstance(node, ast.Assign))
    assert isinstance(listed, ast.Tuple)
    names = [module_of[word.id] for word in listed.elts if isinstance(word, ast.Name)]
    return [str(name) for name in names if name != "panel"]


def operators_page() -> str:
    operators = [read_operator(name) for name in operator_names()]
    lines = [_MADE, "# Operators", "", *_wrapped(_OPERATORS), ""]
    lines += _table(
        ("operator", "purpose", "risk"),
        [
            (f"[`{PREFIX}{one.name}`](#{one.name})", one.description, one.risk)
            for one in operators
        ],
    )
    lines += ["", *_wrapped(_RISKS)]
    for one in operators:
        lines += ["", f"## {one.name}", "", *_wrapped(f"*{one.label}.*")]
        if one.call is None:
            lines += ["", *_wrapped(f"{one.description}.")]
            continue
        lines += ["", *_docstring_lines(one.call)]
    return "\n".join(lines) + "\n"


def fields_page() -> str:
    rows = [(f"`{one.name}`", one.type, one.description) for one in FIELDS]
    lines = [_MADE, "# Fields", "", *_wrapped(_FIELDS), "", *_wrapped(_RUNS), ""]
    lines += _table(("field", "type", "meaning"), rows)
    of_objects = [
        (f"`{one.name}`", one.type.replace("sample", "object"), one.description)
        for one in ATTRIBUTES
    ]
    lines += ["", "## Attributes of objects", "", *_wrapped(_ATTRIBUTES), ""]
    lines += _table(("attribute", "type", "meaning"), of_objects)
    of_pictures = [
        (f"`{one.name}`", one.type, one.description) for one in PICTURE_FIELDS
    ]
    lines += ["", "And these on each sample:", ""]
    lines += _table(("field", "type", "meaning"), of_pictures)
    of_videos = [(f"`{one.name}`", one.type, one.description) for one in VIDEO_FIELDS]
    lines += ["", "## Fields of videos", "", *_wrapped(_VIDEOS), ""]
    lines += _table(("field", "type", "meaning"), of_videos)
    return "\n".join(lines) + "\n"


def read_operator(name: str) -> Operator:
    """Reads an operator from its module.

    Raises:
        LookupError: the module has no class with a config
    """
    tree = _parsed(f"operators.{name}")
    for cls in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        methods = {node.name: node for node in cls.body if hasattr(node, "name")}
        if "config" not in methods:
            continue
        given = _keywords(methods["config"])
        call = methods.get("__call__")
        return Operator(
            name=given["name"],
            label=given["label"].removeprefix("Winnow: ").capitalize(),
            description=given["description"],
            risk=given["risk_level"].lower(),
            call=_call(call, f"operators.{name}")
            if isinstance(call, ast.FunctionDef)
            else None,
        )
    raise LookupError(f"operators/{name}.py has no class with a config.")


def parse_docstring(text: str) -> Docstring:
    """Splits a docstring in Google form."""
    parts = re.split(rf"^({'|'.join(_SECTIONS)}):\n", text, flags=re.MULTILINE)
    summary, _, body = parts[0].strip().partition("\n\n")
    entries = {
        name: list(_entries(name, textwrap.dedent(block)))
        for name, block in zip(parts[1::2], parts[2::2], strict=True)
    }
    return Docstring(" ".join(summary.split()), body.strip(), entries)


@dataclass(frozen=True)
class Option:
    """A keyword of an operator.

    Attributes:
        name: as in the call and in params
        default: as a person would write it; "" for none
        text: what it means
        by_place: True if it may be given without its name
    """

    name: str
    default: str
    text: str
    by_place: bool


def options_of(path: str) -> list[Option]:
    """Returns the fields of a dataclass: by place, then its own, then inherited ones.

    Args:
        path: dotted path, such as ``core.scan.settings.ScanSettings``
    """
    return sorted(_own_and_inherited(path), key=lambda one: not one.by_place)


def _own_and_inherited(path: str) -> Iterator[Option]:
    module, _, name = path.rpartition(".")
    cls = _class(module, name)
    by_place = "kw_only=True" not in ast.unparse(cls.decorator_list[0])
    described = {
        name: (default, text)
        for name, default, text in parse_docstring(
            ast.get_docstring(cls) or ""
        ).entries.get("Attributes", [])
    }
    for node in cls.body:
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        if node.target.id == "_":  # KW_ONLY
            by_place = False
            continue
        default, text = described[node.target.id]
        default = default or _value(node.value, module)
        yield Option(node.target.id, default, text, by_place)
    for base in cls.bases:
        assert isinstance(base, ast.Name)
        yield from _own_and_inherited(_path_of(base.id, module))


def _class(module: str, name: str) -> ast.ClassDef:
    (cls,) = (
        node
        for node in _parsed(module).body
        if isinstance(node, ast.ClassDef) and node.name == name
    )
    return cls


def _path_of(name: str, module: str) -> str:
    """Returns the dotted path of a name that a module defines or imports."""
    for node in _parsed(module).body:
        if isinstance(node, ast.ImportFrom) and name in (
            word.name for word in node.names
        ):
            package = f"plugin.{module}".rpartition(".")[0]
            source = "." * node.level + (node.module or "")
            found = importlib.util.resolve_name(source, package)
            return f"{found.removeprefix('plugin.')}.{name}"
    return f"{module}.{name}"


def _call(function: ast.FunctionDef, module: str) -> Docstring:
    """Returns the docstring of a call, with the options among its arguments."""
    docstring = parse_docstring(ast.get_docstring(function) or "")
    (decorator,) = function.decorator_list
    assert isinstance(decorator, ast.Call)
    (kind,) = decorator.args
    assert isinstance(kind, ast.Name)
    args = docstring.entries["Args"] + [
        (one.name, one.default, one.text)
        for one in options_of(_path_of(kind.id, module))
    ]
    flags = {word.arg: ast.unparse(word.value) for word in decorator.keywords}
    if flags.get("long") == "True":
        added = ["progress", *(["delegate"] * (flags.get("delegated") != "False"))]
        args += [_ADDED[name] for name in added]
    entries = {**docstring.entries, "Args": args}
    return Docstring(docstring.summary, docstring.body, entries)


def _value(node: ast.expr | None, module: str) -> str:
    """Returns a default as a person would write it, constants of core resolved."""
    if node is None:
        return ""
    if isinstance(node, ast.Name):
        package = f"plugin.{module}".rpartition(".")[0]
        for found in _parsed(module).body:
            if isinstance(found, ast.ImportFrom) and node.id in (
                word.name for word in found.names
            ):
                name = "." * found.level + (found.module or "")
                path = importlib.util.resolve_name(name, package)
                if path.startswith("plugin.core."):
                    source = importlib.import_module(path.removeprefix("plugin."))
                    return repr(getattr(source, node.id))
        return ""
    return ast.unparse(node)


def _parsed(module: str) -> ast.Module:
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def _docstring_lines(call: Docstring) -> Iterator[str]:
    yield from _wrapped(call.summary)
    body, _, example = call.body.partition("Example::")
    for paragraph in filter(None, body.strip().split("\n\n")):
        yield ""
        yield from _wrapped(_markdown(paragraph))
    if example:
        code = textwrap.dedent(example.strip("\n"))
        yield from ("", "```python", *code.rstrip().splitlines(), "```")
    rows = [
        (f"`{name}`", _code(default), _markdown(text))
        for name, default, text in call.entries.get("Args", [])
    ]
    if rows:
        yield ""
        yield from _table(("argument", "default", "meaning"), rows)
    for _, _, text in call.entries.get("Returns", []):
        yield ""
        yield from _wrapped(f"Returns {_markdown(text)}.")
    raised = call.entries.get("Raises", [])
    if raised:
        yield ""
        told = "; ".join(f"`{name}`: {_markdown(text)}" for name, _, text in raised)
        yield from _wrapped(f"Raises {told}.")


def _keywords(config: ast.AST) -> dict[str, str]:
    """Returns the keywords of the OperatorConfig that a property returns."""
    (made,) = (node for node in ast.walk(config) if isinstance(node, ast.Return))
    assert isinstance(made.value, ast.Call)
    found = {}
    for word in made.value.keywords:
        if isinstance(word.value, ast.Constant):
            found[str(word.arg)] = str(word.value.value)
        elif isinstance(word.value, ast.Attribute):
            found[str(word.arg)] = word.value.attr
    return found


def _entries(section: str, block: str) -> Iterator[tuple[str, str, str]]:
    if section in ("Returns", "Yields"):
        yield "", "", " ".join(block.split())
        return
    for entry in re.split(r"\n(?=\S)", block.strip()):
        head, _, text = " ".join(entry.split()).partition(": ")
        named = _DEFAULT.match(head)
        assert named, f"not 'name (default): text': {entry}"
        yield named["name"], named["default"] or "", text


def _markdown(text: str) -> str:
    """Turns reStructuredText's roles and literals into Markdown."""
    text = _ROLE.sub(r"`\1`", " ".join(text.split()))
    return text.replace("``", "`").replace("|", "\\|")


def _code(default: str) -> str:
    return f"`{default}`" if default else ""


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(headers)} |", f"|{' :-- |' * len(headers)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


if __name__ == "__main__":
    sys.exit(main())
