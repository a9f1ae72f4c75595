"""Text that people write for other people: cleaned, and neither empty nor endless."""

import unicodedata

from core.errors import InvalidInput

LONGEST = 4000  # characters
# Marks that turn the direction of what follows, so that a text can show what it does not say.
_TURNING = dict.fromkeys(map(ord, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00"))


def written(text: str, field: str, *, missing: str = "", longest: int = LONGEST) -> str:
    """The text without what cannot be seen and misleads.

    Args:
        text: As it was typed.
        field: The name of its form field or parameter.
        missing: What to say where nothing was written; empty: nothing need be.
        longest: The most characters.

    Raises:
        InvalidInput: It is missing or too long.
    """
    clean = "".join(
        letter
        for letter in text.translate(_TURNING).replace("\r\n", "\n")
        if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cs")
    ).strip()
    if missing and not clean:
        raise InvalidInput(missing, field)
    if len(clean) > longest:
        raise InvalidInput(f"Shorten this to {longest:,} characters; it has {len(clean):,}.", field)
    return clean
