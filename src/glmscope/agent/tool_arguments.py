"""Arguments of a call against the JSON schema that its tool declares, before anything is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from glmscope.errors import UsageError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_SLIP_ENDS = 150
"""Characters told of a long slip at either end: a value stands in front, what is wrong after it."""


class ArgumentCheck:
    """One tool's schema, made ready when it is first needed: most servers never run a tool.

    Regular expressions of a schema are left to the tool: matching one can take any time, and
    schemas come from other machines. So is whatever the schema refers to elsewhere: nothing is
    fetched.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema

    def check_schema(self, where: str) -> None:
        """Raises UsageError for what is no JSON schema, or not all of one; `where` names it."""
        from jsonschema.exceptions import SchemaError
        from referencing import Registry
        from referencing.exceptions import Unresolvable
        from referencing.jsonschema import DRAFT202012

        resource = DRAFT202012.create_resource(dict(self._schema))
        resolver = Registry().with_resource("", resource).resolver()
        try:
            self._validator.check_schema(self._schema)
            for reference in _references(self._schema):
                resolver.lookup(reference)
        except SchemaError as error:
            raise UsageError(f"{where} is no JSON schema: {_cut(error.message)}.") from None
        except Unresolvable:
            raise UsageError(f"{where} refers to something that it does not hold.") from None

    def slip(self, arguments: Mapping[str, Any]) -> str | None:
        """What is wrong with the arguments, and where; None when they follow the schema."""
        from jsonschema.exceptions import best_match
        from referencing.exceptions import Unresolvable

        try:
            error = best_match(self._validator.iter_errors(arguments))
        except (Unresolvable, RecursionError):
            return "the tool's schema refers to something that it does not hold"
        if error is None:
            return None
        place = "".join(f"[{part!r}]" for part in error.absolute_path)
        return _cut(f"{place}: {error.message}" if place else error.message)

    @cached_property
    def _validator(self) -> Validator:
        from jsonschema import Draft202012Validator
        from jsonschema.validators import extend
        from referencing import Registry

        kind = extend(
            Draft202012Validator, {"pattern": _unchecked, "patternProperties": _unchecked}
        )
        # With a registry of its own the library does not fetch what a reference names.
        return kind(dict(self._schema), registry=Registry())


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference
        for each in schema.values():
            yield from _references(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)


def _unchecked(*_: object) -> None:
    """A keyword that nothing fails."""


def _cut(text: str) -> str:
    if len(text) <= 2 * _SLIP_ENDS:
        return text
    return f"{text[:_SLIP_ENDS]}…{text[-_SLIP_ENDS:]}"
