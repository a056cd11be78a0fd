"""Pointers: where a call's name and values stand in the prompt, and which tool was meant."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs PyTorch, which is not installed")

from glmscope.family import Family  # noqa: E402
from glmscope.text.prompt import TOOLS_HEADER, PromptMessage  # noqa: E402
from glmscope.text.tokenizer import Tokenizer  # noqa: E402
from glmscope.text.toolcall import write_fenced_call  # noqa: E402
from glmscope.text.vocabulary import BUILTIN_SENTENCES, build_vocabulary  # noqa: E402
from glmscope.train.attention_loss import Heads, pointing_losses  # noqa: E402
from glmscope.train.encoding import Example, chatglm3_example  # noqa: E402
from glmscope.train.packing import make_all, planned_batches  # noqa: E402
from glmscope.train.pointing import Kind, Pointing, commonest  # noqa: E402
from glmscope.train.trainer import chosen_weights  # noqa: E402
from tests.train.tiny import tiny_model  # noqa: E402

WORDS = Tokenizer(build_vocabulary(BUILTIN_SENTENCES, 1024, words_apart=True), Family.CHATGLM3)
POINTING = Pointing(WORDS)
Pointers = dict[int, set[int]]


def tool(name: str, about: str) -> dict[str, object]:
    """As it stands in a list: the name first."""
    city = {"city": {"type": "string"}}
    return {"name": name, "description": about, "parameters": {"properties": city}}


TWO = (tool("clock", "几点的时间"), tool("weather", "天气"))


def a_call(*offered: dict[str, object]) -> Example:
    """上海 is asked for with `clock` and then with `weather`."""
    messages = [PromptMessage("system", TOOLS_HEADER, tools=list(offered))]
    for question, name in (("上海几点了", "clock"), ("上海的天气", "weather")):
        call = write_fenced_call({"city": "上海"})
        messages += [PromptMessage("user", question), PromptMessage("assistant", call, name)]
    return chatglm3_example(WORDS, messages)


def text(example: Example, places: set[int]) -> str:
    return WORDS.decode([example.ids[place] for place in sorted(places)])


def pointers(example: Example, kind: Kind) -> Pointers:
    """The places to look at, by the place that predicts."""
    found: Pointers = {}
    for this, place, source in POINTING.of(example).tolist():
        if this == kind:
            found.setdefault(place, set()).add(source)
    return found


def test_names_and_values_are_looked_for_where_they_stand() -> None:
    example = a_call(*TWO)
    copied = pointers(example, Kind.COPY)
    for place, sources in copied.items():
        assert example.learned[place + 1]
        assert {example.ids[source] for source in sources} == {example.ids[place + 1]}
    written = "".join(WORDS.piece(example.ids[place + 1]) for place in sorted(copied))
    for name in ("clock", "weather", "city", "上海"):
        assert name in written


def test_the_tool_that_is_called_is_looked_at_where_it_says_what_is_asked() -> None:
    example = a_call(*TWO)
    looked_at = list(pointers(example, Kind.TOOL).values())
    assert [text(example, places) for places in looked_at] == ["几点", "天气"]
    listed = example.ids.index(WORDS.special.user)
    assert max(place for places in looked_at for place in places) < listed


def test_a_tool_that_shares_no_word_with_the_question_is_looked_at_as_a_whole() -> None:
    example = a_call(tool("clock", "时间"), TWO[1])
    first, _ = (text(example, places) for places in pointers(example, Kind.TOOL).values())
    assert "clock" in first and "时间" in first and "weather" not in first and "天气" not in first


def test_what_a_question_asks_for_is_what_only_the_tool_that_is_called_says() -> None:
    example = a_call(*TWO)
    first, second = (text(example, places) for places in pointers(example, Kind.ASKED).values())
    assert first == "几点"
    assert second == "天气"


def test_words_of_a_question_match_the_same_words_in_the_list() -> None:
    example = a_call(*TWO)
    matches = pointers(example, Kind.MATCH)
    assert matches
    for place, looked_at in matches.items():
        assert {example.ids[one] for one in looked_at} == {example.ids[place]}
        assert not example.learned[place] and max(looked_at) < place


def test_a_word_that_one_tool_has_stands_for_its_name() -> None:
    example = a_call(*TWO)
    bound = pointers(example, Kind.BOUND)
    stood_for: dict[str, str] = {}
    for place, sources in bound.items():
        stood_for[text(example, {place})] = text(example, sources)
    first_of_name = WORDS.decode(WORDS.encode("clock")[1:2])
    assert stood_for["几"] == stood_for["点"] == first_of_name
    assert stood_for["天气"] == WORDS.decode(WORDS.encode("weather")[1:2])


def test_a_word_that_two_tools_have_stands_for_neither() -> None:
    example = a_call(tool("clock", "几点的天气"), tool("weather", "天气"))
    places = set(pointers(example, Kind.BOUND))
    assert "天" not in text(example, places) and "几" in text(example, places)


def test_a_word_between_tools_stands_for_none() -> None:
    call = write_fenced_call({"city": "上海"})
    messages = [
        PromptMessage("system", TOOLS_HEADER, tools=list(TWO)),
        PromptMessage("user", "name 几点"),
        PromptMessage("assistant", call, "clock"),
    ]
    example = chatglm3_example(WORDS, messages)
    assert text(example, set(pointers(example, Kind.MATCH))).startswith("name")
    assert text(example, set(pointers(example, Kind.BOUND))) == "几点"


def test_what_is_commonest_tells_nothing() -> None:
    example = a_call(*TWO)
    shared = np.array(WORDS.encode("几点")[1:])
    plain = Pointing(WORDS, common=shared).of(example)
    assert np.count_nonzero(plain[:, 0] == Kind.ASKED) == len(WORDS.encode("天气")[1:])
    often = np.repeat(shared, 3).astype(np.int32)
    assert set(commonest(often)[: len(shared)].tolist()) == set(shared.tolist())


def test_a_call_looks_at_the_name_of_its_tool_first() -> None:
    example = a_call(*TWO)
    for place, sources in pointers(example, Kind.NAME).items():
        assert {example.ids[source] for source in sources} == {example.ids[place + 1]}
    written = [WORDS.piece(example.ids[place + 1]) for place in pointers(example, Kind.NAME)]
    assert [WORDS.piece(WORDS.encode(name)[1]) for name in ("clock", "weather")] == written


def test_every_part_of_a_tool_finds_its_name() -> None:
    example = a_call(*TWO)
    owners = pointers(example, Kind.OWNER)
    clock, weather = sorted({min(places) for places in owners.values()})
    names = [WORDS.encode(name)[1] for name in ("clock", "weather")]
    assert [example.ids[clock], example.ids[weather]] == names
    assert all((min(places) == weather) == (place > weather) for place, places in owners.items())


def test_one_tool_leaves_no_choice_to_learn() -> None:
    example = a_call(TWO[0])
    assert not pointers(example, Kind.TOOL) and not pointers(example, Kind.MATCH)


def told_and_asked(*turns: tuple[str, str]) -> Example:
    """Questions and answers in turn, in roles."""
    roles = ("user", "assistant")
    return chatglm3_example(
        WORDS,
        [
            PromptMessage(role, text)
            for turn in turns
            for role, text in zip(roles, turn, strict=True)
        ],
    )


TWO_TOWNS = (("上海看桃花，杭州喝咖啡", "好的"), ("上海怎么样", "上海看桃花"))


def test_what_is_asked_back_is_looked_at_until_it_is_written() -> None:
    example = told_and_asked(*TWO_TOWNS)
    told = pointers(example, Kind.TOLD)
    assert {text(example, places) for places in told.values()} == {"看桃花"}
    written = max(told) + 1
    assert text(example, {written}) == text(example, {min(told[written - 1])}) == "看"
    asked_by = {place for place in told if not example.learned[place]}
    assert text(example, asked_by) == "上海<|assistant|>"
    begins = len(example.ids) - 1 - example.ids[::-1].index(WORDS.special.assistant)
    assert set(range(begins, written)) <= set(told)


def test_an_answer_looks_at_the_words_that_ask_for_what_was_told() -> None:
    example = told_and_asked(*TWO_TOWNS)
    asked = pointers(example, Kind.ASKED)
    assert {text(example, places) for places in asked.values()} == {"上海"}
    told = set(pointers(example, Kind.TOLD))
    assert set(asked) == told - set().union(*asked.values())


def test_what_is_told_is_linked_to_what_it_is_asked_by() -> None:
    example = told_and_asked(*TWO_TOWNS)
    links = pointers(example, Kind.LINK)
    assert text(example, set(links)) == "看桃花"
    assert {text(example, places) for places in links.values()} == {"上海"}


def test_a_word_that_follows_what_it_is_asked_by_is_linked_back_to_it() -> None:
    example = told_and_asked(("桃花在上海", "好的"), ("上海怎么样", "上海有桃花"))
    links = pointers(example, Kind.LINK)
    assert text(example, set(links)) == "上海"
    assert {text(example, places) for places in links.values()} == {"桃花"}


def test_a_question_looks_for_its_words_in_what_was_told() -> None:
    example = told_and_asked(*TWO_TOWNS)
    matches = pointers(example, Kind.MATCH)
    assert "上海" in text(example, set(matches))
    for place, looked_at in matches.items():
        assert {example.ids[one] for one in looked_at} == {example.ids[place]}


def test_what_the_assistant_told_is_looked_at_where_the_talk_is_about_what_was_told() -> None:
    turns = (("几点了", "上海看桃花，杭州喝咖啡"), ("上海怎么样", "上海看桃花"))
    example = replace(told_and_asked(*turns), renamable=True)
    told = pointers(example, Kind.TOLD)
    assert {text(example, places) for places in told.values()} == {"看桃花"}


@pytest.mark.parametrize(
    "turns",
    [
        pytest.param((("你好", "您好"), ("几点了", "您好")), id="only the assistant said it"),
        pytest.param((("上海看桃花", "好的"), ("桃花是什么", "桃花")), id="the question says it"),
        pytest.param((("上海看桃花", "桃花"),), id="nothing came before"),
        pytest.param(
            (("上海看桃花", "好的"), ("写一段", "杭州" * 40 + "桃花")), id="the answer is long"
        ),
    ],
)
def test_nothing_is_asked_back(turns: tuple[tuple[str, str], ...]) -> None:
    assert not pointers(told_and_asked(*turns), Kind.TOLD)


def test_what_was_not_said_before_is_copied_from_nowhere() -> None:
    messages = [PromptMessage("user", "你好"), PromptMessage("assistant", "Hangzhou")]
    assert not len(POINTING.of(chatglm3_example(WORDS, messages)))


def test_pointers_move_with_their_example_into_a_row() -> None:
    example = a_call(*TWO)
    length = 2 * len(example)
    (batch,) = make_all(
        planned_batches([example] * 3, [length], 2 * length, random.Random(0), POINTING)
    )
    assert len(batch.pointers) == 3 * len(POINTING.of(example))
    for row, kind, place, source in batch.pointers.tolist():
        assert batch.documents[row, place] == batch.documents[row, source] > 0
        if kind == Kind.COPY:
            assert batch.targets[row, place] == batch.ids[row, source]


def test_pointers_past_the_end_of_a_cut_example_are_left_out() -> None:
    example = a_call(*TWO)
    size = len(example) // 2
    (batch,) = make_all(planned_batches([example], [size], size, random.Random(0), POINTING))
    assert batch.pointers[:, 2:].max(initial=0) < size


def test_the_loss_is_what_attention_misses() -> None:
    model = tiny_model()
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    ids = torch.zeros(1, 8, dtype=torch.int64)
    documents = torch.ones_like(ids)
    _, inputs = model.hidden_and_inputs(ids, documents, [0])
    heads = (Heads(Kind.COPY, 0, (0, 1)),)
    looked = torch.tensor([[0, Kind.COPY, 7, 2], [0, Kind.COPY, 7, 3], [0, Kind.TOOL, 5, 1]])
    # Zero weights look at all eight places alike, two of which are right.
    loss = pointing_losses(model, inputs, heads, documents, looked)
    assert loss.item() == pytest.approx(np.log(4))
    none = pointing_losses(model, inputs, heads, documents, looked[2:])
    assert none.item() == 0


def test_heads_learn_to_look_where_they_are_told() -> None:
    torch.manual_seed(0)
    model = tiny_model()
    ids = torch.randint(3, 60, (1, 12))
    documents = torch.ones_like(ids)
    heads = (Heads(Kind.COPY, 1, (0,)),)
    looked = torch.tensor([[0, Kind.COPY, 11, 4], [0, Kind.COPY, 9, 6]])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(40):
        _, inputs = model.hidden_and_inputs(ids, documents, [1])
        loss = pointing_losses(model, inputs, heads, documents, looked)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4


def test_a_copy_goes_on_after_a_sign() -> None:
    words = "Hangzhou_name_city"
    example = told_and_asked((words, "好的"), ("说一遍", words))
    copied, first = (sorted(pointers(example, kind)) for kind in (Kind.COPY, Kind.FIRST))
    assert len(copied) > 3 and first == copied[:1]
    assert copied != list(range(copied[0], copied[0] + len(copied))), "signs stand between"


def test_the_first_of_a_copy_counts_more_and_openings_stay() -> None:
    pointers = torch.tensor([[0, Kind.FIRST, 2, 0], [1, Kind.FIRST, 1, 0], [0, Kind.COPY, 3, 0]])
    weights = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, 6.0, 1.0, 1.0]])
    assert chosen_weights(weights, pointers).tolist() == [[1, 1, 3, 1], [1, 6, 1, 1]]
    assert weights[0, 2] == 1


def test_only_the_first_token_of_each_copy_is_chosen() -> None:
    example = told_and_asked(("上海看桃花", "好的"), ("说一遍", "上海看桃花"))
    copied, first = (sorted(pointers(example, kind)) for kind in (Kind.COPY, Kind.FIRST))
    assert [place - copied[0] for place in copied] == list(range(len(copied)))
    assert len(copied) > 2 and first == copied[:1]


def test_a_number_comes_from_the_same_number_and_not_from_a_part_of_another() -> None:
    question = PromptMessage("user", "45个分给5个人，每人3.5元")
    code = PromptMessage(
        "assistant", "```python\nprint(round(45 * 3.5 / 5, 8))\n```", "interpreter"
    )
    example = chatglm3_example(WORDS, [question, code])
    copied = pointers(example, Kind.COPY)
    numbers = {
        "".join(WORDS.piece(example.ids[source + at]) for at in (-1, 0, 1))
        for place, sources in copied.items()
        for source in sources
        if WORDS.piece(example.ids[place + 1]).isdigit()
    }
    # Neither is the 8 copied from anywhere, nor the 5 of 3.5 from another 5.
    assert numbers == {"▁45", "45个", "给5个", "人3.", ".5元"}
