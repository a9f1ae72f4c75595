"""A witness of a ledger: checks from outside that it only grew, and cosigns what it saw.

    python -m core.witnessing https://stack.example.org --fingerprint 3f9a… --state ledger.json

Knows no Django and asks the site for nothing but files: the checkpoint, tiles, bundles of entries. On the first visit it
rebuilds the whole tree from the entries; later it checks that the tree begins with the one that it saw last. It refuses, and
keeps both signed checkpoints as evidence, where the ledger shrank or forked.

Without witnesses, a site could show one ledger to one visitor and another to the next. Two witnesses that compare their
checkpoints see it.
"""

import argparse
import base64
import fcntl
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core import merkle, notes, tiles
from core.ledger_site import Refused, Site, Unreachable, keys_by_fingerprint

Say = Callable[[str], None]


@dataclass(frozen=True)
class Seen:
    """What a visit found: the signed note, its text, what the text says, and the size of the visit before (None: first visit)."""

    note: str
    text: str
    head: notes.Checkpoint
    before: int | None


def visit(site: Site, keys: list[notes.Verifier], state: Path, *, full: bool = False) -> Seen:
    """Check the ledger as it is now against ``state``, and remember it there.

    Args:
        site: The ledger.
        keys: The keys that may sign it.
        state: A file of ours, made on the first visit.
        full: Rebuild the tree from all entries on a later visit too.

    Raises:
        Refused: Badly signed, shrunk, forked, or its entries do not give the root that it signed.
        Unreachable: Something could not be read; nothing was learnt.
    """
    with Path(f"{state}.lock").open("w") as lock:
        fcntl.flock(
            lock, fcntl.LOCK_EX
        )  # before asking: what another visit remembers meanwhile would look as if it had shrunk
        last = _remembered(state)
        seen = _asked(site, keys, last.head.size if last else None)
        if last is not None:
            _check_growth(site, last, seen, state)
        if last is None or full:
            _rebuild(site, seen.head)
        _write(state, json.dumps({"note": seen.note, "seen": int(time.time())}, indent=1))
    return seen


def _asked(site: Site, keys: list[notes.Verifier], before: int | None) -> Seen:
    """The checkpoint that the site serves now, if one of the keys signed it."""
    note = site.text("checkpoint")
    try:
        text, signers = notes.verify(note, keys)
        head = notes.Checkpoint.parse(text)
        if head.origin not in {signer.name for signer in signers}:
            raise notes.NoteError(f"The checkpoint is of {head.origin}, and signed by {signers[0].name}.")
    except notes.NoteError as error:
        raise Refused(f"The checkpoint is not signed as it should be. {error}") from None
    return Seen(note, text, head, before)


def _remembered(state: Path) -> Seen | None:
    try:
        note = json.loads(state.read_text())["note"]
        text, _ = notes.split(note)
        return Seen(note, text, notes.Checkpoint.parse(text), None)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise Unreachable(
            f"{state} is no file of a witness ({error}). Put it right, or begin anew with another."
        ) from None


def _check_growth(site: Site, last: Seen, now: Seen, state: Path) -> None:
    """That the tree of now begins with the one seen last."""
    old, new = last.head, now.head
    if new.origin != old.origin:
        raise Refused(f"The ledger was {old.origin} and calls itself {new.origin} now.")
    if new.size < old.size:
        _keep_evidence(last, now, state)
        raise Refused(f"The ledger SHRANK: it had {old.size} entries and signs {new.size} now.")
    try:
        proof = tiles.TileTree(new.size, site.tile).consistency(old.size) if new.size > old.size else []
    except ValueError as error:
        raise Refused(f"The ledger's tiles cannot be right: {error}.") from None
    if not merkle.check_consistency(old.size, new.size, old.root, new.root, proof):
        _keep_evidence(last, now, state)
        raise Refused(
            f"The ledger FORKED: the {new.size} entries that it signs now do not begin with the {old.size} "
            "that it signed before. Something was changed, taken out or put in between."
        )


