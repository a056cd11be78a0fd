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
from glmscope.server.fields import Fields

PLUGIN_HEADER = "x-dashscope-plugin"

_MOST_PLUGINS = 64
_MOST_FILES = 32
_LONGEST_NAME = 255
_FORM = 'plugins should be a name, a list of names, or an object such as {"calculator": {}}.'


def read_plugins(header: str | None, given: Fields) -> PluginRequest | None:
    """Those that the header and `plugins` name together; None without any.

    Files for the interpreter stand in `plugin_files`: the SDK's `plugins` goes into a header, which
    has no room for them. Raises InvalidParameter for other shapes. Whether a plugin is there, the
    agent knows.
    """
    named = {**_named(_of_header(header)), **_named(given.get("plugins"))}
    uploads = _uploads(given.get("plugin_files"))
    if uploads and CODE_INTERPRETER not in named:
        raise InvalidParameter(
            f'plugin_files are for the plugin "{CODE_INTERPRETER}".', param="plugin_files"
        )
    if not named:
        return None
    if len(named) > _MOST_PLUGINS:
        raise InvalidParameter(f"plugins may name {_MOST_PLUGINS} plugins.", param="plugins")
    return PluginRequest(tuple(named), uploads)


def _of_header(header: str | None) -> object:
    """JSON where it is that, else names with commas between them."""
    text = _as_sent(header or "").strip()
    if not text.startswith(("{", "[", '"')):
        return [name.strip() for name in text.split(",") if name.strip()]
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidParameter(_FORM, param="plugins") from None


def _as_sent(header: str) -> str:
    """Headers are read as Latin-1; some clients of the SDK write a name into them as UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


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
    if not isinstance(files, list) or len(files) > _MOST_FILES:
        raise InvalidParameter(
            f"plugin_files should be a list of at most {_MOST_FILES} files.", param="plugin_files"
        )
    return tuple(_upload(file, f"plugin_files[{index}]") for index, file in enumerate(files))


def _upload(file: object, where: str) -> Upload:
    if not isinstance(file, dict):
        raise InvalidParameter(
            f'{where} should be an object such as {{"name": "a.csv", "data": base64}}.',
            param=where,
        )
    name = fields.text(file.get("name"), f"{where}.name")
    # It stands in a line of the prompt, and is a file's name in the sandbox.
    if not (name.isprintable() and "/" not in name and name not in ("", ".", "..")) or (
        len(name.encode()) > _LONGEST_NAME
    ):
        raise InvalidParameter(f"{where}.name should be a file's name, no path.", param=where)
    data = fields.text(file.get("data"), f"{where}.data")
    try:
        return Upload(name, base64.b64decode(data.encode("ascii"), validate=True))
    except (UnicodeEncodeError, binascii.Error):
        raise InvalidParameter(f"{where}.data should be base64.", param=where) from None
