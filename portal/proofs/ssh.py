"""An SSH signature over the challenge, checked by ``ssh-keygen -Y verify`` against the keys that the account publishes.

The form of a signature is OpenSSH's PROTOCOL.sshsig. It is read here to say what is wrong in words; that it is good is
``ssh-keygen``'s word alone.
"""

import base64
import binascii
import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from portal.proofs import web

NAMESPACE = "fairstack"
IDENTITY = "owner"
LONGEST = 16_384  # characters of a signature; RSA of 16,384 bits needs about 6,000
MOST_KEYS = 100
TIMEOUT = 10  # seconds that ssh-keygen may take
TYPES = frozenset(
    {
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"


@dataclass(frozen=True)
class Key:
    """A public key: its type, and its bytes as base64."""

    type: str
    body: str

    @property
    def fingerprint(self) -> str:
        """``SHA256:…``, as ``ssh-keygen -l`` shows it."""
        digest = hashlib.sha256(base64.b64decode(self.body)).digest()
        return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"

    def __str__(self) -> str:
        return f"{self.type} {self.body}"


def fetch_keys(template: str, login: str) -> list[Key]:
    """The keys that an account publishes now, at most ``MOST_KEYS``.

    Raises:
        portal.proofs.web.WebRefused: They cannot be fetched.
    """
    return read_keys(web.fetch(template.format(owner=quote(login, safe=""))).decode("utf-8", "replace"))


def read_keys(text: str) -> list[Key]:
    """The keys in an ``authorized_keys`` text. Options, comments and types that we do not know are left out."""
    keys = []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2 or words[0] not in TYPES:
            continue
        try:
            body = base64.b64decode(words[1], validate=True)
        except (binascii.Error, ValueError):
            continue
        if _strings(body)[:1] == [words[0].encode()]:
            keys.append(Key(words[0], base64.b64encode(body).decode()))
    return keys[:MOST_KEYS]


def judge(signature: str, challenge: str, keys: list[Key], workdir: Path) -> tuple[str, str]:
    """The outcome (a key of ``portal.proofs.outcomes``), and the fingerprint of the key that signed where it is good.

    Args:
        signature: In armour, as ``ssh-keygen -Y sign`` writes it.
        challenge: The line that should have been signed; a line end after it may be there or not.
        keys: Those that count.
        workdir: An empty folder.
    """
    blob = _dearmoured(signature) if len(signature) <= LONGEST else b""
    if not blob.startswith(b"SSHSIG\x00\x00\x00\x01"):
        return "not_a_signature", ""
    parts = _strings(blob[10:])
    if len(parts) < 5:
        return "not_a_signature", ""
    if parts[1] != NAMESPACE.encode():
        return "wrong_namespace", ""
    signer = next((key for key in keys if base64.b64decode(key.body) == parts[0]), None)
    if signer is None:
        return "other_key", ""
    (workdir / "signature").write_text(f"{BEGIN}\n{base64.encodebytes(blob).decode()}{END}\n")
    (workdir / "signers").write_text(f'{IDENTITY} namespaces="{NAMESPACE}" {signer}\n')
    for end in ("\n", "", "\r\n"):
        if _verifies(f"{challenge}{end}".encode(), workdir):
            return "signed", signer.fingerprint
    return "wrong_message", ""


def _verifies(message: bytes, workdir: Path) -> bool:
    command = ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", IDENTITY, "-n", NAMESPACE, "-s", "signature"]
    done = subprocess.run(command, cwd=workdir, input=message, capture_output=True, timeout=TIMEOUT, check=False)
    return done.returncode == 0


def _dearmoured(signature: str) -> bytes:
    """The bytes in the armour; nothing where there is none. In one pass: a stranger wrote the text."""
    _, _, rest = signature.partition(BEGIN)
    body, end, _ = rest.partition(END)
    try:
        return base64.b64decode("".join(body.split()), validate=True) if end else b""
    except (binascii.Error, ValueError):
        return b""


def _strings(data: bytes) -> list[bytes]:
    """The strings of SSH's wire form (RFC 4251, section 5): four bytes of length, then that many."""
    found = []
    while len(data) >= 4:
        length = int.from_bytes(data[:4], "big")
        if length > len(data) - 4:
            break
        found.append(data[4 : 4 + length])
        data = data[4 + length :]
    return found
