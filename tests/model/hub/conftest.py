"""Stand-ins of both hubs, and where a model goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from glmscope.model.hub_clients import Hub, open_hub
from tests.model.hub.support import OWNER
from tests.support.hub import StandInHub, stand_in_hub


@pytest.fixture(scope="module")
def server() -> Iterator[StandInHub]:
    with stand_in_hub() as served:
        yield served


@pytest.fixture
def served(server: StandInHub) -> Iterator[StandInHub]:
    server.repositories = {
        (OWNER, revision): {
            "README.md": b"# read me",
            "config.json": b'{"model_type": "chatglm"}',
            "tokenizer.model": b"pieces of " + revision.encode(),
            "tokenizer_config.json": b"{}",
            "modeling_chatglm.py": b"raise SystemExit('ran')",
            "model.safetensors": revision.encode() * 1_500_000,
            "pytorch_model.bin": b"a pickle",
            "../../outside.safetensors": b"escaped",
        }
        for revision in ("v1.0.0", "v1.0.1")
    }
    server.requests.clear()
    yield server
    server.status = None
    for faults in (server.cut_once_after, server.stall_after, server.corrupt, server.without_hash):
        faults.clear()


@pytest.fixture(params=["modelscope", "huggingface"])
def hub_name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hub(served: StandInHub, hub_name: str, tmp_path: Path) -> Hub:
    return open_hub(hub_name, served.endpoint, tmp_path / "cache")


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "models" / "chatglm3-6b"
