"""What a conversion with calibration texts is called, and what memory it takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from glmscope.model.config import ModelConfig
from glmscope.model.layout import TensorKind, expected_tensors, layer_name


@dataclass(frozen=True)
class Calibration:
    """On what INT4 was calibrated, and how; `sha256` is that of the ids."""

    method: str
    texts: int
    tokens: int
    sha256: str

    @classmethod
    def on(cls, method: str, texts: Sequence[Sequence[int]]) -> Calibration:
        """Calibration by `method` on the ids of each text."""
        digest = hashlib.sha256(json.dumps([list(ids) for ids in texts]).encode()).hexdigest()
        return cls(method, len(texts), sum(map(len, texts)), digest)


def calibration_bytes(config: ModelConfig, tokens: int) -> int:
    """The most memory that calibrating on so many tokens takes, beside the process itself.

    One block in float32, twice; what its matrices multiply, all of it at once, with a second copy
    of the widest; and for the widest the matrices of GPTQ: second moments, their inverse and what
    LAPACK and NNCF need to invert them.
    """
    shapes = [
        spec.shape
        for name, spec in expected_tensors(config).items()
        if spec.kind is TensorKind.MATRIX and name.startswith(layer_name(0, ""))
    ]
    widths = [columns for _, columns in shapes]
    numbers = sum(rows * columns for rows, columns in shapes)
    read = config.hidden_size + sum(widths) + max(widths)
    return 4 * (2 * numbers + 6 * max(widths) ** 2 + tokens * read)
