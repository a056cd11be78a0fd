"""Whether a value follows a schema, beside the judgment of `jsonschema`."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest

from glmscope.engine.json_follow import follows
from glmscope.engine.json_schema import read_json_schema
from tests.engine.schemas import random_parameters

VALUES = ["", "a", "it's", '"', "多云", "x" * 5, 0, 1, -3, 2.5, True, False, None, [], [1], {}]


def random_value(rng: random.Random, names: list[str], deeper: int = 3) -> Any:
    kind = rng.random()
    if deeper and kind < 0.3:
        chosen = rng.sample(names, min(len(names), rng.randint(0, 3)))
        return {name: random_value(rng, names, deeper - 1) for name in chosen}
    if deeper and kind < 0.5:
        return [random_value(rng, names, deeper - 1) for _ in range(rng.randint(0, 3))]
    return rng.choice(VALUES)


def test_what_follows_is_what_jsonschema_accepts() -> None:
    rng = random.Random(3)
    accepted = 0
    for _ in range(3000):
        schema = random_parameters(rng)
        names = [*schema["properties"], "other"]
        value = {name: random_value(rng, names) for name in rng.sample(names, len(names) - 1)}
        valid = jsonschema.Draft202012Validator(schema).is_valid(value)
        if follows(read_json_schema(json.dumps(schema)), value):
            accepted += 1
            assert valid
        elif valid:  # stricter about members that nobody listed, and about 2.0 for an integer
            assert "other" in json.dumps(value)
    assert accepted > 100


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "integer"}, True, False),
        ({"enum": [1]}, True, False),
        ({"enum": [1]}, 1.0, True),
        ({"const": {"a": [1, None]}}, {"a": [1, None]}, True),
        ({"type": "object", "properties": {"a": {}}}, {"b": 1}, False),
        ({"type": "object", "additionalProperties": {"type": "null"}}, {"b": None}, True),
        ({"type": ["string", "null"], "maxLength": 1}, "😀", True),
    ],
)
def test_single_values(schema: dict[str, Any], value: object, expected: bool) -> None:
    assert follows(read_json_schema(json.dumps(schema)), value) is expected


def test_alternatives_that_share_parts_take_no_exponential_time() -> None:
    lists = [{"type": "array", "items": {"$ref": "#"}, "maxItems": most} for most in (1, 2, 3)]
    schema = read_json_schema(json.dumps({"anyOf": [*lists, {"type": "null"}]}))
    value: object = "no null"
    for _ in range(50):
        value = [value]
    assert not follows(schema, value)
