"""How likely a text is, token by token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glmscope.chat.events import PieceLogprob
from glmscope.chat.service import Limits
from glmscope.engine.invented import invented_score
from glmscope.errors import InvalidParameter, ModelNotFound
from tests.chat.support import CHATGLM2, CHATGLM3, ListedEngine, scripted, serve

TEXT = "杭州 is a city 🌧"


@pytest.mark.parametrize("tokenizer", [CHATGLM3, CHATGLM2])
async def test_every_token_has_an_entry_and_bytes_joined_are_the_text(tokenizer):
    known = await serve(scripted(tokenizer), tokenizer).score("m", TEXT)
    ids = tokenizer.encode(TEXT)
    assert len(known) == len(ids)
    assert b"".join(each.bytes for each in known).decode() == TEXT
    expected = invented_score([*tokenizer.prefix_ids, *ids])[1:]
    assert [each.logprob for each in known] == [each.logprob for each in expected]


async def test_ids_are_the_text_that_they_are_and_a_given_prefix_is_certain():
    service = serve(scripted())
    ids = tuple(CHATGLM3.encode(TEXT))
    known = await service.score("m", TEXT)
    assert await service.score("m", ids) == known
    *prefix, first = (await service.score("m", (*CHATGLM3.prefix_ids, *ids)))[:3]
    assert prefix == [PieceLogprob("[gMASK]", b"", 0.0), PieceLogprob("sop", b"", 0.0)]
    assert first == known[0]


async def test_the_training_date_is_not_filled_in():
    known = await serve(scripted()).score("m", "[[训练时间]]")
    assert b"".join(each.bytes for each in known).decode() == "[[训练时间]]"


async def test_what_cannot_be_scored_is_refused():
    with pytest.raises(ModelNotFound):
        await serve(scripted()).score("other", TEXT)
    with pytest.raises(InvalidParameter, match="cannot tell"):
        await serve(ListedEngine()).score("m", TEXT)
    with pytest.raises(InvalidParameter, match=r"\[1, 5\]"):
        await serve(scripted(), limits=Limits(6, 6, 6)).score("m", TEXT)
    with pytest.raises(InvalidParameter, match="input length"):
        await serve(scripted()).score("m", "")


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
async def test_bytes_of_any_text(text: str):
    known = await serve(scripted()).score("m", text)
    assert b"".join(each.bytes for each in known).decode() == CHATGLM3.decode(CHATGLM3.encode(text))
