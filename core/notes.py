"""Signed notes, checkpoints and cosignatures, as C2SP's signed-note, tlog-checkpoint and tlog-cosignature describe them.

A checkpoint says how many entries a log has and the root of its tree, under the log's signature. A witness that has checked that
the log only grew adds a cosignature with the time. Only Ed25519. No Django here, so that a witness runs it without a site.
"""

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519, COSIGNATURE = 0x01, 0x04
DASH = "\N{EM DASH}"
MOST_BYTES = 64_000  # of a note
FUTURE = 300  # seconds that a witness's clock may be ahead

Sign = Callable[[bytes], bytes]


class NoteError(ValueError):
    """A note, checkpoint or key that is malformed or not signed as it should be. The text says what is wrong."""


@dataclass(frozen=True)
class Verifier:
    """A public key under its name.

    Attributes:
        name: By convention an address without its scheme; no spaces, no plus.
        key: 32 bytes.
        kind: ``ED25519`` for a log, ``COSIGNATURE`` for a witness.
    """

    name: str
    key: bytes
    kind: int = ED25519

    def __post_init__(self) -> None:
        if not self.name or re.search(r"[\s+]", self.name) or not self.name.isprintable():
            raise NoteError(
                f"{self.name!r} cannot name a key: it needs letters without spaces, control characters or plus."
            )
        if len(self.key) != 32 or self.kind not in (ED25519, COSIGNATURE):
            raise NoteError(f"The key of {self.name} is no Ed25519 key of a log or a witness.")

    @property
    def key_id(self) -> bytes:
        """Four bytes by which signature lines name the key."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:4]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the raw key, in hex."""
        return hashlib.sha256(self.key).hexdigest()

    def __str__(self) -> str:
        """The key as text (a *vkey*): ``name+id+base64``."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.key).decode()}"

    @classmethod
    def parse(cls, text: str) -> "Verifier":
        """Read a key from its text.

        Raises:
            NoteError: It is none.
        """
        name, _, rest = text.strip().partition("+")
        written, _, encoded = rest.partition("+")
        try:
            data = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            data = b""
        if len(data) != 33:
            raise NoteError(f"{text!r} is no key: it should read name+id+base64.")
        found = cls(name, data[1:], data[0])
        if found.key_id.hex() != written:
            raise NoteError(f"The key {text!r} does not fit its id: it was changed or cut.")
        return found

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether ``signature`` (without the key id) is this key's over the note's text."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            if len(signature) != 72:
                return False
            message = cosigned(text, timestamp_of(signature))
            signature = signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


def cosigned(text: str, timestamp: int) -> bytes:
    """What a witness signs: the checkpoint's text behind the time (seconds of POSIX)."""
    return f"cosignature/v1\ntime {timestamp}\n{text}".encode()


def timestamp_of(signature: bytes) -> int:
    """The time of a cosignature (without the key id), in seconds."""
    return int(struct.unpack(">Q", signature[:8])[0])


@dataclass(frozen=True)
class SignatureLine:
    """One line below a note: who, and the bytes behind the key id."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{DASH} {self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"

    @classmethod
    def parse(cls, line: str) -> "SignatureLine":
        """Read a line, with or without its newline.

        Raises:
            NoteError: It is no signature line.
        """
        match = re.fullmatch(rf"{DASH} ([^\s+]+) ([A-Za-z0-9+/]+=*)\n?", line)
        try:
            data = base64.b64decode(match[2], validate=True) if match else b""
        except binascii.Error:
            data = b""
        if match is None or len(data) < 5:
            raise NoteError(f"No signature line: {line[:80]!r}.")
        return cls(match[1], data[:4], data[4:])

    def by(self, verifier: Verifier) -> bool:
        """Whether the line names this key."""
        return (self.name, self.key_id) == (verifier.name, verifier.key_id)


def split(note: str) -> tuple[str, list[SignatureLine]]:
    """The text of a note (with its last newline) and its signature lines, not yet verified.

    Raises:
        NoteError: It is no signed note.
    """
    if len(note.encode()) > MOST_BYTES or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise NoteError("The note is too long or has control characters.")
    text, blank, rest = note.rpartition("\n\n")
    if not blank or not text or not rest.endswith("\n"):
        raise NoteError("That is no signed note: a text, an empty line, then signatures.")
    return text + "\n", [SignatureLine.parse(line) for line in rest[:-1].split("\n")]


def verify(note: str, known: Sequence[Verifier]) -> tuple[str, list[Verifier]]:
    """The text of a note and by which of the known keys it is signed.

    Raises:
        NoteError: Malformed, signed by none of them, or a signature in the name of one of them is false.
    """
    text, lines = split(note)
    signers = []
    for line in lines:
        for verifier in known:
            if line.by(verifier):
                if not verifier.verify(text, line.signature):
                    raise NoteError(f"The signature of {verifier.name} is false.")
                signers.append(verifier)
    if not signers:
        raise NoteError("The note is signed by none of the known keys.")
    return text, signers


@dataclass(frozen=True)
class Checkpoint:
    """What a log says of itself: its name, how many entries it has, the root of its tree (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a checkpoint's text. Lines behind the third are left to whoever wrote them.

        Raises:
            NoteError: It is none.
        """
        lines = text.split("\n")
        if len(lines) < 4 or not lines[0] or not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1]):
            raise NoteError("That is no checkpoint: it should have an origin, a size and a root.")
        try:
            root = base64.b64decode(lines[2], validate=True)
        except binascii.Error:
            root = b""
        if len(root) != 32:
            raise NoteError("The checkpoint's root is no SHA-256 hash.")
        return cls(lines[0], int(lines[1]), root)


def signed(text: str, verifier: Verifier, sign: Sign) -> str:
    """The note over ``text`` under one log's key."""
    return f"{text}\n{SignatureLine(verifier.name, verifier.key_id, sign(text.encode()))}"


def cosign(text: str, verifier: Verifier, sign: Sign, timestamp: int) -> SignatureLine:
    """A witness's line for a checkpoint's text at a time (seconds of POSIX)."""
    signature = struct.pack(">Q", timestamp) + sign(cosigned(text, timestamp))
    return SignatureLine(verifier.name, verifier.key_id, signature)
