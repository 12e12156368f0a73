"""The surface of an operator: a call from Python, ``params``, and a form.

One frozen dataclass per operator says what can be chosen. Its fields are the
keywords of ``__call__`` and the names that ``execute`` reads from ``ctx.params``,
with the same defaults. A form asks for some of them, and may have names of its own
for what it turns into them.
"""

from __future__ import annotations

import functools
import inspect
import types as python
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import MISSING, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar, TypeVar, Union, get_args, get_origin, get_type_hints

import fiftyone as fo
import fiftyone.operators as foo
import fiftyone.operators.types as types

from ....core.errors import InputError
from ....core.progress import OnProgress
from .panel_jobs import STEP
from .progress import progress_bars
from .stream import Outcome, stream, text_output

Options = TypeVar("Options")

LONG = {
    "dynamic": True,
    "execute_as_generator": True,
    "allow_immediate_execution": True,
    "allow_delegated_execution": True,
}
"""What the configurations of all operators that run long have in common."""

_NO_CHOICES = ("view_target", "custom_view_target", "panel_id", "panel_state", STEP)
"""What else is among the params: FiftyOne's own input, and the panel that asks."""

_MAY_BE_EMPTY = "may_be_empty"
_LIKELY = 0.6
"""How near a name must be to be suggested: difflib's own default."""

ADDED = {
    "progress": "progress (None): progress bars on or off, or a function that is "
    "called with each :class:`core.progress.Progress`",
    "delegate": "delegate (False): queue it for ``fiftyone delegated launch``, and "
    "return the queued operation",
}
"""What every operator that runs long takes as well, as its docstring says it."""


def keywords(
    kind: type[Any], *, long: bool = False, delegated: bool = True
) -> Callable[[Callable[..., Any]], Any]:
    """Makes the fields of a dataclass the keywords of a method.

    The method is ``(self, samples, options)``, and ``(..., on_progress)`` if it runs
    long. It is called with ``(samples, first, ..., name=value)``: the fields of the
    dataclass, and ``progress`` and ``delegate`` if it runs long. An unknown name is
    refused with the nearest known one. A first parameter that is called ``dataset``
    takes no view.

    Args:
        kind: frozen dataclass with the choices
        long: True for a method that reports its progress
        delegated: False for one that runs long and cannot be queued
    """
    more = {"progress": None, "delegate": False} if long else {}
    if not delegated:
        del more["delegate"]

    def decorate(work: Callable[..., Any]) -> Any:
        signature = _signature(work, kind, more)
        names = list(signature.parameters)[1:]

        @functools.wraps(work)
        def call(self: Operator, *args: Any, **given: Any) -> Any:
            check_names(self.name, given, names)
            for name in names[len(args) :]:
                default = signature.parameters[name].default
                if default is inspect.Parameter.empty and name not in given:
                    raise InputError(f"{self.name} needs {name}=: see its help.")
            values = signature.bind(self, *args, **given).arguments
            samples = values[names[0]]
            _check_samples(self.name, names[0], samples)
            options = kind(
                **{name: values[name] for name in option_names(kind) if name in values}
            )
            if values.get("delegate"):
                return self.queue(samples, options)
            if not long:
                return work(self, samples, options)
            with progress_bars(values.get("progress")) as on_progress:
                return work(self, samples, options, on_progress)

        call.__doc__ = _documented(work.__doc__ or "", kind, more)
        call.__signature__ = signature  # type: ignore[attr-defined]
        call.options = kind  # type: ignore[attr-defined]
        call.work = work  # type: ignore[attr-defined]
        return call

    return decorate


