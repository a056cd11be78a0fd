"""What a server answers before its models are there."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import pytest

import glmscope
from glmscope.errors import ModelFilesError
from glmscope.server.app import create_app
from glmscope.server.listener import base_url, bind
from glmscope.server.loading import unavailable
from glmscope.server.run import Server
from glmscope.server.settings import ServerSettings
from tests.server.support import WAIT, Connection, ask, service_with

SETTINGS = ServerSettings(retry_after_seconds=7)


def connect(url: str) -> Connection:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return Connection((parts.hostname, parts.port), None)


def test_every_path_is_unavailable_in_its_own_words() -> None:
    with bind("127.0.0.1", 0) as listener, unavailable(listener, SETTINGS, patience=0):
        with connect(base_url(listener)) as connection:
            answer = connection.ask(ask())
            assert answer.error == (503, "ModelUnavailable")
            assert answer.headers["retry-after"] == "7"
            assert answer.headers["x-request-id"] == answer.json["request_id"]
            answer = connection.ask(ask("x" * 100_000), path="/v1/chat/completions")
            assert answer.status == 503
            assert answer.json["error"]["code"] == "service_unavailable"
            connection.send(b"", path="/healthz", method="GET")
            answer = connection.answer()
        assert answer.status == 503
        assert answer.json == {
            "status": "loading",
            "version": glmscope.__version__,
            "models": [],
        }


def test_the_address_is_kept_until_the_models_are_there() -> None:
    listener = bind("127.0.0.1", 0)
    url = base_url(listener)
    with unavailable(listener, SETTINGS, patience=0), connect(url) as connection:
        assert connection.ask(ask()).status == 503
    # Nobody serves now, and yet who asks is answered, a little later.
    with connect(url) as early:
        early.send(ask())
        server = Server(create_app(service_with(), keys=None), listener)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            assert early.answer().status == 200
        finally:
            server.stop()
            thread.join(WAIT)


def test_models_that_are_there_soon_are_waited_for() -> None:
    listener = bind("127.0.0.1", 0)
    with connect(base_url(listener)) as early:
        with unavailable(listener, SETTINGS, patience=WAIT):
            early.send(ask())
        server = Server(create_app(service_with(), keys=None), listener)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            assert early.answer().status == 200
        finally:
            server.stop()
            thread.join(WAIT)


def test_models_that_cannot_be_loaded() -> None:
    with (
        pytest.raises(ModelFilesError, match="damaged"),
        bind("127.0.0.1", 0) as listener,
        unavailable(listener, SETTINGS, patience=0),
    ):
        url = base_url(listener)
        raise ModelFilesError("The checkpoint is damaged.")
    with pytest.raises(ConnectionRefusedError):
        connect(url)
