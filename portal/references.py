"""References of requests: random, hard to misread, and nothing else gets as far as the database."""

import re
import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is mistaken for something else


def new_reference() -> str:
    """A random reference such as ``FS-7K2M-9QXT-4B6C``: 60 bits, so that none can be guessed from another."""
    letters = [secrets.choice(ALPHABET) for _ in range(12)]
    return "FS-" + "-".join("".join(letters[start : start + 4]) for start in (0, 4, 8))


class Reference:
    """The path converter ``reference``."""

    regex = "FS-[0-9A-Z-]{4,17}"

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


def is_reference(text: str) -> bool:
    """Whether it has the form of a reference."""
    return re.fullmatch(Reference.regex, text) is not None
