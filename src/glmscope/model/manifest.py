"""What a converted directory says of itself: `glmscope.json`, written last, read first."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from glmscope.errors import ModelFilesError
from glmscope.family import Family
from glmscope.model.calibration import Calibration
from glmscope.model.config import ModelConfig, load_config
from glmscope.model.digest import sha256_of
from glmscope.model.json_file import read_json_object

MANIFEST_FILE = "glmscope.json"
GRAPH_FILE = "openvino_model.xml"
WEIGHTS_FILE = "openvino_model.bin"
TOKENIZER_FILE = "tokenizer.model"
FORMAT = 1

# Whoever reads the manifest checks smaller files byte for byte, and larger ones by their size:
# hashing gigabytes takes seconds, which `Manifest.check_hashes` spends beside other work.
_LARGEST_HASHED = 64 * 1024 * 1024


@dataclass(frozen=True)
class ListedFile:
    """A file of a converted directory: its size in bytes and its SHA-256."""

    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> ListedFile:
        """The file as it is now."""
        return cls(path.stat().st_size, sha256_of(path))

    def fault(self, path: Path) -> str | None:
        """What is wrong with `path`, or None."""
        if not path.is_file():
            return "is missing"
        size = path.stat().st_size
        if size != self.size:
            return f"holds {size} bytes instead of {self.size}"
        return self.changed(path) if size <= _LARGEST_HASHED else None

    def changed(self, path: Path) -> str | None:
        """That the bytes of `path` are others, or None."""
        return None if sha256_of(path) == self.sha256 else "was changed"


@dataclass(frozen=True)
class Manifest:
    """How a directory was made, and what it must hold to be complete.

    `weights` is the format that was asked for, or `official-int8`/`official-int4` for carried-over
    integers. `files` is what must be there, `sources` the SHA-256 of what was read, with `prefix/`
    before the names of a separate prefix. `prefix_length` is the number of virtual tokens P of a
    P-Tuning v2 prefix: their ids are `config.padded_vocab_size` onward, and every prompt has to
    start with them. `calibration` is None where no texts were looked at.
    """

    family: Family
    weights: str
    group_size: int | None
    prefix_length: int
    config: ModelConfig
    sources: dict[str, str]
    files: dict[str, ListedFile]
    versions: dict[str, str]
    calibration: Calibration | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of all listed files."""
        return sum(file.size for file in self.files.values())

    @property
    def is_exact(self) -> bool:
        """Whether the weights are those of the published float16 and integer files, unrounded."""
        return self.weights in ("fp32", "fp16", "official-int8", "official-int4")

    def check_hashes(self, directory: Path) -> None:
        """Hash what `read_manifest` knows by its size alone, which takes seconds.

        Raises ModelFilesError for a file that is not the listed one.
        """
        for name, file in self.files.items():
            if file.size > _LARGEST_HASHED:
                _refuse(directory / name, file.changed(directory / name))

    def write(self, directory: Path) -> None:
        """Write `glmscope.json` into `directory`, which already holds everything else."""
        fields = {
            "format": FORMAT,
            "family": self.family.value,
            **{
                field.name: getattr(self, field.name)
                for field in dataclasses.fields(self)
                if field.name not in ("family", "config", "files", "calibration")
            },
            "calibration": self.calibration and dataclasses.asdict(self.calibration),
            "files": {name: dataclasses.asdict(file) for name, file in self.files.items()},
        }
        text = json.dumps(fields, indent=2, ensure_ascii=False)
        (directory / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")


def is_converted(directory: Path) -> bool:
    """Whether `directory` claims to be a converted model; `read_manifest` checks the claim."""
    return (directory / MANIFEST_FILE).is_file()


def read_manifest(directory: Path) -> Manifest:
    """Read and check a converted directory.

    Raises ModelFilesError when it is none, was made by another version of the format, or a file is
    missing or not the one that the manifest lists.
    """
    path = directory / MANIFEST_FILE
    if not path.is_file():
        raise ModelFilesError(f"{directory} is not a converted model: it has no {MANIFEST_FILE}.")
    fields = read_json_object(path)
    if fields.get("format") != FORMAT:
        raise ModelFilesError(
            f"{path} has format {fields.get('format')!r}, and this version reads {FORMAT}: "
            "convert the checkpoint again."
        )
    try:
        family = Family(fields["family"])
        manifest = Manifest(
            family=family,
            weights=_text(fields["weights"]),
            group_size=None if fields["group_size"] is None else _count(fields["group_size"]),
            prefix_length=_count(fields["prefix_length"]),
            config=load_config(directory, family),
            sources={name: _text(value) for name, value in _table(fields["sources"])},
            files={name: _listed_file(value) for name, value in _table(fields["files"])},
            versions={name: _text(value) for name, value in _table(fields["versions"])},
            calibration=_calibration(fields.get("calibration")),  # earlier versions had none
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFilesError(
            f"{path} is damaged ({error}): convert the checkpoint again."
        ) from None
    for name, file in manifest.files.items():
        _refuse(directory / name, file.fault(directory / name))
    return manifest


def _refuse(path: Path, fault: str | None) -> None:
    if fault:
        raise ModelFilesError(f"{path} {fault}: convert the checkpoint again.")


def _listed_file(value: object) -> ListedFile:
    fields = dict(_table(value))
    return ListedFile(_count(fields["size"]), _text(fields["sha256"]))


def _calibration(value: object) -> Calibration | None:
    if value is None:
        return None
    fields = dict(_table(value))
    return Calibration(
        _text(fields["method"]),
        _count(fields["texts"]),
        _count(fields["tokens"]),
        _text(fields["sha256"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} where a text belongs")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} where a count belongs")
    return value


def _table(value: object) -> list[tuple[str, object]]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} where a table belongs")
    return list(value.items())
