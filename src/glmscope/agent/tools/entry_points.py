"""Tools that installed packages bring along, as entry points of the group `glmscope.tools`."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Collection, Iterable
from importlib import metadata

from glmscope.agent.tool import Tool
from glmscope.agent.tools.function import FunctionTool
from glmscope.errors import UsageError

GROUP = "glmscope.tools"
_MEMBERS = ("name", "description", "parameters", "call")


def load_entry_points(only: Collection[str] | None = None) -> list[Tool]:
    """The tools of all entry points, or of those whose names are in `only`.

    An entry point is a tool, a class of tools that needs no arguments, a function to be called by
    the model, a function that returns tools and is annotated so, or a list of these.

    Raises UsageError, naming entry point and package, for one that cannot be loaded or is none of
    these, and for a name in `only` that no package has.
    """
    found = sorted(metadata.entry_points(group=GROUP), key=lambda each: each.name)
    missing = set(only or ()) - {point.name for point in found}
    if missing:
        raise UsageError(f'No installed package has an entry point "{min(missing)}" in {GROUP}.')
    tools: list[Tool] = []
    for point in found:
        if only is None or point.name in only:
            tools += _load(point)
    return tools


def _load(point: metadata.EntryPoint) -> list[Tool]:
    package = f" of {point.dist.name}" if point.dist is not None else ""
    where = f'The entry point "{point.name}"{package}'
    try:
        return list(_tools(point.load()))
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}") from None
    except Exception as error:
        raise UsageError(f"{where} cannot be loaded: {type(error).__name__}: {error}.") from error


def _tools(given: object) -> Iterable[Tool]:
    if isinstance(given, list | tuple):
        for each in given:
            yield from _tools(each)
    elif isinstance(given, type):
        yield from _tools(given())
    elif all(hasattr(given, member) for member in _MEMBERS):
        yield typing.cast(Tool, given)
    elif inspect.isroutine(given):
        if _makes_tools(given):
            yield from _tools(given())
        else:
            yield FunctionTool(given)
    else:
        raise UsageError(f"{type(given).__name__} is neither a tool nor a function.")


def _makes_tools(function: object) -> bool:
    """Whether the function is annotated to return a tool, or several."""
    returned = typing.get_type_hints(function).get("return")
    return any(
        isinstance(kind, type) and hasattr(kind, "call")
        for kind in (returned, *typing.get_args(returned))
    )
