"""An honest pickle, and how tests read any: what they share."""

from __future__ import annotations

from pathlib import Path

from glmscope.model.stored_tensor import DType
from glmscope.model.tensor_pickle import Storage, StorageView, read_state_dict
from tests.support.torch_archive import storage, tensor

PATH = Path("shard.bin")
HONEST = tensor(storage("HalfStorage", "0", 6), (2, 3))
VIEW = StorageView(Storage(DType.F16, "0", 6), 0, (2, 3), (3, 1))


def read(pickle_bytes):
    return read_state_dict(pickle_bytes, PATH)
