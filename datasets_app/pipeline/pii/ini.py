"""Files that read as INI, the way detect-secrets reads them: their values count as quoted though they are not.

detect-secrets tries to parse every file as INI, and puts quotes around the values, so that its entropy plugins see them. It does so
once as the file is and, where it then finds nothing, once under a made-up section, which takes ``.env`` files in. Parsing
every file costs more than everything else here, so :func:`may_parse` first looks for a line that no INI file can have.
"""

import configparser
import io
import re
from typing import Any

from detect_secrets.transformers.config import (
    ConfigFileTransformer,
    EagerConfigFileTransformer,
    EfficientParsingError,
)
from detect_secrets.transformers.exceptions import ParsingError

# Their module puts a class that forgets its lines in the standard library's place, for the whole process: put it back.
configparser.ParsingError = EfficientParsingError.__base__  # type: ignore[misc, assignment]

# It starts at the margin, is no comment and no section, and has no delimiter.
_IMPOSSIBLE = re.compile(rb"^[!-\"$-9<>-Z\\-~][^=:\r\n]*(?:[\r\n]|\Z)", re.M)
_FIRST = re.compile(rb"(?:\s*(?:[#;][^\r\n]*)?[\r\n])*\s*([^\s])")


class _Named(io.StringIO):
    name = "text.txt"


def may_parse(content: bytes) -> bool:
    """False if the file cannot be INI, even under a made-up section; True says nothing."""
    return _IMPOSSIBLE.search(content) is None


def quoted_lines(content: bytes, *, section: bool) -> list[str] | None:
    """The lines detect-secrets makes of an INI file, ``key = "value"``; None if it is none.

    Args:
        content: UTF-8 text.
        section: Put it under a made-up section first.
    """
    if not section:
        first = _FIRST.match(content)
        if first is None or first[1] != b"[":
            return None
    file = _Named(content.decode().replace("\r\n", "\n").replace("\r", "\n"))
    transformer: Any = EagerConfigFileTransformer() if section else ConfigFileTransformer()
    try:
        return transformer.parse_file(file)
    except ParsingError:
        return None