def _rebuild(site: Site, head: notes.Checkpoint) -> None:
    """That all entries, hashed anew, give the signed root."""
    hashes: list[bytes] = []
    try:
        for index in range(-(-head.size // tiles.WIDTH)):
            width = tiles.width_at(0, index, head.size)
            hashes += [merkle.leaf_hash(entry) for entry in site.bundle(index, width)]
    except ValueError as error:
        raise Refused(f"The ledger's entries cannot be right: {error}.") from None
    if merkle.root(hashes) != head.root:
        raise Refused(f"The {head.size} entries that are served do not give the root that is signed.")


def _keep_evidence(last: Seen, now: Seen, state: Path) -> None:
    """Both signed checkpoints: nobody but the site could have signed two that do not fit."""
    _write(Path(f"{state}.evidence"), f"{last.note}\n{'=' * 72}\n\n{now.note}")


def _write(path: Path, text: str) -> None:
    own = path.with_name(f".{path.name}.{os.getpid()}")
    with own.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    own.replace(path)


def witness_key(path: Path, name: str) -> tuple[notes.Verifier, notes.Sign]:
    """The witness's own key, made on first use (mode 0600), and how to sign with it."""
    if not path.exists():
        with (
            suppress(FileExistsError),
            os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file,
        ):
            file.write(secrets.token_hex(32))
    try:
        private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    except ValueError:
        raise Unreachable(f"{path} holds no key: it should be 64 hex digits.") from None
    return notes.Verifier(name, private.public_key().public_bytes_raw(), notes.COSIGNATURE), private.sign


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command, here and in ``manage.py witness``."""
    parser.add_argument("address", help="the site, such as https://stack.example.org")
    parser.add_argument(
        "--key", action="append", default=[], help="a key that may sign (name+id+base64); may be repeated"
    )
    parser.add_argument(
        "--fingerprint",
        action="append",
        default=[],
        help="SHA-256 of such a key, in hex; the key is read from the site",
    )
    parser.add_argument(
        "--state", type=Path, required=True, help="where to remember what was seen; made on the first visit"
    )
    parser.add_argument(
        "--full", action="store_true", help="rebuild the tree from all entries, not on the first visit alone"
    )
    parser.add_argument(
        "--cosign", type=Path, help="cosign with the key in this file, which is made if it is not there"
    )
    parser.add_argument("--name", default="", help="the witness's name, such as witness.example.net/w1; with --cosign")
    parser.add_argument("--post", action="store_true", help="give the cosignature to the site")


def run(options: argparse.Namespace, say: Say) -> None:
    """One visit, told in words.

    Raises:
        Refused: See ``visit``.
        Unreachable: See ``visit``; or a file of ours cannot be read or written, which says nothing of the ledger.
    """
    try:
        _run(options, say)
    except OSError as error:
        raise Unreachable(f"Nothing can be said: {error}.") from None


def _run(options: argparse.Namespace, say: Say) -> None:
    if not options.key and not options.fingerprint:
        raise Unreachable(
            "Whose signature do you trust? Give --fingerprint or --key, from another place than the site itself."
        )
    if (options.post and not options.cosign) or bool(options.cosign) != bool(options.name):
        raise Unreachable("--cosign wants --name, and --post wants both.")
    site = Site(options.address)
    try:
        keys = [notes.Verifier.parse(text) for text in options.key] + keys_by_fingerprint(site, options.fingerprint)
        own = witness_key(options.cosign, options.name) if options.cosign else None
    except notes.NoteError as error:
        raise Unreachable(str(error)) from None
    seen = visit(site, keys, options.state, full=options.full)
    say(f"{seen.head.origin}: {seen.head.size} entries, root {base64.b64encode(seen.head.root).decode()}")
    if seen.before is None:
        say("First visit. The signature is right, and all entries, hashed anew, give the signed root.")
    elif seen.before == seen.head.size:
        say("Nothing new since the last visit. The signature and the root are right.")
    else:
        say(f"It begins with the {seen.before} entries of the last visit, unchanged. The signature is right.")
    if own:
        verifier, sign = own
        line = notes.cosign(seen.text, verifier, sign, int(time.time()))
        say(f"Cosigned by {verifier}\n{line}".rstrip("\n"))
        if options.post:
            site.post_cosignature(seen.head.size, line)
            say("The site has taken the cosignature.")


def main(arguments: list[str] | None = None) -> int:
    """0: all is well; 1: the ledger is refused; 2: nothing can be said."""
    parser = argparse.ArgumentParser(
        prog="witness", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_arguments(parser)
    try:
        run(parser.parse_args(arguments), print)
    except Refused as refused:
        sys.stderr.write(f"REFUSED. {refused}\n")
        return 1
    except Unreachable as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
