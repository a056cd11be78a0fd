"""Renaming: what is copied changes alike everywhere, and nothing else does."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="training needs PyTorch, which is not installed")

from glmscope.family import Family  # noqa: E402
from glmscope.text.prompt import TOOLS_HEADER, PromptMessage  # noqa: E402
from glmscope.text.tokenizer import Tokenizer  # noqa: E402
from glmscope.text.toolcall import write_fenced_call  # noqa: E402
from glmscope.text.vocabulary import BUILTIN_SENTENCES, build_vocabulary  # noqa: E402
from glmscope.train import renaming as module  # noqa: E402
from glmscope.train.dialogue import Dialogue  # noqa: E402
from glmscope.train.encoding import Example, chatglm3_example  # noqa: E402
from glmscope.train.packing import IGNORED, Batch, make_all, planned_batches  # noqa: E402
from glmscope.train.pointing import Pointing  # noqa: E402
from glmscope.train.renaming import Renaming  # noqa: E402

WORDS = Tokenizer(build_vocabulary(BUILTIN_SENTENCES, 1024, words_apart=True), Family.CHATGLM3)
POINTING = Pointing(WORDS)
RENAMING = Renaming(WORDS, np.zeros(0, np.int64))


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever may be renamed is."""
    monkeypatch.setattr(module, "EXAMPLES_SHARE", 1.0)
    monkeypatch.setattr(module, "WORDS_SHARE", 1.0)


def dialogue(*turns: str, renamable: bool = True) -> Example:
    roles = ("user", "assistant") * len(turns)
    messages = [PromptMessage(role, text) for role, text in zip(roles, turns, strict=False)]
    return chatglm3_example(WORDS, messages, renamable=renamable)


TOLD = dialogue("杭州看桃花，3天", "好的", "杭州看什么", "看桃花")


def renamed(example: Example, seed: int = 0, renaming: Renaming = RENAMING) -> list[int]:
    return renaming.of(example, POINTING.of(example), random.Random(seed)).tolist()


def changed(example: Example) -> str:
    """What of `example` is replaced, each piece once and in the order of ids."""
    pairs = zip(example.ids, renamed(example), strict=True)
    return WORDS.decode(sorted({before for before, after in pairs if before != after}))


def test_the_same_piece_becomes_the_same_everywhere_and_others_stay_apart() -> None:
    after = dict(zip(TOLD.ids, renamed(TOLD), strict=True))
    assert [after[id_] for id_ in TOLD.ids] == renamed(TOLD)
    assert len(set(after.values())) == len(after)


def test_what_is_copied_is_replaced_and_what_is_not_stays() -> None:
    assert set(changed(TOLD)) == set("看桃花")


def test_what_is_written_from_memory_stays() -> None:
    assert "桃" not in changed(dialogue("你好", "桃花", "杭州看桃花", "看桃花"))


def test_words_that_only_the_question_has_stay() -> None:
    example = dialogue("杭州看桃花", "好的", "上海怎么样", "上海看桃花")
    assert set(changed(example)) == set("看桃花")


def test_the_values_of_a_call_come_from_its_question() -> None:
    tool = {"name": "clock", "description": "时间", "parameters": {"properties": {"city": {}}}}
    messages = [
        PromptMessage("system", TOOLS_HEADER, tools=[tool]),
        PromptMessage("user", "桃花的时间"),
        PromptMessage("assistant", write_fenced_call({"city": "桃花"}), "clock"),
    ]
    assert set("桃花") <= set(changed(chatglm3_example(WORDS, messages, renamable=True)))


def test_an_order_is_asked_for_by_words_that_mean_something() -> None:
    assert not Dialogue("recall_lists", ()).renamable and Dialogue("recall_pairs", ()).renamable


def test_digits_stay() -> None:
    assert not changed(dialogue("12345", "好的", "几", "12345"))


def test_what_stands_there_often_is_part_of_the_form() -> None:
    assert not changed(dialogue("桃花" * 7, "好的", "什么", "桃花"))


def test_what_is_common_is_neither_replaced_nor_put_in_the_place_of_others() -> None:
    flower = WORDS.encode("桃花")[-1]
    rest = [id_ for id_ in range(WORDS.piece_count) if id_ not in TOLD.ids]
    common = np.array([flower, *rest[: len(rest) // 2]])
    after = renamed(TOLD, renaming=Renaming(WORDS, common))
    assert after.count(flower) == list(TOLD.ids).count(flower)
    assert not set(after) - set(TOLD.ids) & set(common.tolist()) - {flower}


def test_scripts_are_kept() -> None:
    example = dialogue("name Hangzhou 桃花", "好的", "什么", "Hangzhou 桃花")
    for before, after in zip(example.ids, renamed(example), strict=True):
        if before != after:
            assert WORDS.piece(before).isascii() == WORDS.piece(after).isascii()


def test_other_dialogues_stay_as_they_are() -> None:
    plain = replace(TOLD, renamable=False)
    assert renamed(plain) == list(plain.ids)


def test_about_half_of_the_examples_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EXAMPLES_SHARE", 0.5)
    kept = sum(renamed(TOLD, seed) == list(TOLD.ids) for seed in range(200))
    assert 60 <= kept <= 140


def test_the_same_numbers_give_the_same_batches() -> None:
    once, again = (
        next(
            make_all(
                planned_batches([TOLD] * 8, [64], 64 * 8, random.Random(5), POINTING, RENAMING)
            )
        ).ids
        for _ in range(2)
    )
    assert (once == again).all()
    assert len(set(map(tuple, once.tolist()))) > 1, "each draw has words of its own"


def test_renaming_needs_to_know_what_is_copied() -> None:
    with pytest.raises(ValueError, match="pointers"):
        next(make_all(planned_batches([TOLD], [64], 64, random.Random(0), None, RENAMING)))


def test_batches_have_the_new_pieces_as_ids_and_as_targets() -> None:
    size = len(TOLD)
    (batch,) = make_all(planned_batches([TOLD], [size], size, random.Random(0), POINTING, RENAMING))
    assert batch.ids[0].tolist() != list(TOLD.ids)
    places = np.flatnonzero(batch.targets[0] != IGNORED)
    assert (batch.targets[0][places] == batch.ids[0][places + 1]).all()


def test_batches_are_the_same_whether_those_before_were_made_or_not() -> None:
    def planned() -> Iterator[Callable[[], Batch]]:
        return planned_batches([TOLD] * 40, (64,), 256, random.Random(2), POINTING, RENAMING)

    whole = list(make_all(planned()))
    later = list(make_all(itertools.islice(planned(), 3, None)))
    assert len(later) == len(whole) - 3 > 0
    for one, other in zip(whole[3:], later, strict=True):
        assert (one.ids == other.ids).all()
    assert any((one.ids != whole[0].ids).any() for one in whole[1:])


def test_what_is_passed_over_is_not_made() -> None:
    class Counting(Pointing):
        asked = 0

        def of(self, example: Example) -> NDArray[np.int64]:
            self.asked += 1
            return super().of(example)

    pointing = Counting(WORDS)
    planned = planned_batches([TOLD] * 40, (64,), 256, random.Random(2), pointing)
    make = next(itertools.islice(planned, 3, None))
    assert pointing.asked == 0
    make()
    assert pointing.asked > 0
