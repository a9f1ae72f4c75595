"""Text to tokens for training: special strings in the text stay text, and every token has its exact bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from .errors import BadTokenizer
from .tokenizer import END_OF_TEXT, FIM_MIDDLE, FIM_PREFIX, FIM_SUFFIX

Tokens = npt.NDArray[np.integer[Any]]


def _byte_letters() -> dict[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    table = {chr(byte): byte for byte in printable}
    table.update({chr(256 + place): byte for place, byte in enumerate(others)})
    return table


class Encoding:
    """A byte-level BPE tokenizer as training uses it.

    Attributes:
        vocab_size: One more than the largest id.
        digest: SHA-256 of ``tokenizer.json``, hex.
        end: Id of the end-of-text token.
        token_bytes: The bytes of each id; special tokens have those of their name.
        lengths: Bytes of each id.
        characters: Characters that begin within each id, so that sums count characters.
        anchors: Whether an id always begins a piece of the pre-tokenizer (see ``fim``); None where that is not known.
    """

    def __init__(self, folder: Path) -> None:
        """Read ``tokenizer.json`` of a folder.

        Raises:
            BadTokenizer: It is missing, damaged, or not byte-level BPE.
        """
        path = folder / "tokenizer.json"
        try:
            raw = path.read_bytes()
            facts = json.loads(raw)
            self._tokenizer = Tokenizer.from_str(raw.decode("utf-8"))
        except FileNotFoundError as error:
            raise BadTokenizer(f"{folder}: has no tokenizer.json; name a folder with a fast tokenizer") from error
        except Exception as error:  # tokenizers raises plain Exception for a file that it cannot read
            raise BadTokenizer(f"{path}: is not a tokenizer ({error})") from error
        if facts["model"].get("type") != "BPE" or "ByteLevel" not in json.dumps(facts.get("decoder")):
            raise BadTokenizer(f"{path}: is not byte-level BPE; only that gives every text back exactly")
        if facts.get("normalizer") is not None:
            raise BadTokenizer(f"{path}: normalises text, so texts would not come back exactly")
        self.folder = folder
        self.digest = hashlib.sha256(raw).hexdigest()
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.ids: dict[str, int] = self._tokenizer.get_vocab(with_added_tokens=True)
        self.vocab_size = max(self.ids.values()) + 1
        self.token_bytes = self._bytes_of_ids(path, {token["content"] for token in facts["added_tokens"]})
        self.lengths = np.array([len(entry) for entry in self.token_bytes], dtype=np.int64)
        self._letters = np.frombuffer(b"".join(self.token_bytes), dtype=np.uint8)
        self._starts = np.cumsum(self.lengths) - self.lengths
        self.characters = np.array(
            [sum((byte & 0xC0) != 0x80 for byte in entry) for entry in self.token_bytes], dtype=np.int64
        )
        self.end = self._special(END_OF_TEXT)
        self.anchors = self._anchors() if _is_starcoders(facts.get("pre_tokenizer")) else None

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; what looks like a special token is encoded as the letters that it is."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def encode_batch(self, texts: list[str]) -> list[list[int]]:
        """The tokens of several texts, on all cores."""
        return [encoded.ids for encoded in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def decode_bytes(self, tokens: Tokens) -> bytes:
        """The exact bytes of some tokens."""
        lengths = self.lengths[tokens]
        ends = np.cumsum(lengths)
        if not len(ends):
            return b""
        places = np.repeat(self._starts[tokens] - (ends - lengths), lengths) + np.arange(ends[-1])
        return self._letters[places].tobytes()

    def fim_ids(self) -> tuple[int, int, int]:
        """Ids of the prefix, middle and suffix sentinels.

        Raises:
            BadTokenizer: The tokenizer has none.
        """
        return self._special(FIM_PREFIX), self._special(FIM_MIDDLE), self._special(FIM_SUFFIX)

    def _special(self, name: str) -> int:
        if name not in self.ids:
            raise BadTokenizer(f"{self.folder}: the tokenizer has no {name} token")
        return self.ids[name]

    def _bytes_of_ids(self, path: Path, added: set[str]) -> list[bytes]:
        letters = _byte_letters()
        entries = [b""] * self.vocab_size
        for text, token in self.ids.items():
            if text in added:
                entries[token] = text.encode("utf-8")
            elif all(letter in letters for letter in text):
                entries[token] = bytes(letters[letter] for letter in text)
            else:
                raise BadTokenizer(f"{path}: the entry {text!r} is outside the byte-level alphabet")
        missing = [letter for letter in letters if letter not in self.ids]
        if missing:
            raise BadTokenizer(f"{path}: {len(missing)} bytes have no entry, so texts would lose characters")
        return entries

    def _anchors(self) -> npt.NDArray[np.bool_]:
        return np.array(
            [len(entry) > 1 and entry[0] == 0x20 and 0x21 <= entry[1] <= 0x7E for entry in self.token_bytes], dtype=bool
        )


def _is_starcoders(pre_tokenizer: dict[str, Any] | None) -> bool:
    """Whether text is cut by digits, then by GPT-2's pattern, and by nothing else."""
    if not pre_tokenizer or pre_tokenizer.get("type") != "Sequence":
        return False
    parts = pre_tokenizer["pretokenizers"]
    return (
        [part["type"] for part in parts] == ["Digits", "ByteLevel"]
        and parts[0]["individual_digits"]
        and parts[1]["use_regex"]
        and not parts[1]["add_prefix_space"]
    )