class Operator(foo.Operator):
    """An operator that answers at once.

    A subclass has ``config``, ``__call__`` with :func:`keywords`, and ``execute``.
    """

    form_names: ClassVar[Collection[str]] = ()
    """Names in the form that are no options: texts, and what becomes an option."""

    form_prefix: ClassVar[str | None] = None
    """What the names begin with that are made anew for each plan."""

    @classmethod
    def call(cls) -> Any:
        """Returns the method that :func:`keywords` made."""
        return cls.__call__

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Returns the names that ``params`` may have: which images, and the options."""
        target = list(inspect.signature(cls.call()).parameters)[1]
        which = () if target == "dataset" else (target,)
        return (*which, *option_names(cls.call().options))

    def check_params(self, params: Mapping[str, Any]) -> None:
        """Raises :class:`InputError` if a name is not known."""
        shown = {*self.form_names, *_NO_CHOICES}
        given = [
            name
            for name in params
            if name not in shown
            and not (self.form_prefix and name.startswith(self.form_prefix))
        ]
        check_names(self.name, given, self.names())

    def options(self, ctx: foo.ExecutionContext) -> Any:
        """Returns what a form or a caller chose.

        Raises:
            InputError: a name that is not known, or a value that cannot be
        """
        self.check_params(ctx.params)
        return read_options(self.call().options, self.chosen(ctx))

    def chosen(self, ctx: foo.ExecutionContext) -> Mapping[str, Any]:
        """Returns the params, with names of the form turned into options."""
        return dict(ctx.params)

    def target(self, ctx: foo.ExecutionContext) -> Any:
        """Returns the images to work on: those that are named, or the form's."""
        if "samples" not in self.names():
            return ctx.dataset
        ids = ctx.params.get("samples")
        return ctx.dataset.select(ids) if ids else self.default_target(ctx)

    def default_target(self, ctx: foo.ExecutionContext) -> Any:
        """Returns the images of a form that names none."""
        return ctx.view if ctx.has_custom_view else ctx.dataset

    def run(self, ctx: foo.ExecutionContext) -> Any:
        """Does what ``__call__`` does, with what is chosen in ``ctx``."""
        options = self.options(ctx)
        return self.call().work(self, self.target(ctx), options)

    def queue(self, samples: Any, options: Any) -> foo.ExecutionResult:
        """Queues the operator for ``fiftyone delegated launch``.

        Raises:
            InputError: something that cannot be stored until then
        """
        if getattr(options, "dry_run", False):
            raise InputError(
                "A dry run is for you to look at, and a queued operation returns "
                "nothing. Leave delegate out; or queue the plan that was shown, with "
                "plan_id=... and dry_run=False."
            )
        kind = "view" if isinstance(samples, fo.DatasetView) else "dataset"
        return foo.execute_operator(
            self.uri,
            {kind: samples},
            params=as_params(options),
            request_delegation=True,
        )

    def resolve_output(self, ctx: foo.ExecutionContext) -> types.Property:
        return text_output()


class LongOperator(Operator):
    """An operator that runs long: with progress, in the App or delegated."""

    def execute(self, ctx: foo.ExecutionContext) -> Iterator[Any]:
        yield from stream(ctx, functools.partial(self.work, ctx))

    def work(self, ctx: foo.ExecutionContext, on_progress: OnProgress) -> Outcome:
        """Does what ``__call__`` does, with what is chosen in ``ctx``."""
        options = self.options(ctx)
        outcome: Outcome = self.call().work(
            self, self.target(ctx), options, on_progress
        )
        return outcome


def may_be_empty(default: Any) -> Any:
    """Returns a field whose "" is a value of its own, not an input left empty."""
    return field(default=default, metadata={_MAY_BE_EMPTY: True})


def option_names(kind: type[Any]) -> tuple[str, ...]:
    """Returns the names of a dataclass's fields, as a call has them."""
    return tuple(one.name for one in _parameters(kind))


