"""What a message says: a string, or a list of text parts."""

from __future__ import annotations

from glmscope.errors import InvalidParameter
from glmscope.server import fields


def read_content(content: object, where: str) -> str:
    """A message's content as one text; parts are joined. `where` names it in the error.

    Raises InvalidParameter for parts that are not text: these models read nothing else.
    """
    if not isinstance(content, list):
        return fields.text(content, where)
    return "".join(_text_part(part, f"{where}[{index}]") for index, part in enumerate(content))


def _text_part(part: object, where: str) -> str:
    if not isinstance(part, dict) or part.get("type") not in (None, "text"):
        raise InvalidParameter(f"{where} should be a text part; this model reads text only.")
    return fields.text(part.get("text"), f"{where}.text")
