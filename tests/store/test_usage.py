"""Usage: sums that are right from several threads and processes, in both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from glmscope.errors import StoreError
from glmscope.store.keys import KeyStore
from glmscope.store.usage import Amount, UsageKey, UsageStore

MONDAY, TUESDAY = date(2026, 1, 5), date(2026, 1, 6)


def test_amounts_add_up(keys: KeyStore, usage: UsageStore) -> None:
    first, second = keys.create("first"), keys.create("second")
    usage.add({UsageKey(first.id, "a", MONDAY): Amount(1, 10, 100)})
    usage.add(
        {
            UsageKey(first.id, "a", MONDAY): Amount(0, 0, 5),
            UsageKey(first.id, "b", TUESDAY): Amount(2, 2**40, 0),
            UsageKey(second.id, "a", TUESDAY): Amount(1, 1, 1),
        }
    )
    usage.add({})
    days = [(total.key_name, total.model, total.day, total.amount) for total in usage.totals()]
    assert sorted(days) == [
        ("first", "a", MONDAY, Amount(1, 10, 105)),
        ("first", "b", TUESDAY, Amount(2, 2**40, 0)),
        ("second", "a", TUESDAY, Amount(1, 1, 1)),
    ]
    (everything,) = usage.totals(by=())
    assert everything.amount == Amount(4, 2**40 + 11, 106)
    assert everything.fields()["total_tokens"] == 2**40 + 117
    assert [total.amount.requests for total in usage.totals(by=["day"])] == [1, 3]
    assert [total.day for total in usage.totals(since=TUESDAY, by=["day"])] == [TUESDAY]
    assert [total.day for total in usage.totals(until=MONDAY, by=["day"])] == [MONDAY]
    assert [total.model for total in usage.totals(by=["model"], key_id=second.id)] == ["a"]
    assert usage.tokens_since(first.id, TUESDAY) == 2**40
    assert usage.tokens_since(first.id, date(2026, 2, 1)) == 0
    assert usage.totals(by=(), since=date(2027, 1, 1)) == []


def test_a_rotated_key_keeps_its_account(keys: KeyStore, usage: UsageStore) -> None:
    key = keys.create("laptop")
    usage.add({UsageKey(key.id, "a", MONDAY): Amount(1, 1, 1)})
    keys.rotate(key.id)
    assert usage.tokens_since(keys.list()[0].id, MONDAY) == 2


def test_all_of_a_batch_or_nothing(keys: KeyStore, usage: UsageStore) -> None:
    key = keys.create("laptop")
    with pytest.raises(StoreError):
        usage.add(
            {
                UsageKey(key.id, "a", MONDAY): Amount(1, 1, 1),
                UsageKey("no such key", "a", MONDAY): Amount(1, 1, 1),
            }
        )
    assert usage.totals() == []


def test_writers_at_once_lose_nothing(keys: KeyStore, usage: UsageStore) -> None:
    made = [keys.create(f"key {number}") for number in range(4)]

    def write(number: int) -> None:
        # In different orders, which must not make one wait for the other for ever.
        turn = made if number % 2 else made[::-1]
        usage.add({UsageKey(key.id, "a", MONDAY): Amount(1, number, 1) for key in turn})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    assert [total.amount for total in usage.totals()] == [Amount(40, sum(range(40)), 40)] * 4
