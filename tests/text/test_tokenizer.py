from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceTrainer

from glmscope.errors import ModelFilesError
from glmscope.family import Family
from glmscope.text.padding import pad_left
from glmscope.text.tokenizer import COMMON_SPECIALS, ROLE_SPECIALS, SpecialIds, Tokenizer
from glmscope.text.vocabulary import builtin_vocabulary
from tests.support.paths import needs_tokenizer
from tests.support.tokenizers import builtin_tokenizer, published_tokenizer

FAMILIES = pytest.mark.parametrize("family", Family)

# Text made mostly of what special ids are called.
hostile_text = st.lists(
    st.one_of(
        st.sampled_from([*COMMON_SPECIALS, *ROLE_SPECIALS, "</s>", "<s>", "<unk>", "<0x0A>"]),
        st.text(max_size=5),
    )
).map("".join)


@FAMILIES
@given(text=hostile_text)
def test_text_never_becomes_a_special_id(family: Family, text: str) -> None:
    tokenizer = builtin_tokenizer(family)
    ids = tokenizer.encode(text)
    assert all(2 < token_id < tokenizer.piece_count for token_id in ids)
    assert tokenizer.decode(ids) == text.replace("\u2581", " ")


@needs_tokenizer
@given(text=hostile_text)
def test_nor_with_the_published_vocabulary(text: str) -> None:
    tokenizer = published_tokenizer(Family.CHATGLM3)
    ids = tokenizer.encode(text)
    assert all(2 < token_id < 64789 for token_id in ids)
    assert tokenizer.decode(ids) == text.replace("\u2581", " ")


@FAMILIES
@given(ids=st.lists(st.integers(-5, 2**40)))
def test_any_ids_decode(family: Family, ids: list[int]) -> None:
    known = [i for i in ids if 0 <= i < builtin_tokenizer(family).vocab_size]
    decoded = builtin_tokenizer(family).decode(ids)
    assert isinstance(decoded, str)
    assert bool(known) or decoded == ""


@given(text=st.text(st.characters(), max_size=20))
def test_surrogate_halves_become_replacement_characters(text: str) -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    half = f"a\udc00{text}\ud83db"
    decoded = tokenizer.decode(tokenizer.encode(half))
    assert decoded.startswith("a\ufffd") and decoded.endswith("\ufffdb")
    assert tokenizer.encode("\ud83d\ude00") == tokenizer.encode("😀")


def test_special_ids_follow_the_pieces_of_any_vocabulary() -> None:
    two, three = builtin_tokenizer(Family.CHATGLM2), builtin_tokenizer(Family.CHATGLM3)
    assert two.special == SpecialIds(2, 1024, 1025, 1026, 1027, 1028)
    assert three.special == SpecialIds(2, 1024, 1025, 1026, 1027, 1028, 1029, 1030, 1031, 1032)
    assert (two.vocab_size, three.vocab_size) == (1029, 1033)
    assert two.stop_ids == {2}
    assert three.stop_ids == {2, 1030, 1032}


@needs_tokenizer
def test_special_ids_of_the_published_vocabulary() -> None:
    tokenizer = published_tokenizer(Family.CHATGLM3)
    assert tokenizer.prefix_ids == [64790, 64792]
    assert tokenizer.stop_ids == {2, 64795, 64797}
    assert tokenizer.vocab_size == 64798
    assert published_tokenizer(Family.CHATGLM2).vocab_size == 64794


def test_chatglm2_prints_no_special_ids_and_chatglm3_their_names() -> None:
    ids = builtin_tokenizer(Family.CHATGLM3).encode_with_prefix("a")
    assert builtin_tokenizer(Family.CHATGLM2).decode(ids) == "a"
    assert builtin_tokenizer(Family.CHATGLM3).decode(ids) == "[gMASK]sop a"
    assert builtin_tokenizer(Family.CHATGLM3).decode_stretches(ids) == "[gMASK]sopa"


def test_roles_are_split_only_on_request() -> None:
    three = builtin_tokenizer(Family.CHATGLM3)
    user, assistant = three.special.user, three.special.assistant
    assert three.encode_special("<|user|>a<|assistant|>") == [user, *three.encode("a"), assistant]
    assert user not in three.encode("<|user|>a<|assistant|>")
    two = builtin_tokenizer(Family.CHATGLM2)
    assert two.encode_special("<|user|>a") == two.encode("<|user|>a")
    assert three.encode_special("[gMASK]sop") == three.encode("[gMASK]sop")


