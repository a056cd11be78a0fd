"""Schemas are read, checked and bounded before anything is run."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from glmscope.engine.engine import ANY_OBJECT
from glmscope.engine.json_example import json_example
from glmscope.engine.json_grammar import json_grammar
from glmscope.engine.json_schema import LONGEST_SCHEMA, read_json_schema
from glmscope.errors import EngineFailure, InvalidParameter

TREE = {
    "$defs": {
        "tree": {
            "type": "object",
            "properties": {
                "value": {"type": "integer", "minimum": 1},
                "children": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
                "parent": {"anyOf": [{"$ref": "#/$defs/tree"}, {"type": "null"}]},
            },
            "required": ["value", "children", "parent"],
            "additionalProperties": False,
        }
    },
    "$ref": "#/$defs/tree",
}
PERSON = {
    "title": "Person",
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name", "description": "…", "minLength": 2},
        "age": {"type": "integer", "minimum": 0, "maximum": 120, "default": 3},
        "mail": {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}]},
        'a "quoted" \\ \n name': {"enum": ["甲", 'b"c', "d\\e", "\u2028", "\x7f", None, 2.5, [1]]},
        "tags": {"type": "array", "items": {"maxLength": 3}, "minItems": 2, "maxItems": 4},
        "scores": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
        "is_real": {"type": "boolean"},
        "note": {"type": ["string", "null"], "maxLength": 12},
        "what": {},
    },
    "required": ["name", "tags", "unlisted"],
}
FOLLOWED: list[dict[str, Any]] = [
    json.loads(ANY_OBJECT),
    PERSON,
    TREE,
    {"type": "array", "items": {"const": {"a": [1, "x"]}}, "maxItems": 2},
    {"type": "array", "maxItems": 0},
    {"type": "array", "minItems": 3},
    {"type": "object", "additionalProperties": False},
    {"allOf": [{"type": "string", "minLength": 3, "maxLength": 3}]},
    {"oneOf": [{"type": "integer", "exclusiveMinimum": 0}, {"const": "none"}]},
    {"type": "integer", "exclusiveMinimum": -3, "exclusiveMaximum": 0},
    {"type": "number", "minimum": 0},
    {"type": "integer", "minimum": -40, "maximum": 123_456},
    {"type": "integer", "minimum": 7},
    {"type": "number", "minimum": -90, "maximum": 90},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "exclusiveMaximum": 0.5},
    {"type": "number", "maximum": -2.5},
    {"type": "number", "minimum": -(10**400), "maximum": 1e300},
    {"enum": ["a", 1, None], "type": ["string", "null"]},
    {"type": "string", "minLength": 120, "maxLength": 260},
    {"type": "string", "x-order": 1, "nullable": True, "contentEncoding": "base64", "maxLength": 8},
    {"properties": {"a": {"type": "null"}}, "required": ["a"]},
    {"enum": ["\ud800"]},
]

REFUSED: list[tuple[Any, str]] = [
    ([], "not an object"),
    (False, "not an object"),
    ({"type": "nonsense"}, "not a type"),
    ({"type": 5}, "not a type"),
    ({"type": [[]]}, "not a type"),
    ({"type": {}}, "not a type"),
    ({"type": "object", "properties": []}, "properties"),
    ({"type": "object", "required": "a"}, "required"),
    ({"type": "object", "required": [1]}, "required"),
    ({"type": "string", "pattern": "(a+)+$"}, "pattern of it is not supported"),
    ({"type": "object", "patternProperties": {"a": {}}}, "patternProperties"),
    ({"type": "integer", "multipleOf": 3}, "multipleOf"),
    ({"type": "array", "uniqueItems": True}, "uniqueItems"),
    ({"type": "array", "prefixItems": []}, "prefixItems"),
    ({"not": {}}, "not of it"),
    ({"if": {}, "then": {}}, "if of it"),
    ({"type": "object", "properties": {"a": {"not": {}}}}, 'not of "a" of it'),
    ({"allOf": [{}, {}]}, "allOf"),
    ({"anyOf": []}, "anyOf"),
    ({"anyOf": {}}, "anyOf"),
    ({"anyOf": [{}], "type": "string"}, "type beside anyOf"),
    ({"enum": []}, "enum"),
    ({"enum": [1], "type": "string"}, "no value"),
    ({"const": float("inf")}, "no value"),
    ({"type": "string", "minLength": 5, "maxLength": 4}, "allow nothing"),
    ({"type": "string", "minLength": -1}, "allow nothing"),
    ({"type": "string", "maxLength": 10**9}, "above 1024"),
    ({"type": "array", "minItems": 10**400}, "above 256"),
    ({"type": "array", "items": {"maxLength": 100}, "minItems": "2"}, "minItems"),
    ({"type": "array", "minItems": 1.5}, "not a whole number"),
    ({"type": "array", "minItems": True}, "not a whole number"),
    ({"type": "integer", "minimum": float("inf")}, "not a whole number"),
    ({"type": "integer", "minimum": 1.5}, "not a whole number"),
    ({"type": "integer", "minimum": 2, "maximum": 1}, "a range without integers"),
    ({"type": "integer", "exclusiveMinimum": 1, "maximum": 1}, "a range without integers"),
    ({"type": "integer", "minimum": 10**15}, "a range without integers of up to 15 digits"),
    ({"type": "number", "minimum": 2, "maximum": 1}, "a range without numbers"),
    ({"type": "number", "exclusiveMinimum": 2, "maximum": 2}, "a range without numbers"),
    ({"type": "number", "minimum": 0.12345678901234567}, "a range without numbers"),
    ({"type": "number", "maximum": float("inf")}, "maximum of it is not a number"),
    ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, "exclusiveMinimum of it is not"),
    ({"type": "number", "maximum": "7"}, "maximum of it is not a number"),
    ({"type": "number", "maximum": float("nan")}, "maximum of it is not a number"),
    ({"type": "number", "minimum": 10**400}, "a range without numbers"),
    ({"type": "integer", "maximum": -(10**400)}, "a range without integers"),
    ({"$ref": "http://example.com/schema"}, r"\$ref"),
    ({"$ref": "#/$defs/none"}, "has no"),
    ({"$ref": 5}, r"\$ref"),
    ({"$ref": "#/$defs/a/b"}, r"\$ref"),
    ({"$ref": "#/$defs/a", "$defs": []}, "has no"),
    ({"$ref": "#"}, "nothing that ends"),
    ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "nothing that ends"),
    ({"type": "array", "items": {"$ref": "#"}, "minItems": 1}, "nothing that ends"),
    (
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        "nothing that ends",
    ),
    ({"properties": {str(i): {} for i in range(500)}}, "larger"),
    ({"enum": ["x" * LONGEST_SCHEMA]}, "characters"),
    (
        {"properties": {str(i): {"maxLength": 400} for i in range(3)}},
        "above 224",
    ),
]


@pytest.mark.parametrize(("schema", "reason"), REFUSED)
def test_what_cannot_be_followed_is_refused_in_a_sentence(schema: Any, reason: str):
    with pytest.raises(InvalidParameter, match=reason) as refusal:
        read_json_schema(json.dumps(schema))
    assert refusal.value.param == "response_format"
    assert len(refusal.value.message) < 500


@pytest.mark.parametrize("text", ["", "{", '{"type":"obj', "[" * 8000, "NaN,", '{"a":' * 3000])
def test_what_is_not_json_is_refused(text: str):
    with pytest.raises(InvalidParameter):
        read_json_schema(text)


def test_deep_nesting_is_refused():
    schema: dict[str, Any] = {}
    for _ in range(100):
        schema = {"items": schema}
    with pytest.raises(InvalidParameter, match="deeper"):
        read_json_schema(json.dumps(schema))


@pytest.mark.parametrize("schema", FOLLOWED)
@pytest.mark.parametrize("text", ["", "你好\n\"'\\", "x" * 300])
def test_an_example_follows_its_schema(schema: dict[str, Any], text: str):
    example = json_example(read_json_schema(json.dumps(schema)), text)
    jsonschema.validate(json.loads(example), schema)


def test_the_example_of_any_object_is_the_answer():
    assert json_example(read_json_schema(ANY_OBJECT), "你\n") == '{"answer":"你\\n"}'


def doubling(parts: int) -> dict[str, Any]:
    """Every definition holds the next one twice: a short schema of an endless document."""
    return {
        "$defs": {
            f"d{i}": {
                "type": "object",
                "properties": {key: {"$ref": f"#/$defs/d{i + 1}"} for key in "ab"},
                "required": ["a", "b"],
            }
            for i in range(parts)
        }
        | {f"d{parts}": {"type": "null"}},
        "$ref": "#/$defs/d0",
    }


def test_a_schema_of_an_enormous_document_fills_no_memory():
    schema = read_json_schema(json.dumps(doubling(60)))
    assert len(json_grammar(schema)) < 100_000
    with pytest.raises(EngineFailure):
        json_example(schema, "x")
    nested: dict[str, Any] = {"type": "null"}
    for _ in range(20):
        nested = {"type": "array", "minItems": 256, "items": nested}
    with pytest.raises(EngineFailure):
        json_example(read_json_schema(json.dumps(nested)), "x")


def test_what_a_schema_says_cannot_become_part_of_the_grammar():
    hostile = 'x" | any ::= "y\n\nroot ::= "z'
    grammar = json_grammar(read_json_schema(json.dumps({"const": hostile, "title": hostile})))
    assert [line for line in grammar.split("\n") if line.startswith("root")] == ["root ::= rule_0"]
    assert sum(line.startswith("any ::=") for line in grammar.split("\n")) == 1
