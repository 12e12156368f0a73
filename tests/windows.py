"""What the plugin sees of Python on Windows, on another system.

    python -X warn_default_encoding tests/windows.py program.py ...

What Windows lacks is read from typeshed, the description of the standard library
that mypy brings: what stands under ``if sys.platform != "win32"`` is missing there.
The plugin's own modules, and no others, are given modules without these names:
other packages have code of their own for Windows, which cannot run here. Beyond that

* ``dir_fd`` is not implemented, and a folder cannot be opened;
* a file that this process has open, or has mapped, is neither removed nor replaced,
  and a rename replaces nothing;
* text whose encoding is not named is an error: it is another one there.
"""

import ast
import builtins
import contextlib
import errno
import functools
import importlib.util
import os
import pathlib
import re
import runpy
import sys
import types
import warnings
from pathlib import Path

_OURS = r"(core|scan_folder|compare_folders|__main__|fiftyone\.plugins\.orgs\.winnow)\b"
_TYPESHED = Path(importlib.util.find_spec("mypy").origin).parent / "typeshed/stdlib"
_LESS = ("os", "signal", "time", "socket", "select", "mmap", "errno")


def missing_modules():
    """Names the modules that typeshed says are empty on Windows."""
    found = []
    for path in _TYPESHED.glob("*.pyi"):
        if path.stem.startswith("_") or path.stem not in sys.stdlib_module_names:
            continue
        body = _on_windows(ast.parse(path.read_text("utf-8")).body)
        names = [name for statement in body for name in _names(statement)]
        if all(name.startswith("_") for name in names):
            found.append(path.stem)
    return sorted(found)


def missing_names(module):
    """Names what a module has here and, by typeshed, not on Windows."""
    stub = _TYPESHED / f"{module}.pyi"
    if not stub.exists():
        stub = _TYPESHED / module / "__init__.pyi"
    tree = ast.parse(stub.read_text("utf-8"))
    everywhere = {name for one in _anywhere(tree.body) for name in _names(one)}
    there = {name for one in _on_windows(tree.body) for name in _names(one)}
    return sorted(everywhere - there)


def take_away():
    """Gives the plugin's modules, those imported from now on, what Windows has."""
    gone = missing_modules()
    less = {name: _less(importlib.import_module(name)) for name in _LESS}
    for name in ("open", "mkdir", "rmdir", "stat", "unlink", "rename", "chmod"):
        setattr(less["os"], name, _without_folders(getattr(os, name)))
    less["os"].supports_dir_fd = less["os"].supports_fd = set()
    import_here = builtins.__import__

    def import_there(name, globals=None, locals=None, fromlist=(), level=0):
        if not level and _is_ours(globals or {}):
            if name in gone:
                raise ModuleNotFoundError(f"No module named '{name}'", name=name)
            if name in less:
                return less[name]
        return import_here(name, globals, locals, fromlist, level)

    builtins.__import__ = import_there
    for name in ("remove", "unlink", "rename", "replace"):
        setattr(os, name, _only_closed(getattr(os, name)))
        setattr(less["os"], name, _only_closed(getattr(less["os"], name)))
        # The paths of Python 3.10 hold the functions of os that they call
        accessor = getattr(pathlib, "_NormalAccessor", None)
        if hasattr(accessor, name):
            setattr(accessor, name, staticmethod(getattr(os, name)))
    warnings.filterwarnings("error", category=EncodingWarning, module=_OURS)


def _is_ours(names):
    return re.match(_OURS, names.get("__name__", "")) is not None


def _less(module):
    there = types.ModuleType(module.__name__)
    gone = set(missing_names(module.__name__))
    kept = {name: value for name, value in vars(module).items() if name not in gone}
    there.__dict__.update(kept)
    return there


def _without_folders(call):
    @functools.wraps(call)
    def there(path, *arguments, dir_fd=None, src_dir_fd=None, dst_dir_fd=None, **more):
        if (dir_fd, src_dir_fd, dst_dir_fd) != (None, None, None):
            raise NotImplementedError("dir_fd unavailable on this platform")
        if call is os.open and os.path.isdir(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return call(path, *arguments, **more)

    return there


def _only_closed(call):
    @functools.wraps(call)
    def there(path, *others, **more):
        for one in (path, *others):
            if _is_open(os.path.realpath(one)):
                raise PermissionError(errno.EACCES, "The file is in use", one)
        if call.__name__ == "rename" and os.path.exists(others[0]):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), others[0])
        return call(path, *others, **more)

    return there


def _is_open(path):
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{descriptor}") == os.fsdecode(path):
                return True
    maps = Path("/proc/self/maps").read_text("utf-8", "surrogateescape")
    return any(line.endswith(" " + os.fsdecode(path)) for line in maps.splitlines())


def _anywhere(statements):
    for statement in statements:
        if isinstance(statement, ast.If):
            yield from _anywhere(statement.body + statement.orelse)
        else:
            yield statement


def _on_windows(statements):
    """Yields the statements that hold on Windows, those inside of ``if`` too."""
    for statement in statements:
        if not isinstance(statement, ast.If):
            yield statement
        elif _holds(statement.test):
            yield from _on_windows(statement.body)
        else:
            yield from _on_windows(statement.orelse)


def _holds(test):
    code = compile(ast.Expression(test), "stub", "eval")
    windows = types.SimpleNamespace(platform="win32", version_info=sys.version_info)
    return eval(code, {"sys": windows, "TYPE_CHECKING": True})


def _names(statement):
    if isinstance(statement, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    if isinstance(statement, ast.Assign):
        return [one.id for one in statement.targets if isinstance(one, ast.Name)]
    if isinstance(statement, ast.ImportFrom) and str(statement.module)[0] == "_":
        # Of its half in C, not the types of the description itself
        return [one.name for one in statement.names if statement.module != "_typeshed"]
    return []


if __name__ == "__main__":
    take_away()
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(Path(sys.argv[0]).parent))
    runpy.run_path(sys.argv[0], run_name="__main__")
