"""Runs a notebook as Jupyter does: cell by cell, with what each cell shows."""

import ast
import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Output = dict[str, Any]


def code_cells(notebook: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Returns the cells that are run."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run_cells(
    notebook: Mapping[str, Any], names: dict[str, Any]
) -> Iterator[list[Output]]:
    """Runs all cells in one namespace; yields the outputs of each."""
    for number, cell in enumerate(code_cells(notebook), 1):
        yield _run("".join(cell["source"]), names, number)


def with_outputs(
    notebook: Mapping[str, Any], outputs: list[list[Output]]
) -> dict[str, Any]:
    """Returns the notebook as it is saved after a run."""
    saved: dict[str, Any] = json.loads(json.dumps(notebook))
    for number, (cell, shown) in enumerate(
        zip(code_cells(saved), outputs, strict=True), 1
    ):
        cell["execution_count"], cell["outputs"] = number, shown
    return saved


def text_of(outputs: list[Output]) -> str:
    """Returns all that a cell shows, as text."""
    return "".join(
        "".join(one["text"] if "text" in one else one["data"]["text/plain"])
        for one in outputs
    )


def write(notebook: Mapping[str, Any], path: Path) -> None:
    """Writes a notebook as Jupyter does."""
    text = json.dumps(notebook, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _run(source: str, names: dict[str, Any], number: int) -> list[Output]:
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"cell {number}", "exec"), names)
        if last:
            shown = ast.Expression(last.value)  # type: ignore[attr-defined]
            value = eval(compile(shown, f"cell {number}", "eval"), names)
    outputs: list[Output] = []
    if printed.getvalue():
        text = printed.getvalue().splitlines(keepends=True)
        outputs.append({"name": "stdout", "output_type": "stream", "text": text})
    if value is not None:
        outputs.append(
            {
                "data": {"text/plain": repr(value).splitlines(keepends=True)},
                "execution_count": number,
                "metadata": {},
                "output_type": "execute_result",
            }
        )
    return outputs
