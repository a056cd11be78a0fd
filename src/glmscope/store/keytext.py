"""What an API key looks like: `glms-`, 32 random characters, 6 characters of checksum.

    glms-4bQ0x…32 characters of 0-9A-Za-z…Zk9d0aX1
    └prefix  └log2(62) · 32 = 190 bits      └SHA-256 of all before it, modulo 62⁶

The checksum tells a mistyped or cut key from one that is unknown here, without a database. It is
no secret and proves nothing: whether a key is good only its digest in the store says.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string

PREFIX = "glms-"
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_LENGTH = 32
_CHECKSUM_LENGTH = 6
_MAX_LENGTH = 512

# What the hosted service's console hands out. Not any `sk-…`: an operator may configure such a
# token of their own.
_CLOUD_KEY = re.compile(r"sk-[0-9a-fA-F]{32}")
_ANY_KEY = re.compile(
    f"{re.escape(PREFIX)}[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}|{_CLOUD_KEY.pattern}"
)


def make_key() -> str:
    """A new key from the system's random source."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return body + _checksum(body)


def is_mistyped(text: str) -> bool:
    """Whether `text` was meant to be one of our keys but its length or checksum is wrong."""
    if not text.startswith(PREFIX):
        return False
    body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
    length = len(PREFIX) + _SECRET_LENGTH + _CHECKSUM_LENGTH
    return len(text) != length or _checksum(body) != checksum


def looks_like_cloud_key(text: str) -> bool:
    """Whether `text` is shaped like a key of the hosted service: `sk-` and 32 hexadecimal digits.

    Such a key is worth money elsewhere: refuse it, advise its owner, never store or log it.
    """
    return _CLOUD_KEY.fullmatch(text.strip()) is not None


def holds_key(text: str) -> bool:
    """Whether something shaped like a key of ours, or of the hosted service, stands in `text`."""
    return _ANY_KEY.search(text) is not None


def is_token(text: str) -> bool:
    """Whether `text` can travel in an Authorization header: 1 to 512 visible ASCII characters."""
    return 0 < len(text) <= _MAX_LENGTH and all("!" <= character <= "~" for character in text)


def _checksum(body: str) -> str:
    # Mistyped text may be anything at all, a lone surrogate included.
    digest = hashlib.sha256(body.encode("utf-8", "surrogatepass")).digest()
    number = int.from_bytes(digest, "big")
    digits = []
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)