def read_options(kind: type[Options], params: Mapping[str, Any]) -> Options:
    """Makes the options from params; what is not named has its default.

    An emptied input of a form counts as not given: None where the option cannot be
    None, and "" where it can. A folder chosen in the App comes as a dict.

    Raises:
        InputError: a value that cannot be, or one that is needed and missing
    """
    assert is_dataclass(kind)
    # Python 3.10 refuses KW_ONLY itself, which is no type
    hints = get_type_hints(kind, localns={"KW_ONLY": object})
    values = {}
    for one in fields(kind):
        if one.name in params:
            value = _plain(params[one.name])
            may_be_none = type(None) in _members(hints[one.name])
            if value == "" and may_be_none and not one.metadata.get(_MAY_BE_EMPTY):
                value = None
            if value is not None or may_be_none:
                values[one.name] = value
        needed = one.default is MISSING and one.default_factory is MISSING
        if needed and values.get(one.name) in (None, ""):
            raise InputError(f"Give {one.name}=: it has no default.")
    return kind(**values)


def as_params(options: Any) -> dict[str, Any]:
    """Returns the options that are not the defaults, as JSON.

    Raises:
        InputError: a value that JSON cannot hold
    """
    return {
        one.name: _json(one.name, value)
        for one in fields(options)
        if (value := getattr(options, one.name)) != one.default
    }


def check_names(operator: str, given: Iterable[str], known: Collection[str]) -> None:
    """Raises :class:`InputError` if a name is unknown, and says the nearest one."""
    for name in given:
        if name in known:
            continue
        near = get_close_matches(name, known, 1, _LIKELY)
        hint = f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}."
        raise InputError(
            f"{operator} has no option '{name}'. {hint} Nothing was changed."
        )


def _check_samples(operator: str, place: str, samples: Any) -> None:
    if place == "dataset" and isinstance(samples, fo.DatasetView):
        raise InputError(
            f"{operator} works on a whole data set, and this is a view of "
            f"'{samples.dataset_name}'. Give the data set itself."
        )
    is_collection = isinstance(samples, fo.core.collections.SampleCollection)
    if place in ("dataset", "samples") and not is_collection:
        raise InputError(
            f"{operator} needs a FiftyOne data set"
            f"{'' if place == 'dataset' else ' or view'}, got {samples!r:.80}. One is "
            "loaded by its name with fo.load_dataset(NAME)."
        )


def _signature(
    work: Callable[..., Any], kind: type[Any], more: Mapping[str, Any]
) -> inspect.Signature:
    own = inspect.signature(work)
    taken = [
        *list(own.parameters.values())[:2],
        *_parameters(kind),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
            for name, default in more.items()
        ),
    ]
    return own.replace(parameters=taken)


def _parameters(kind: type[Any]) -> list[inspect.Parameter]:
    """Returns a dataclass's fields: by place, then its own, then inherited ones."""
    own = [name for base in kind.__mro__ for name in inspect.get_annotations(base)]
    return sorted(
        inspect.signature(kind).parameters.values(),
        key=lambda one: (one.kind, own.index(one.name)),
    )


def _documented(text: str, kind: type[Any], more: Collection[str]) -> str:
    """Returns a docstring whose ``Args:`` lists the options too."""
    text = inspect.cleandoc(text)
    entries = "\n".join(
        part
        for base in kind.__mro__
        for part in inspect.cleandoc(base.__doc__ or "").split("Attributes:\n")[1:]
    )
    for name in more:
        entries = f"{entries.rstrip()}\n    {ADDED[name]}"
    before, found, after = text.partition("\n\nReturns:")
    return f"{before}\n{entries.rstrip()}{found}{after}"


def _members(hint: Any) -> Iterator[Any]:
    """Yields the types of a union, or the one type."""
    if get_origin(hint) in (Union, python.UnionType):
        for one in get_args(hint):
            yield from _members(one)
    else:
        yield hint


def _plain(value: Any) -> Any:
    # The file explorer sends a dict, callers from Python send a path
    if isinstance(value, Mapping) and "absolute_path" in value:
        return value["absolute_path"] or ""
    return value


def _json(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [_json(name, one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _json(name, one) for key, one in value.items()}
    raise InputError(
        f"{name}={value!r:.80} cannot be stored for a queued operation. Leave delegate "
        "out, or name what it is by a text."
    )
