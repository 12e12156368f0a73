"""Values that several threads ask for, made by the first and kept for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Value = TypeVar("Value")


def made_once(most: int) -> Callable[[Callable[Asked, Value]], Callable[Asked, Value]]:
    """Returns a decorator like ``functools.lru_cache``, with which others wait.

    With that one, threads that ask at once for a value that is not kept each make it:
    pairs in order begin with the same picture, and two threads read each of them twice.
    None is not kept, as no error is: a file that could not be read may be there later.

    Args:
        most: values that are kept, those asked for last
    """

    def decorate(make: Callable[Asked, Value]) -> Callable[Asked, Value]:
        kept: OrderedDict[object, Future[Value]] = OrderedDict()
        lock = Lock()

        def forget(key: object) -> None:
            with lock:
                kept.pop(key, None)

        def asked(*args: Asked.args, **kwargs: Asked.kwargs) -> Value:
            key = (args, tuple(sorted(kwargs.items())))
            with lock:
                future = kept.get(key)
                is_new = future is None
                if future is None:
                    future = kept[key] = Future()
                    if len(kept) > most:
                        kept.popitem(last=False)
                kept.move_to_end(key)
            if is_new:
                try:
                    value = make(*args, **kwargs)
                except BaseException as error:
                    forget(key)
                    future.set_exception(error)
                    raise
                if value is None:
                    forget(key)
                future.set_result(value)
            return future.result()

        return asked

    return decorate
