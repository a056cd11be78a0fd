"""Which kind of golden directory is this, and do we agree with it?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from glmscope.errors import UsageError
from glmscope.model.config import CONFIG_FILE
from glmscope.parity.components import COMPONENT_FILES, check_components
from glmscope.parity.models import check_model
from glmscope.parity.row import Row
from glmscope.text.golden import check_tokenizer_directory

TOKENIZER_FILE = "tokenizer.model"


def check_directory(directory: Path, tokenizer: Path | None = None) -> Iterator[Row]:
    """Compare with whatever golden files `directory` holds, one row a comparison.

    `tokenizer` is the `tokenizer.model` to use for text; by default the one in the directory.
    Raises UsageError for a directory that holds none, ModelFilesError for one that is damaged.
    """
    if not directory.is_dir():
        raise UsageError(f"{directory} is not a directory.")
    if (directory / "golden.npz").is_file() and (directory / CONFIG_FILE).is_file():
        yield from check_model(directory)
    elif any((directory / f"{name}.npz").is_file() for name in COMPONENT_FILES):
        yield from check_components(directory)
    else:
        yield from _check_text(directory, tokenizer)


def _check_text(directory: Path, tokenizer: Path | None) -> Iterator[Row]:
    path = tokenizer or directory / TOKENIZER_FILE
    if not path.is_file():
        raise UsageError(
            f"{directory} holds no golden files of a model or component, and for those of a "
            f"tokenizer {path} is missing: name one with --tokenizer."
        )
    found = False
    for result in check_tokenizer_directory(directory, path.read_bytes()):
        found = True
        compared = f"{result.compared}, {result.cases} cases"
        yield Row(result.file, compared, float(len(result.failures)), 0)
    if not found:
        raise UsageError(f"{directory} holds no golden files.")
