"""Licence terms, and the acceptances by which people get at files."""

from pathlib import Path
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from core import audit
from core.errors import Conflict, InvalidInput
from core.models import User
from core.permissions import SYSTEM
from modelzoo import licence_data
from modelzoo.models import LicenceAcceptance, LicenceTerms, ZooModel


def load_licences(folder: Path = licence_data.FOLDER) -> list[LicenceTerms]:
    """Bring the terms in ``folder`` into the database. Doing it again changes nothing.

    Returns:
        The rows that were new.

    Raises:
        Conflict: The text of a version that people may have accepted differs from the file: new words need a new version.
    """
    added = []
    with transaction.atomic():
        for found in licence_data.read_all(folder):
            known = LicenceTerms.objects.filter(key=found.key, version=found.version).first()
            if known is None:
                row = LicenceTerms.objects.create(
                    key=found.key,
                    version=found.version,
                    title=found.title,
                    text=found.text,
                    sha256=found.sha256,
                    notice=found.notice,
                    address=found.address,
                    restrictions=found.restrictions,
                    duties=found.duties,
                )
                audit.record(SYSTEM, "load licence terms", row, key=row.key, version=row.version, sha256=row.sha256)
                added.append(row)
            elif known.sha256 != found.sha256:
                raise Conflict(
                    f"The text of {found.key} version {found.version} in {folder} is not the one that was loaded before. "
                    "Accepted terms never change: give the new text a new version."
                )
            else:
                summary = {"restrictions": found.restrictions, "duties": found.duties, "notice": found.notice}
                LicenceTerms.objects.filter(pk=known.pk).update(**summary)
    return added


def load_after_migrate(using: str = "default", **kwargs: Any) -> None:
    """Load the terms once the tables are there: a site that was migrated knows its licences."""
    if using == "default" and LicenceTerms._meta.db_table in connections[using].introspection.table_names():
        load_licences()


def current_terms(key: str) -> LicenceTerms:
    """The newest version of the terms of a licence.

    Raises:
        InvalidInput: No such licence is known.
    """
    terms = LicenceTerms.objects.filter(key=key).order_by("-version").first()
    if terms is None:
        known = ", ".join(sorted(set(LicenceTerms.objects.values_list("key", flat=True)))) or "none"
        raise InvalidInput(f"No licence “{key}” is known here (known: {known}).", "licence_key")
    return terms


def acceptance_of(user: User | None, model: ZooModel) -> LicenceAcceptance | None:
    """The acceptance by which ``user`` may have the model's files: of the newest terms, and not withdrawn."""
    if user is None:
        return None
    terms = current_terms(model.licence_key)
    return LicenceAcceptance.objects.filter(user=user, model=model, terms=terms, withdrawn_at__isnull=True).first()


def may_download(user: User | None, model: ZooModel) -> bool:
    """Whether the files of ``model`` are open to ``user``."""
    return not model.gated or acceptance_of(user, model) is not None


def accept_licence(user: User, model: ZooModel, terms: LicenceTerms) -> LicenceAcceptance:
    """Write down that ``user`` accepts ``terms`` for ``model``. Accepting twice is accepting once.

    Raises:
        Conflict: These are not the newest terms of the model's licence: the person must read those first.
    """
    if terms != current_terms(model.licence_key):
        raise Conflict("The licence has newer terms than those that you read. Read and accept the newest.")
    live = {"user": user, "model": model, "terms": terms, "withdrawn_at": None}
    if found := LicenceAcceptance.objects.filter(
        user=user, model=model, terms=terms, withdrawn_at__isnull=True
    ).first():
        return found
    try:
        with transaction.atomic():
            accepted = LicenceAcceptance.objects.create(**live)
            audit.record(user, "accept licence", accepted, model=model.repo_id, terms=f"{terms.key} v{terms.version}")
    except IntegrityError:  # sent twice at once
        return LicenceAcceptance.objects.get(user=user, model=model, terms=terms, withdrawn_at__isnull=True)
    return accepted


def withdraw_acceptance(user: User, model: ZooModel) -> int:
    """End what ``user`` accepted for ``model``; files are closed to them from the next request on. Gives how many ended."""
    with transaction.atomic():
        rows = list(LicenceAcceptance.objects.filter(user=user, model=model, withdrawn_at__isnull=True))
        for accepted in rows:
            LicenceAcceptance.objects.filter(pk=accepted.pk).update(withdrawn_at=timezone.now())
            audit.record(user, "withdraw licence acceptance", accepted, model=model.repo_id)
    return len(rows)
