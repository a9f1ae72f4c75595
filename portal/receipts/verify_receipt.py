#!/usr/bin/env python3
"""Check a receipt of removal without trusting the site that signed it.

    python verify_receipt.py receipt.json --fingerprint 3f1a...

You need Python 3.9 or later and the package `cryptography`. The script asks nobody anything unless you give it an address.

The fingerprint is the SHA-256 of the site's public key. Take it from somewhere other than the receipt: the site's
transparency page, a witness of its ledger, or a note that you made when you sent your request.

    --reference FS-...     the request that the receipt must be about (a receipt of another request then fails)
    --release "name v1"    a release that it must speak about, as one from which your files went; may be repeated
    --site ADDRESS         ask the site for the ledger of today, and check that it only grew since the receipt was signed
    --checkpoint FILE      the same without asking: a checkpoint that you have, from a witness for example (file or address)
    --consistency FILE     where that checkpoint is newer than the receipt's: the proof between both (file or address)
    --files PATH ...       your own files: the script computes their git blob ids and says what the receipt shows of each

It ends with 0 if every step passed, 1 if one failed (it names the step), 2 if it was called wrongly, and 3 if the receipt is
good but does not cover a file that you named.
"""

import argparse
import base64
import hashlib
import hmac
import json
import sys
import urllib.request
from bisect import bisect_left
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "fairstack-receipt-1"
SIGNED_AS = b"fairstack receipt 1\n"  # stands before the signed bytes, so that no other signature can pass for this one
LEAF_BYTES = 20 + 32 + 32  # blob id, SHA-256 of the source, SHA-256 of the published text


class Failed(Exception):
    """A step failed. The text says why."""


def need(condition, why):
    """Fail with ``why`` unless ``condition`` holds."""
    if not condition:
        raise Failed(why)


# ---- Reading: the same bytes must mean the same to everybody, so doubtful JSON is refused. ----


