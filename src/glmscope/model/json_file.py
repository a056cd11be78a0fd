"""JSON files of a checkpoint directory, read as data from strangers."""

from __future__ import annotations

import json
from pathlib import Path

from glmscope.errors import ModelFilesError

# The largest published file of this kind is an index of some 20 KiB.
_LARGEST_BYTES = 16 * 1024 * 1024


def read_json_object(path: Path) -> dict[str, object]:
    """The object that `path` holds.

    Raises ModelFilesError when the file is missing, unreadable, larger than 16 MiB, not UTF-8,
    not JSON, or JSON but not an object.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_BYTES:
            raise ModelFilesError(f"{path} has {size} bytes, too many for a file of its kind.")
        text = path.read_bytes().decode("utf-8-sig")
        value = json.loads(text)
    except FileNotFoundError:
        raise ModelFilesError(f"{path} does not exist.") from None
    except OSError as error:
        raise ModelFilesError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ModelFilesError(f"{path} is not UTF-8 text.") from None
    except json.JSONDecodeError as error:
        raise ModelFilesError(
            f"{path} is not valid JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        ) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or nesting as deep
        raise ModelFilesError(f"{path} is not JSON of a reasonable size and depth.") from None
    if not isinstance(value, dict):
        raise ModelFilesError(f"{path} does not hold a JSON object.")
    return value
