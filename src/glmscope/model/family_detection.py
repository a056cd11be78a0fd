"""Which family a checkpoint directory belongs to, told from text that is never run.

Source: model specification, section 1: `_name_or_path`, or role tokens in the tokenizer's files.
"""

from __future__ import annotations

from pathlib import Path

from glmscope.errors import UnsupportedModel
from glmscope.family import Family

_TOKENIZER_CODE = "tokenization_chatglm.py"
_TOKENIZER_FILES = (_TOKENIZER_CODE, "tokenizer_config.json", "special_tokens_map.json")
_ROLE_TOKEN = "<|assistant|>"  # noqa: S105 - a word of the vocabulary
_SHARED_TOKEN = "[gMASK]"  # noqa: S105 - in the tokenizers of both families
_MOST_CHARACTERS = 1024 * 1024
_ADVICE = "give --family chatglm2 or --family chatglm3"


def detect_family(directory: Path, name: str) -> Family:
    """The family of `directory`, whose configuration calls itself `name`.

    Raises UnsupportedModel when nothing tells the family, or two things disagree.
    """
    texts = {file: _head_of(directory / file) for file in _TOKENIZER_FILES}
    role_files = [file for file, text in texts.items() if _ROLE_TOKEN in text]
    named = [family for family in Family if family.value in name.lower()]
    if named == [Family.CHATGLM2] and role_files:
        raise UnsupportedModel(
            f"{directory} calls itself {name!r}, but {role_files[0]} has the role tokens of "
            f"ChatGLM3: {_ADVICE}."
        )
    if len(named) == 1:
        return named[0]
    if role_files:
        return Family.CHATGLM3
    if _SHARED_TOKEN in texts[_TOKENIZER_CODE]:
        return Family.CHATGLM2
    raise UnsupportedModel(
        f"Nothing in {directory} tells ChatGLM2 from ChatGLM3 (its configuration calls itself "
        f"{name!r}, and no tokenizer file names role tokens): {_ADVICE}."
    )


def _head_of(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_CHARACTERS)
    except OSError:
        return ""
