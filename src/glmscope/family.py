"""The two model families: one network, two prompt formats and two rotary rules."""

from __future__ import annotations

import enum


class Family(enum.Enum):
    """Which tokenizer specials, prompt format and rotary rule a checkpoint was trained with."""

    CHATGLM2 = "chatglm2"
    CHATGLM3 = "chatglm3"