@given(text=st.text(), family=st.sampled_from(Family))
def test_the_bytes_of_the_ids_are_the_text_with_its_dummy_space(text: str, family: Family) -> None:
    tokenizer = builtin_tokenizer(family)
    joined = b"".join(map(tokenizer.id_bytes, tokenizer.encode(text)))
    assert joined == (f" {text}" if text else "").replace("\u2581", " ").encode()


def test_control_and_special_ids_have_no_bytes() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    assert {tokenizer.id_bytes(i) for i in (0, 1, 2, 1024, 1032, 1033, 10**9)} == {b""}


def test_pieces_have_names() -> None:
    tokenizer = builtin_tokenizer(Family.CHATGLM3)
    assert [tokenizer.piece(i) for i in (0, 2, 13, 1025, 1032)] == [
        "<unk>", "</s>", "<0x0A>", "[gMASK]", "<|observation|>",
    ]  # fmt: skip
    assert tokenizer.piece(1033) == tokenizer.piece(-1) == ""
    assert tokenizer.piece(tokenizer.encode("a")[0]) == "▁a"


@FAMILIES
def test_a_pair_ends_with_the_end_token(family: Family) -> None:
    tokenizer = builtin_tokenizer(family)
    first, second = tokenizer.encode("问"), tokenizer.encode("答")
    assert tokenizer.encode_pair("问", "答") == [1025, 1027, *first, *second, 2]


def test_padding_goes_to_the_left_and_positions_start_after_it() -> None:
    batch = pad_left([[7, 8, 9], [], [5]])
    assert batch.input_ids == [[7, 8, 9], [0, 0, 0], [0, 0, 5]]
    assert batch.attention_mask == [[1, 1, 1], [0, 0, 0], [0, 0, 1]]
    assert batch.position_ids == [[0, 1, 2], [0, 0, 0], [0, 0, 0]]
    assert pad_left([]).input_ids == []


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda model: b"", id="empty"),
        pytest.param(lambda model: b"no model", id="text"),
        pytest.param(lambda model: bytes(1000), id="zeros"),
        pytest.param(lambda model: b"\xff" * 1000, id="ones"),
        pytest.param(lambda model: model[: len(model) // 2], id="half"),
        pytest.param(lambda model: model[:-1], id="last byte missing"),
        pytest.param(lambda model: model + b"x", id="a byte more"),
    ],
)
def test_a_damaged_model_is_refused_in_one_sentence(
    damage, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tokenizer.model"
    path.write_bytes(damage(builtin_vocabulary()))
    with pytest.raises(ModelFilesError) as refusal:
        Tokenizer.from_file(path, Family.CHATGLM3)
    assert refusal.value.message.startswith(str(path))
    assert "\n" not in refusal.value.message
    assert capfd.readouterr() == ("", "")


@given(length=st.integers(0, len(builtin_vocabulary()) - 1))
def test_a_model_cut_anywhere_is_refused(length: int) -> None:
    """Also between two fields, where the rest is still a well-formed message."""
    with pytest.raises(ModelFilesError):
        Tokenizer(builtin_vocabulary()[:length], Family.CHATGLM3)


@given(data=st.binary())
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(ModelFilesError):
        Tokenizer(data, Family.CHATGLM3)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ModelFilesError, match=r"Cannot read the tokenizer .*absent\.model: No such"
    ):
        Tokenizer.from_file(tmp_path / "absent.model", Family.CHATGLM3)


def test_a_model_without_byte_pieces_is_refused(tmp_path: Path) -> None:
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e"]),
        model_prefix=str(tmp_path / "m"),
        vocab_size=10,
        model_type="bpe",
        minloglevel=3,
    )
    with pytest.raises(ModelFilesError, match="no byte pieces"):
        Tokenizer.from_file(tmp_path / "m.model", Family.CHATGLM3)


def test_a_model_without_an_end_piece_is_refused(tmp_path: Path) -> None:
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e"]),
        model_prefix=str(tmp_path / "m"),
        vocab_size=268,
        model_type="bpe",
        byte_fallback=True,
        eos_id=-1,
        minloglevel=3,
    )
    with pytest.raises(ModelFilesError, match="no end-of-sequence piece"):
        Tokenizer.from_file(tmp_path / "m.model", Family.CHATGLM3)


def test_a_vocabulary_without_dummy_prefix_keeps_the_first_space(tmp_path: Path) -> None:
    SentencePieceTrainer.train(
        sentence_iterator=iter(["a b c d e"]),
        model_prefix=str(tmp_path / "m"),
        vocab_size=268,
        model_type="bpe",
        byte_fallback=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        minloglevel=3,
    )
    tokenizer = Tokenizer.from_file(tmp_path / "m.model", Family.CHATGLM3)
    assert tokenizer.decode(tokenizer.encode(" a b")) == " a b"
