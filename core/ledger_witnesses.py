"""Witnesses: outsiders who check that the ledger only grew, and say so by a cosignature that is served with the checkpoint.

Who is a witness is decided by the site's settings (``FAIRSTACK_WITNESSES``); whom to believe is decided by whoever reads.
"""

import time

from django.conf import settings
from django.db import IntegrityError, transaction

from core import audit, notes
from core.errors import InvalidInput
from core.models import LedgerCheckpoint, LedgerCosignature
from core.permissions import SYSTEM


def known() -> list[notes.Verifier]:
    """The keys of the witnesses that this site knows.

    Raises:
        NoteError: The setting holds something else, or a key of another kind.
    """
    found = [notes.Verifier.parse(text) for text in settings.FAIRSTACK_WITNESSES]
    for one in found:
        if one.kind != notes.COSIGNATURE:
            raise notes.NoteError(f"The key of {one.name} is that of a log, not that of a witness.")
    return found


def accept(size: int, line: str) -> LedgerCosignature:
    """Keep a witness's signature line for the checkpoint of ``size`` entries. The same witness twice: the first is kept.

    The permission is the signature itself, by a key that the settings name.

    Raises:
        InvalidInput: There is no such checkpoint, the witness is not known, or its signature is false.
    """
    checkpoint = LedgerCheckpoint.objects.filter(size=size).order_by("-pk").first()
    if checkpoint is None:
        raise InvalidInput(f"The ledger has no checkpoint of {size} entries.", "size")
    try:
        signature = notes.SignatureLine.parse(line)
    except notes.NoteError as error:
        raise InvalidInput(str(error), "line") from None
    witness = next((one for one in known() if signature.by(one)), None)
    if witness is None:
        raise InvalidInput(f"{signature.name} is no witness that this site knows. Its staff can add the key.", "line")
    text, _ = notes.split(checkpoint.note)
    if not witness.verify(text, signature.signature):
        raise InvalidInput(f"The signature of {witness.name} does not fit the checkpoint of {size} entries.", "line")
    if notes.timestamp_of(signature.signature) > time.time() + notes.FUTURE:
        raise InvalidInput("The cosignature is from the future: set the witness's clock.", "line")
    try:
        with transaction.atomic():
            kept = LedgerCosignature.objects.create(size=size, witness=str(witness), line=str(signature))
            audit.record(SYSTEM, "take cosignature", kept, size=size, witness=witness.name)
    except IntegrityError:
        return LedgerCosignature.objects.get(size=size, witness=str(witness))
    return kept
