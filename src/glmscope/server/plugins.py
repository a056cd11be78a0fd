"""Which plugins a request wants, in a header or in its body.

DashScope protocol, section 2: the SDK's `plugins` travels in `X-DashScope-Plugin`, as a name or as
the JSON text of an object, whose keys are names and whose values are options.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from glmscope.agent.plugins import CODE_INTERPRETER, PluginRequest, Upload
from glmscope.errors import InvalidParameter
from glmscope.server import fields

PLUGIN_HEADER = "x-dashscope-plugin"

_MOST_PLUGINS = 64
_MOST_FILES = 32
_LONGEST_NAME = 255
_FORM = 'plugins should be a name, a list of names, or an object such as {"calculator": {}}.'


def read_plugins(header: str | None, body: object) -> PluginRequest | None:
    """Those that the header and the body name together; None without any.

    Raises InvalidParameter for other shapes. Whether a plugin is there, the agent knows.
    """
    named = {**_named(_of_header(header)), **_named(body)}
    if not named:
        return None
    if len(named) > _MOST_PLUGINS:
        raise InvalidParameter(f"plugins may name {_MOST_PLUGINS} plugins.", param="plugins")
    options = named.get(CODE_INTERPRETER, {})
    return PluginRequest(tuple(named), _uploads(options.get("files")))


def _of_header(header: str | None) -> object:
    """JSON where it is that, else names with commas between them."""
    text = (header or "").strip()
    if not text.startswith(("{", "[", '"')):
        return [name.strip() for name in text.split(",") if name.strip()]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidParameter(_FORM, param="plugins") from None


def _named(value: object) -> Mapping[str, Mapping[str, Any]]:
    """Names with their options."""
    if value is None:
        return {}
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list):
        value = {name if isinstance(name, str) else None: {} for name in map(_hashable, value)}
    if not isinstance(value, dict):
        raise InvalidParameter(_FORM, param="plugins")
    for name, options in value.items():
        if not isinstance(name, str) or not isinstance(options, dict):
            raise InvalidParameter(_FORM, param="plugins")
        fields.text(name, "plugins")
    return value


def _hashable(name: object) -> object:
    return name if isinstance(name, str) else None


def _uploads(files: object) -> tuple[Upload, ...]:
    if files is None:
        return ()
    where = f"plugins.{CODE_INTERPRETER}.files"
    if not isinstance(files, list) or len(files) > _MOST_FILES:
        raise InvalidParameter(
            f"{where} should be a list of at most {_MOST_FILES} files.", param="plugins"
        )
    return tuple(_upload(file, f"{where}[{index}]") for index, file in enumerate(files))


def _upload(file: object, where: str) -> Upload:
    if not isinstance(file, dict):
        raise InvalidParameter(
            f'{where} should be an object such as {{"name": "a.csv", "data": base64}}.',
            param="plugins",
        )
    name = fields.text(file.get("name"), f"{where}.name")
    # It stands in a line of the prompt, and is a file's name in the sandbox.
    if not (name.isprintable() and "/" not in name and name not in ("", ".", "..")) or (
        len(name.encode()) > _LONGEST_NAME
    ):
        raise InvalidParameter(f"{where}.name should be a file's name, no path.", param="plugins")
    data = fields.text(file.get("data"), f"{where}.data")
    try:
        return Upload(name, base64.b64decode(data.encode("ascii"), validate=True))
    except (UnicodeEncodeError, binascii.Error):
        raise InvalidParameter(f"{where}.data should be base64.", param="plugins") from None
