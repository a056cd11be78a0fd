"""Python strings can hold halves of surrogate pairs, which UTF-8 cannot; here they are mended."""

from __future__ import annotations


def mend_surrogates(text: str) -> str:
    """Join surrogate pairs into their character; a lone half becomes U+FFFD.

    Such halves come from `\\ud83d` escapes in JSON or in a generated call. Text without any is
    returned as it is.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
