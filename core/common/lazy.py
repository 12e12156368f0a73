"""Attributes that are computed when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, cast

Value = TypeVar("Value")


class lazy(Generic[Value]):  # noqa: N801 (a decorator, like property)
    """A property that is kept once it is computed, without a lock.

    ``functools.cached_property`` holds a lock that all objects share while it computes,
    before Python 3.12, so that threads wait for one another. Two threads that ask one
    object at once may both compute the value here, which is the same.
    """

    def __init__(self, compute: Callable[..., Value]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> Value:
        if instance is None:
            return cast(Value, self)
        value = self._compute(instance)
        # An object's own values are looked up before this descriptor of its class
        instance.__dict__[self._name] = value
        return value