def read_json(data):
    """JSON without repeated names, fractions or anything beyond it."""

    def no_repeats(pairs):
        names = [name for name, _ in pairs]
        need(len(set(names)) == len(names), "a name stands twice in one object")
        return dict(pairs)

    def refuse(text):
        raise Failed(f"it holds {text[:40]}, which no receipt does")

    try:
        return json.loads(data.decode("utf-8"), object_pairs_hook=no_repeats, parse_float=refuse, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Failed(f"it is not whole, or no JSON: {error}") from None


def canonical(value):
    """The one way of writing a value (RFC 8785), for objects with ASCII names and whole numbers, as receipts are."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def load(place):
    """The bytes of a file, or of an address."""
    if place.startswith(("https://", "http://")):
        with urllib.request.urlopen(place, timeout=30) as answer:
            return answer.read()
    return Path(place).read_bytes()


# ---- The ledger: a Merkle tree over acts, as certificate transparency has it (RFC 6962, RFC 9162 section 2.1). ----


def hash_of(*parts):
    """SHA-256 of the parts end to end."""
    return hashlib.sha256(b"".join(parts)).digest()


def leaf_of(entry):
    """The hash of a ledger entry."""
    return hash_of(b"\x00", canonical(entry))


def root_by_path(leaf, index, size, path):
    """The root that follows from one leaf, its place and the hashes beside its way up."""
    need(0 <= index < size, "the entry's number is not below the size of the ledger")
    at, last, root = index, size - 1, leaf
    for beside in path:
        need(last > 0, "the way up is too long")
        if at % 2 or at == last:
            root = hash_of(b"\x01", beside, root)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            root = hash_of(b"\x01", root, beside)
        at, last = at // 2, last // 2
    need(last == 0, "the way up is too short")
    return root


def check_growth(old_size, old_root, new_size, new_root, proof):
    """That the larger ledger begins with the whole smaller one: nothing in it was changed or taken out."""
    need(old_size <= new_size, "the later checkpoint is smaller than the earlier one")
    if old_size == new_size:
        need(old_root == new_root and not proof, "two ledgers of the same size have different roots")
        return
    if old_size == 0:
        return
    at, last, hashes = old_size - 1, new_size - 1, list(proof)
    if old_size & (old_size - 1) == 0:
        hashes.insert(0, old_root)
    need(hashes, "the proof is empty")
    while at % 2:
        at, last = at // 2, last // 2
    old = new = hashes[0]
    for beside in hashes[1:]:
        need(last > 0, "the proof is too long")
        if at % 2 or at == last:
            old, new = hash_of(b"\x01", beside, old), hash_of(b"\x01", beside, new)
            while at % 2 == 0 and at:
                at, last = at // 2, last // 2
        else:
            new = hash_of(b"\x01", new, beside)
        at, last = at // 2, last // 2
    need(last == 0, "the proof is too short")
    need(old == old_root, "the proof does not lead to the earlier root: the ledger was rewritten")
    need(new == new_root, "the proof does not lead to the later root")


def read_checkpoint(text, public_key):
    """Origin, size and root of a checkpoint (a C2SP signed note) that this key signed."""
    body, gap, signatures = text.partition("\n\n")
    need(gap, "it has no signature")
    body += "\n"
    lines = body.split("\n")
    need(len(lines) >= 4 and lines[1].isdecimal(), "its lines are not those of a checkpoint")
    for line in signatures.splitlines():
        parts = line.split(" ")
        if len(parts) == 3 and parts[0] == "\u2014":
            try:
                public_key.verify(base64.b64decode(parts[2], validate=True)[4:], body.encode())
            except (InvalidSignature, ValueError):
                continue  # a witness, or somebody else
            return lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)
    raise Failed("none of its signatures is by the key of this site")


def hashes_of(texts):
    """Hashes written in hex."""
    found = [bytes.fromhex(text) for text in texts]
    need(all(len(one) == 32 for one in found), "a hash has the wrong length")
    return found


# ---- The releases: a Merkle tree each, with a leaf for every published file, sorted by blob id. ----


def read_tree(tree):
    """Check that the leaves shown belong to the tree with this root. Gives (number, blob id) of each, in order."""
    size, indices = tree["size"], tree["indices"]
    leaves, nodes = base64.b64decode(tree["leaves"], validate=True), base64.b64decode(tree["nodes"], validate=True)
    need(len(leaves) == LEAF_BYTES * len(indices), "leaves and their numbers do not fit together")
    need(all(one < other for one, other in zip(indices, indices[1:])), "the numbers of the leaves are not in order")
    need(not indices or (indices[0] >= 0 and indices[-1] < size), "a leaf has a number that the tree does not have")
    rows = [leaves[at : at + LEAF_BYTES] for at in range(0, len(leaves), LEAF_BYTES)]
    ids = [row[:20].hex() for row in rows]
    need(all(one < other for one, other in zip(ids, ids[1:])), "the leaves are not sorted by blob id")
    used = 0

    def subtree(start, end, first, last):
        """The root over leaves ``start`` to ``end``: computed where a shown leaf lies there, else the next hash given."""
        nonlocal used
        if first == last:
            used += 1
            need(used * 32 <= len(nodes), "hashes are missing")
            return nodes[used * 32 - 32 : used * 32]
        if end - start == 1:
            return hash_of(b"\x00", rows[first])
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        cut = bisect_left(indices, middle, first, last)
        return hash_of(b"\x01", subtree(start, middle, first, cut), subtree(middle, end, cut, last))

    need(size > 0, "the tree is empty")
    root = subtree(0, size, 0, len(indices))
    need(used * 32 == len(nodes), "there are hashes too many")
    need(root.hex() == tree["root"], "the leaves do not lead to the root of the release")
    return indices, ids


def is_absent(blob, indices, ids, size):
    """Whether two leaves that are neighbours, or the edge of the tree, leave no room for this blob id."""
    at = bisect_left(ids, blob)
    if at < len(ids) and ids[at] == blob:
        return False
    before = indices[at - 1] if at else -1
    after = indices[at] if at < len(ids) else size
    return before + 1 == after


# ---- The steps. ----


class Check:
    """What is known so far; each step adds to it."""

    def __init__(self, options):
        self.options = options
        self.found = []

    def form(self):
        """the form of the file"""
        self.envelope = read_json(load(self.options.receipt))
        need(isinstance(self.envelope, dict), "it is no receipt")
        need(
            set(self.envelope) == {"receipt", "public_key", "signature"}, "it is no receipt, or parts of it are missing"
        )
        self.receipt = self.envelope["receipt"]
        need(self.receipt["format"] == FORMAT, "it is of another kind or of a later version of this script")

    def key(self):
        """the key"""
        raw = bytes.fromhex(self.envelope["public_key"])
        need(
            hashlib.sha256(raw).hexdigest() == self.options.fingerprint,
            "the receipt was signed with another key than the one whose fingerprint you gave",
        )
        self.public_key = Ed25519PublicKey.from_public_bytes(raw)

    def signature(self):
        """the signature"""
        try:
            self.public_key.verify(bytes.fromhex(self.envelope["signature"]), SIGNED_AS + canonical(self.receipt))
        except InvalidSignature:
            raise Failed("something in the receipt was changed after it was signed") from None

    def request(self):
        """the request that it is about"""
        receipt, wanted = self.receipt, self.options.reference
        need(wanted in (None, receipt["reference"]), f"it is about the request {receipt['reference']}, not {wanted}")
        dates = receipt["dates"]
        order = [dates[name] for name in ("received", "verified", "accepted", "removed", "signed")]
        need(order == sorted(order), "its dates are not in order")

    def entry(self):
        """the entry in the ledger"""
        act = self.receipt["ledger"]["acceptance"]
        record, key = act["record"], bytes.fromhex(act["key"])
        need(act["entry"]["kind"] == "opt-out accepted", "the entry is of another kind")
        need(
            hmac.new(key, canonical(record), hashlib.sha256).hexdigest() == act["entry"]["commitment"],
            "the key does not open the entry: the entry commits to something else",
        )
        for name in ("reference", "forge", "account", "scope", "repositories"):
            said = self.receipt["reference"] if name == "reference" else self.receipt["scope"][name]
            need(record[name] == said, f"the ledger has another {name} than the receipt")
        need(record["accepted_at"] == self.receipt["dates"]["accepted"], "the ledger has another date of acceptance")

    def inclusion(self):
        """that the ledger holds it"""
        ledger = self.receipt["ledger"]
        self.origin, self.size, self.root = read_checkpoint(ledger["checkpoint"], self.public_key)
        for act in [ledger["acceptance"], *ledger["releases"]]:
            root = root_by_path(leaf_of(act["entry"]), act["index"], self.size, hashes_of(act["path"]))
            need(root == self.root, f"the entry {act['index']} ({act['entry']['kind']}) is not in the ledger")

    def consistency(self):
        """that the ledger only grew"""
        ledger = self.receipt["ledger"]
        if ledger["checkpoint_at_acceptance"] is not None:
            origin, size, root = read_checkpoint(ledger["checkpoint_at_acceptance"], self.public_key)
            need(origin == self.origin, "the checkpoints are of two different ledgers")
            check_growth(size, root, self.size, self.root, hashes_of(ledger["consistency"]))
        site = (self.options.site or "").rstrip("/")
        given = self.options.checkpoint or (site and f"{site}/ledger/checkpoint")
        if given:
            origin, size, root = read_checkpoint(load(given).decode("utf-8"), self.public_key)
            need(origin == self.origin, "the checkpoint that you gave is of another ledger")
            proof = []
            if size > self.size:
                place = self.options.consistency or (
                    site and f"{site}/api/ledger/consistency?old={self.size}&new={size}"
                )
                need(
                    place,
                    f"your checkpoint is newer (size {size}, the receipt's is {self.size}): give --consistency too",
                )
                proof = hashes_of(read_json(load(place))["hashes"])
            check_growth(self.size, self.root, size, root, proof)
            self.found.append("The ledger of today still holds all that it held when the receipt was signed.")

    def presence(self):
        """that the files were in the releases before"""
        self.before = {}
        for release in self.receipt["releases"]["before"]:
            name = f"{release['name']} {release['version']}"
            self._known_to_ledger(release, "release published")
            self._known_to_ledger(release, "release withdrawn")
            _, ids = read_tree(release["tree"])
            need(ids, f"it shows no file of {name}")
            self.before[name] = set(ids)
        for wanted in self.options.release:
            need(wanted in self.before, f"it does not speak of the release {wanted}")
        held = set().union(*self.before.values())
        remains = set(self.receipt["remains"]["blobs"])
        need(remains <= held, "it says that a file remains which was not there")
        self.gone = sorted(held - remains)
        need(len(self.gone) == self.receipt["removed"]["blobs"], "its count of removed files is not that of its proofs")

    def absence(self):
        """that they are not in the releases after"""
        self.after = []
        for release in self.receipt["releases"]["after"]:
            name = f"{release['name']} {release['version']}"
            self._known_to_ledger(release, "release published")
            need(name not in self.before, f"{name} stands on both sides")
            indices, ids = read_tree(release["tree"])
            for blob in self.gone:
                absent = is_absent(blob, indices, ids, release["tree"]["size"])
                need(absent, f"it does not show that {blob} is not in {name}")
            self.after.append(name)

    def _known_to_ledger(self, release, kind):
        """The root of a release counts only as the ledger has it, where everybody else can see it too."""
        said = (release["name"], release["version"], release["tree"]["root"], release["tree"]["size"])
        for act in self.receipt["ledger"]["releases"]:
            entry, body = act["entry"], act["entry"]["body"]
            if entry["kind"] == kind and (body["name"], body["version"], body["tree_root"], body["rows"]) == said:
                return
        raise Failed(f"the ledger's entry “{kind}” of {said[0]} {said[1]} is missing, or has another root")

    def files(self):
        """your own files"""
        self.uncovered = 0
        for path in self.options.files:
            data = Path(path).read_bytes()
            blob = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            releases = [name for name, blobs in self.before.items() if blob in blobs]
            if not releases:
                self.uncovered += 1
                self.found.append(f"{path} ({blob}): this receipt shows nothing about it.")
            elif blob in self.gone:
                self.found.append(f"{path} ({blob}): was in {', '.join(releases)}; is in none of the releases after.")
            else:
                self.found.append(
                    f"{path} ({blob}): was in {', '.join(releases)}, and remains under another owner's name."
                )


STEPS = ("form", "key", "signature", "request", "entry", "inclusion", "consistency", "presence", "absence", "files")


def say(check):
    """What was proven, and what was not."""
    receipt = check.receipt
    scope = receipt["scope"]
    print(
        f"\nThis receipt is good. It is about the request {receipt['reference']}: {scope['account']} on {scope['forge']}."
    )
    print("\nIt proves:")
    print(f"  - {receipt['site']['name']} signed it, if the fingerprint that you gave is that of its key.")
    print(
        f"  - The request was accepted on {receipt['dates']['accepted']}. The public ledger holds that act, sealed, as number "
        f"{receipt['ledger']['acceptance']['index']} of {check.size}, and the ledger only grew from acceptance to signing."
    )
    for name, blobs in check.before.items():
        print(f"  - {len(blobs)} files were in {name}.")
    if check.before:
        print(
            f"  - {len(check.gone)} of them are in none of these releases: {', '.join(check.after) or 'none is published'}."
        )
    else:
        print("  - No release held a file of yours when the request was accepted, so there was none to remove.")
    if receipt["remains"]["blobs"]:
        print(
            f"  - {len(receipt['remains']['blobs'])} of them remain, since other owners have published the same files."
        )
    for line in check.found:
        print(f"  - {line}")
    print("\nThe site states, and this script cannot check:")
    for name in receipt["unproven"]:
        print(f"  - files of the account were in {name}, too, which ended before; there is no proof of it")
    for store in receipt["cleared"]:
        print(f"  - cleared: {store['store']} ({store['items']} things, {store['files']} files on the disk)")
    for model in receipt["models"]:
        print(f"  - model {model['name']}: {model['standing']}")
    print("\nIt cannot prove:")
    for line in (
        "that copies which others downloaded earlier are gone;",
        "that a model which was trained before has forgotten anything;",
        "that the leaves of a release's tree are sorted and are its files: whoever has the release can compute its root again;",
        "that the site shows everybody the same ledger: compare its checkpoint with what a witness saw;",
        "that no release was left out of its list: the ledger has them all.",
    ):
        print(f"  - {line}")


def main(arguments=None):
    """Run the steps; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("receipt")
    parser.add_argument("--fingerprint", required=True, type=lambda text: text.replace(":", "").strip().lower())
    parser.add_argument("--reference")
    parser.add_argument("--release", action="append", default=[])
    parser.add_argument("--site")
    parser.add_argument("--checkpoint")
    parser.add_argument("--consistency")
    parser.add_argument("--files", nargs="*", default=[])
    check = Check(parser.parse_args(arguments))
    for number, step in enumerate(STEPS, 1):
        act = getattr(check, step)
        try:
            act()
        except Failed as reason:
            print(f"FAILED at step {number} ({step}, {act.__doc__}): {reason}")
            return 1
        except (KeyError, TypeError, ValueError, AttributeError, IndexError, OSError, RecursionError) as error:
            print(f"FAILED at step {number} ({step}, {act.__doc__}): what it needs is missing or malformed ({error!r})")
            return 1
        print(f"passed {number:>2} {step}: {act.__doc__}")
    say(check)
    return 3 if check.uncovered else 0


if __name__ == "__main__":
    sys.exit(main())
