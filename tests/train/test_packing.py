"""Packing: nothing is lost, nothing is learned across documents."""

from __future__ import annotations

import random

import numpy as np

from glmscope.train.encoding import Example
from glmscope.train.packing import IGNORED, Batch, make_all, planned_batches


def examples(count: int = 60) -> list[Example]:
    rng = random.Random(4)
    made = []
    for number in range(count):
        size = rng.randint(2, 40)
        ids = [1000 * (number + 1) + place for place in range(size)]
        made.append(Example(ids, [place % 3 > 0 for place in range(size)]))
    return made


def unpacked(batch: Batch) -> list[tuple[list[int], list[int]]]:
    """Ids and targets of each document."""
    found = []
    for row in range(len(batch.ids)):
        for number in range(1, batch.documents[row].max() + 1):
            here = batch.documents[row] == number
            found.append((batch.ids[row][here].tolist(), batch.targets[row][here].tolist()))
    return found


def test_every_example_comes_once_and_whole() -> None:
    made = examples()
    packed = [
        document
        for batch in make_all(planned_batches(made, (16, 64), 128, random.Random(0)))
        for document in unpacked(batch)
    ]
    assert sorted(ids for ids, _ in packed) == sorted(example.ids for example in made)


def test_a_target_is_the_next_token_where_that_is_learned() -> None:
    by_first = {example.ids[0]: example for example in examples()}
    for batch in make_all(planned_batches(examples(), (64,), 128, random.Random(0))):
        for ids, targets in unpacked(batch):
            example = by_first[ids[0]]
            wanted = [
                token if learned else IGNORED
                for token, learned in zip(example.ids[1:], example.learned[1:], strict=True)
            ]
            assert targets == [*wanted, IGNORED]


def test_a_longer_example_is_cut_at_the_longest_row() -> None:
    (batch,) = make_all(
        planned_batches([Example(list(range(1, 31)), [True] * 30)], (8, 16), 16, random.Random(0))
    )
    assert unpacked(batch) == [(list(range(1, 17)), [*range(2, 17), IGNORED])]


def test_rows_are_of_the_shortest_length_that_holds_them() -> None:
    widths = {
        batch.ids.shape[1]
        for batch in make_all(planned_batches(examples(), (16, 64), 128, random.Random(0)))
    }
    assert widths == {16, 64}


def test_rows_are_well_filled_and_batches_bounded() -> None:
    packed = list(make_all(planned_batches(examples(400), (64,), 512, random.Random(0))))
    assert max(batch.ids.size for batch in packed) <= 512
    filled = sum(batch.tokens for batch in packed) / sum(batch.ids.size for batch in packed)
    assert filled > 0.9
    assert all(np.all(batch.ids[batch.documents == 0] == 0) for batch in packed)


def test_the_same_numbers_give_the_same_batches() -> None:
    one, other = (
        list(make_all(planned_batches(examples(), (64,), 128, random.Random(9)))) for _ in range(2)
    )
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(one, other, strict=True))
