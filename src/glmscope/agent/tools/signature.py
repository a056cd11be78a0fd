"""The JSON schema of a Python function's arguments, from its type hints."""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from glmscope.errors import UsageError

_SCALARS: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def parameters_of(function: Callable[..., object]) -> dict[str, Any]:
    """The schema: a parameter without a default is required, others name theirs.

    Hints are str, int, float, bool, None, list and dict of such, Literal, unions, Any, and
    Annotated with a description for the model.

    Raises UsageError for a parameter without a hint, of a type that JSON has not, or that cannot
    be given by name.
    """
    where = f"The function {getattr(function, '__qualname__', function)}"
    try:
        hints = get_type_hints(function, include_extras=True)
    except Exception as error:
        raise UsageError(f"{where} has a type hint that cannot be read: {error}.") from None
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in _NAMED:
            raise UsageError(f'{where} has "{parameter}", which cannot be given by name.')
        if name not in hints:
            raise UsageError(f'{where} has no type hint for "{name}".')
        schema = _schema(hints[name], f'{where}, parameter "{name}"')
        if parameter.default is parameter.empty:
            required.append(name)
        elif _is_json(parameter.default):
            schema["default"] = parameter.default
        properties[name] = schema
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _schema(hint: object, where: str) -> dict[str, Any]:
    if hint in (Any, object):
        return {}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    origin, of = get_origin(hint) or hint, get_args(hint)
    if origin is Annotated:
        told = [note for note in of[1:] if isinstance(note, str)]
        return _schema(of[0], where) | ({"description": told[0]} if told else {})
    if origin is Literal and all(_is_json(value) for value in of):
        return {"enum": list(of)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(option, where) for option in of]}
    if origin in (list, Sequence):
        return {"type": "array"} | ({"items": _schema(of[0], where)} if of else {})
    if origin in (dict, Mapping) and of[:1] in ((), (str,)):
        return {"type": "object"} | ({"additionalProperties": _schema(of[1], where)} if of else {})
    raise UsageError(f"{where}: {hint} is no type that JSON has.")


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
