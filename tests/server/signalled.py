"""A server for tests that send signals: says where it listens, and when it has stopped."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from glmscope.server.app import create_app
from glmscope.server.listener import bind
from glmscope.server.logs import configure_logs
from glmscope.server.run import serve
from tests.server.support import service_with


def say(url: str) -> None:
    parts = urlsplit(url)
    print(json.dumps([parts.hostname, parts.port]), flush=True)


if __name__ == "__main__":
    configure_logs()
    serve(create_app(service_with(), keys=None), bind("127.0.0.1", 0), say)
    print("stopped")
