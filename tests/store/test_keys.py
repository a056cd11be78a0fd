"""Keys: shown once, kept as digests, revoked for everybody at once, safe from kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glmscope.errors import UsageError
from glmscope.store import keytext
from glmscope.store.database import Database, open_database
from glmscope.store.keys import KeyStore


def test_a_new_key_opens_and_is_listed_without_its_text(keys: KeyStore) -> None:
    assert keys.is_empty()
    new = keys.create("laptop")
    assert not keys.is_empty()
    assert new.key.endswith(new.last4)
    assert len(new.last4) == 4
    assert timedelta(0) <= datetime.now(timezone.utc) - new.created_at < timedelta(minutes=1)

    [listed] = keys.list()
    assert keys.verify(new.key) == listed
    assert (listed.id, listed.name, listed.last4) == (new.id, "laptop", new.last4)
    assert listed.active


def test_a_key_is_in_no_repr_and_in_no_file(sqlite: Database) -> None:
    keys = KeyStore(sqlite)
    new = keys.create("laptop")
    own = keys.add("own", "a-token-of-the-house")
    assert new.key not in repr(new)
    assert own.key not in repr(own)
    files = list(Path(sqlite.name).parent.iterdir())
    assert len(files) == 3
    for file in files:
        content = file.read_bytes()
        assert new.key.encode() not in content
        assert new.key[:20].encode() not in content
        assert b"a-token-of-the-house" not in content


def test_other_text_opens_nothing(keys: KeyStore) -> None:
    key = keys.create("laptop").key
    for wrong in (key[:-1], key + "A", key.swapcase(), " " + key, key + "\n", keytext.make_key()):
        assert keys.verify(wrong) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.text(alphabet=st.characters(codec=None), max_size=600)
    | st.text(max_size=50).map("glms-".__add__)
)
def test_verify_is_total(keys: KeyStore, text: str) -> None:
    assert keys.verify(text) is None


def test_revoking_by_id_and_again(keys: KeyStore) -> None:
    kept, lost = keys.create("kept"), keys.create("lost")
    revoked = keys.revoke(lost.id)
    assert not revoked.active
    assert keys.verify(lost.key) is None
    assert keys.verify(kept.key) is not None
    assert keys.revoke(lost.id) == revoked
    assert [key.active for key in keys.list()].count(True) == 1


def test_revoking_by_last_four(keys: KeyStore) -> None:
    new = keys.create("laptop")
    assert keys.revoke(new.last4).id == new.id
    with pytest.raises(UsageError, match="no active key ends in it"):
        keys.revoke(new.last4)


def test_ambiguous_last_four_name_the_ids_and_revoke_nothing(keys: KeyStore) -> None:
    first = keys.add("one", "the-first-own-token-0001")
    second = keys.add("two", "the-second-own-token-0001")
    with pytest.raises(UsageError) as caught:
        keys.revoke("0001")
    assert first.id in caught.value.message
    assert second.id in caught.value.message
    assert all(key.active for key in keys.list())
    keys.revoke(first.id)
    assert keys.revoke("0001").id == second.id


@pytest.mark.parametrize("name", ["nothing", "", "%", "' OR 1=1 --"])
def test_revoking_what_is_not_there(keys: KeyStore, name: str) -> None:
    keys.add("short", "short")  # whose last four are empty
    with pytest.raises(UsageError, match="No key has that id"):
        keys.revoke(name)
    assert keys.verify("short") is not None


@pytest.mark.parametrize("name", ["", "   ", "a" * 65, "a\nb", "a\x1b[31m", "a\u202eb"])
def test_names_that_cannot_be_shown_are_refused(keys: KeyStore, name: str) -> None:
    with pytest.raises(UsageError, match="1 to 64 printable"):
        keys.create(name)
    assert keys.is_empty()


def test_names_are_data(keys: KeyStore) -> None:
    names = ["团队 A", "a" * 64, "'); DROP TABLE api_keys; --", "[red]%s{0}"]
    for name in names:
        keys.create(name)
    assert {key.name for key in keys.list()} == set(names)


def test_an_operators_own_token_is_accepted(keys: KeyStore) -> None:
    for token in ("x", "!~" * 256, "correct-horse-battery-staple"):
        added = keys.add("own", token)
        found = keys.verify(token)
        assert found is not None
        assert found.id == added.id
    assert [key.last4 for key in keys.list() if key.id == keys.verify("x").id] == [""]


def test_a_key_may_move_to_another_server(keys: KeyStore) -> None:
    key = keytext.make_key()
    keys.add("moved", key)
    assert keys.verify(key) is not None


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("sk-" + "0123456789abcdef" * 2, "hosted service"),
        ("two words", "visible ASCII"),
        ("", "visible ASCII"),
        ("glms-tooshort", "checksum is wrong"),
    ],
)
def test_tokens_that_cannot_be_kept(keys: KeyStore, token: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        keys.add("own", token)
    assert not token or token not in caught.value.message
    assert keys.is_empty()


def test_the_same_token_twice_is_refused(keys: KeyStore) -> None:
    first = keys.add("own", "correct-horse-battery-staple")
    with pytest.raises(UsageError, match=f"here already, as {first.id}"):
        keys.add("again", "correct-horse-battery-staple")


def test_threads_share_a_store(keys: KeyStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(keys.create, (f"key {number}" for number in range(40))))
        found = list(pool.map(keys.verify, (new.key for new in made)))
    assert [key and key.id for key in found] == [new.id for new in made]


CREATE_AND_WAIT = """
import sys, time
from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
store = KeyStore(open_database(sys.argv[1]))
print(store.create("doomed").key, flush=True)
time.sleep(60)
"""

REVOKE = """
import sys
from glmscope.store.database import open_database
from glmscope.store.keys import KeyStore
with open_database(sys.argv[1]) as database:
    KeyStore(database).revoke(sys.argv[2])
"""


@pytest.fixture
def doomed(target: str, database: Database) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", CREATE_AND_WAIT, target], stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process
        process.kill()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is a POSIX notion")
def test_a_key_that_was_shown_survives_kill_9(doomed: subprocess.Popen[str], target: str) -> None:
    assert doomed.stdout is not None
    key = doomed.stdout.readline().strip()
    doomed.send_signal(signal.SIGKILL)
    assert doomed.wait(timeout=30) == -signal.SIGKILL
    with open_database(target) as reopened:
        found = KeyStore(reopened).verify(key)
    assert found is not None
    assert found.name == "doomed"


def test_another_processs_revocation_is_seen_by_the_next_request(
    keys: KeyStore, target: str
) -> None:
    new = keys.create("laptop")
    assert keys.verify(new.key) is not None
    subprocess.run([sys.executable, "-c", REVOKE, target, new.id], check=True, timeout=60)
    assert keys.verify(new.key) is None
