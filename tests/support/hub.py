"""A stand-in for ModelScope and Hugging Face: the few addresses that their libraries call.

ModelScope:   GET /api/v1/models/OWNER/NAME/repo/files?Revision=R   the listing
              GET /api/v1/models/OWNER/NAME/repo?Revision=R&FilePath=F   a file
Hugging Face: GET /api/models/OWNER/NAME/revision/R?blobs=true   the listing
              GET /OWNER/NAME/resolve/R/F   a file

Files are served whole or by Range. Faults are switched on by file name.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Request:
    """One request as it came, noted before it is answered."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    sent: int = 0
    """Bytes of a file's content that were sent in answer."""


@dataclass
class StandInHub:
    """Repositories by (id, revision), and what goes wrong with them."""

    repositories: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    cut_once_after: dict[str, int] = field(default_factory=dict)
    """The connection breaks once after so many bytes of the file's content."""
    stall_after: dict[str, int] = field(default_factory=dict)
    """Nothing more is sent after so many bytes, until `released`."""
    corrupt: set[str] = field(default_factory=set)
    """Served with one byte changed, while listed with the right hash."""
    without_hash: set[str] = field(default_factory=set)
    """Listed without any hash."""
    status: int | None = None
    """Every request is answered with this."""
    released: threading.Event = field(default_factory=threading.Event)
    endpoint: str = ""

    def requests_for(self, name: str) -> list[Request]:
        """The requests for a file's content, in order."""
        return [
            request
            for request in self.requests
            if request.query.get("FilePath") == name or request.path.endswith(f"/{name}")
        ]


@contextmanager
def stand_in_hub() -> Iterator[StandInHub]:
    """Serve an empty hub on a free port of this machine."""
    hub = StandInHub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    noted: Request
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        path = unquote(address.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.noted = Request(path, query, dict(self.headers.items()))
        self.hub.requests.append(self.noted)
        if self.hub.status is not None:
            self._json(self.hub.status, {"error": "as told"})
        elif path.startswith("/api/v1/models/"):
            self._modelscope(path.removeprefix("/api/v1/models/"), query)
        elif path.startswith("/api/models/"):
            repository, _, revision = path.removeprefix("/api/models/").partition("/revision/")
            self._huggingface_listing(repository, revision)
        elif "/resolve/" in path:
            repository, _, rest = path.lstrip("/").partition("/resolve/")
            revision, _, name = rest.partition("/")
            self._file(repository, revision.removeprefix("commit-of-"), name)
        else:
            self._json(404, {"error": "no such address"})

    def _modelscope(self, path: str, query: dict[str, str]) -> None:
        revision = query.get("Revision", "")
        if path.endswith("/repo"):
            self._file(path.removesuffix("/repo"), revision, query["FilePath"])
            return
        files = self.hub.repositories.get((path.removesuffix("/repo/files"), revision))
        if files is None:
            self._json(404, {"Code": 10010205001, "Success": False, "Message": "not found"})
            return
        listing = [
            {
                "Name": name,
                "Path": name,
                "Type": "blob",
                "Size": len(content),
                "Sha256": ""
                if name in self.hub.without_hash
                else hashlib.sha256(content).hexdigest(),
            }
            for name, content in files.items()
        ]
        self._json(200, {"Code": 200, "Success": True, "Data": {"Files": listing}})

    def _huggingface_listing(self, repository: str, revision: str) -> None:
        files = self.hub.repositories.get((repository, revision))
        if files is None:
            known = any(name == repository for name, _ in self.hub.repositories)
            code = "RevisionNotFound" if known else "RepoNotFound"
            self._json(404, {"error": "not found"}, {"X-Error-Code": code})
            return
        siblings = []
        for name, content in files.items():
            sibling: dict[str, object] = {"rfilename": name, "size": len(content)}
            if name not in self.hub.without_hash:
                git = hashlib.sha1(b"blob %d\0" % len(content) + content)
                sibling["blobId"] = git.hexdigest()
                if not name.endswith(".json"):  # the rest lies in the large-file store
                    sha256 = hashlib.sha256(content).hexdigest()
                    sibling["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
            siblings.append(sibling)
        sha = f"commit-of-{revision}"
        self._json(200, {"id": repository, "modelId": repository, "sha": sha, "siblings": siblings})

    def _file(self, repository: str, revision: str, name: str) -> None:
        content = self.hub.repositories.get((repository, revision), {}).get(name)
        if content is None:
            self._json(404, {"error": "no such file"})
            return
        if name in self.hub.corrupt:
            content = content[:-1] + bytes([content[-1] ^ 1])
        start = 0
        wanted = self.headers.get("Range")
        if wanted is not None:
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
        body = content[start:]
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if name in self.hub.cut_once_after:
            body = body[: self.hub.cut_once_after.pop(name)]
            self.close_connection = True
        stall = self.hub.stall_after.get(name)
        self.noted.sent = len(body[:stall])
        try:
            self.wfile.write(body[:stall])
            if stall is not None:
                self.hub.released.wait()
        except OSError:
            self.close_connection = True

    def _json(self, status: int, value: object, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in (headers or {}).items():
            self.send_header(name, text)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
