"""What cannot be pulled, and the sentence for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from glmscope.errors import HubError, ModelFilesError, UsageError
from glmscope.model.hub import pull
from glmscope.model.hub_clients import Hub, open_hub
from tests.model.hub.support import OWNER, contents, nobody
from tests.support.hub import StandInHub, stand_in_hub

pytest.importorskip("modelscope_hub", reason="the extra glmscope[hub] is not installed")
pytest.importorskip("huggingface_hub", reason="the extra glmscope[hub] is not installed")


def test_a_file_without_a_listed_hash_is_refused(
    hub: Hub, served: StandInHub, destination: Path
) -> None:
    served.without_hash.add("tokenizer.model")
    with pytest.raises(HubError, match=r"no hash for tokenizer\.model"):
        pull(hub, OWNER, "v1.0.0", destination, nobody)
    assert not destination.exists()


@pytest.mark.parametrize(
    ("repository", "revision"), [("ZhipuAI/nothing", "v1.0.0"), (OWNER, "v9.9.9")]
)
def test_an_unknown_model_or_revision_is_one_sentence(
    hub: Hub, served: StandInHub, destination: Path, repository: str, revision: str
) -> None:
    with pytest.raises(HubError) as caught:
        pull(hub, repository, revision, destination, nobody)
    assert caught.value.message == (
        f"{served.endpoint} does not have {repository} at revision {revision}."
    )
    assert not destination.exists()


@pytest.mark.parametrize(("status", "words"), [(401, "need a token"), (403, "need a token")])
def test_a_refusal_is_one_sentence(
    hub: Hub, served: StandInHub, destination: Path, status: int, words: str
) -> None:
    served.status = status
    with pytest.raises(HubError, match=words):
        pull(hub, OWNER, "v1.0.0", destination, nobody)


def test_an_endpoint_that_is_not_there_is_one_sentence(
    hub_name: str, tmp_path: Path, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelscope_hub._legacy_api.REPO_TREE_PAGE_MAX_ATTEMPTS", 1)
    with stand_in_hub() as gone:
        endpoint = gone.endpoint
    hub = open_hub(hub_name, endpoint, tmp_path / "cache")
    with pytest.raises(HubError) as caught:
        pull(hub, OWNER, "v1.0.0", destination, nobody)
    assert caught.value.message.startswith(f"{endpoint} could not be reached")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("files", [{"README.md": b"#"}, {"config.json": b"{}"}])
def test_a_repository_without_a_model_is_refused(
    hub: Hub, served: StandInHub, destination: Path, files: dict[str, bytes]
) -> None:
    served.repositories[OWNER, "empty"] = files
    with pytest.raises(ModelFilesError, match="The repository has no"):
        pull(hub, OWNER, "empty", destination, nobody)


def test_a_place_that_cannot_be_written_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HubError, match="cannot be written: "):
        pull(hub, OWNER, "v1.0.0", tmp_path / "file" / "model", nobody)


def test_a_directory_of_the_users_own_is_not_touched(hub: Hub, destination: Path) -> None:
    destination.mkdir(parents=True)
    (destination / "config.json").write_text("mine")
    with pytest.raises(ModelFilesError, match="was not made by this command"):
        pull(hub, OWNER, "v1.0.0", destination, nobody)
    assert contents(destination) == {"config.json": b"mine"}


@pytest.mark.parametrize(
    "endpoint", ["hub.example", "ftp://hub", "https://", "https://user:secret@hub", "http://[::"]
)
def test_an_endpoint_must_be_a_plain_address(endpoint: str, hub_name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="The endpoint must be an address") as caught:
        open_hub(hub_name, endpoint, tmp_path)
    assert "secret" not in caught.value.message


def test_without_the_extra_one_sentence_names_it(
    hub_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "modelscope_hub", None)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(HubError, match=r"pip install 'glmscope\[hub\]'"):
        open_hub(hub_name, None, tmp_path)
