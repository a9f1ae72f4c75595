"""From what the engine found to rows: owners, repositories, and what a release holds of each. In bulk, and repeatable."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db import models, transaction

from datasets_app.models import FormerLogin, Holding, Owner, Release, Repository, Source
from datasets_app.pipeline.sources.base import RepositoryRecord, owner_key
from datasets_app.services import masks

BATCH = 2000
LICENCE_LENGTH = 400  # of the columns Repository.licence and Holding.licence
Row = TypeVar("Row", bound=models.Model)


def load_repositories(source: Source, records: Sequence[RepositoryRecord]) -> tuple[int, int]:
    """Make or refresh the rows of these repositories and their owners.

    Returns:
        How many owners and repositories there are in ``records``.
    """
    owners = {
        record.owner_key: Owner(
            key=record.owner_key,
            forge=record.forge,
            account_id=record.account_id or "",
            login=record.owner,
            login_folded=record.owner.casefold(),
        )
        for record in reversed(records)  # of several spellings of one account, the first counts
    }
    with transaction.atomic():
        _follow_renames(owners)
        _upsert(Owner, owners.values(), ["forge", "account_id", "login", "login_folded"])
        ids = _ids(Owner, owners)
        repositories = {
            record.repository_key: Repository(
                key=record.repository_key,
                owner_id=ids[record.owner_key],
                name=record.repository,
                name_folded=record.repository.casefold(),
                url=record.url,
                licence=_shown(record.licence),
                permissive=record.permissive,
                source=source,
            )
            for record in records
        }
        _upsert(
            Repository,
            repositories.values(),
            ["owner", "name", "name_folded", "url", "licence", "permissive", "source"],
        )
        numbered = (record for record in records if record.account_id)
        masks.carry_over({owner_key(record.forge, None, record.owner): record.owner_key for record in numbered})
    return len(owners), len(repositories)


def _follow_renames(owners: dict[str, Owner]) -> None:
    """Keep the login that an account bore before, where ``owners`` (by key) have another; what it is called now changes.

    A login that the account is known to have had before changes nothing: it comes from a source that is older than what we know.
    """
    numbered = [key for key, owner in owners.items() if owner.account_id]
    for start in range(0, len(numbered), BATCH):
        known = Owner.objects.filter(key__in=numbered[start : start + BATCH]).prefetch_related("former_logins")
        replaced = []
        for before in known:
            now = owners[before.key]
            if now.login_folded == before.login_folded:
                continue
            if any(former.login_folded == now.login_folded for former in before.former_logins.all()):
                now.login, now.login_folded = before.login, before.login_folded
                continue
            replaced.append(FormerLogin(owner=before, login=before.login, login_folded=before.login_folded))
        FormerLogin.objects.bulk_create(replaced, ignore_conflicts=True)


def load_holdings(release: Release, rows: Sequence[dict[str, Any]]) -> int:
    """Replace what is known of a release's holdings, in the caller's transaction; ``rows`` as in ``format.HOLDINGS``.

    Owners and repositories that have no row (the database is younger than the corpus) get one.
    """
    owners = {
        row["owner_key"]: Owner(
            key=row["owner_key"],
            forge=row["forge"],
            account_id=_account_id(row["owner_key"], row["forge"]),
            login=row["owner"],
            login_folded=row["owner"].casefold(),
        )
        for row in rows
    }
    owner_ids = _ids(Owner, owners)
    Owner.objects.bulk_create([owner for key, owner in owners.items() if key not in owner_ids], batch_size=BATCH)
    owner_ids = _ids(Owner, owners)
    repositories = {
        row["repository_key"]: Repository(
            key=row["repository_key"],
            owner_id=owner_ids[row["owner_key"]],
            name=row["repository"],
            name_folded=row["repository"].casefold(),
            licence=_shown(row["licence"]),
        )
        for row in rows
    }
    repository_ids = _ids(Repository, repositories)
    missing = [repository for key, repository in repositories.items() if key not in repository_ids]
    Repository.objects.bulk_create(missing, batch_size=BATCH)
    repository_ids = _ids(Repository, repositories)
    Holding.objects.filter(release=release).delete()
    Holding.objects.bulk_create(
        (
            Holding(
                release=release,
                repository_id=repository_ids[row["repository_key"]],
                owner_id=owner_ids[row["owner_key"]],
                files=row["files"],
                copies=row["copies"],
                bytes=row["bytes"],
                licence=_shown(row["licence"]),
                licences=[licence for licence in row["licences"] if licence],
                languages=[language for language in row["languages"] if language],
            )
            for row in rows
        ),
        batch_size=BATCH,
    )
    return len(rows)


def _shown(licence: str | None) -> str:
    """An expression as the column holds it: one that names a dozen licences is cut short, since it is shown and never parsed."""
    licence = licence or ""
    return licence if len(licence) <= LICENCE_LENGTH else f"{licence[: LICENCE_LENGTH - 1]}…"


def _account_id(owner_key: str, forge: str) -> str:
    prefix = f"{forge}:"
    return owner_key.removeprefix(prefix) if owner_key.startswith(prefix) else ""


def _upsert(model: type[Row], rows: Iterable[Row], fields: list[str]) -> None:
    model._default_manager.bulk_create(
        list(rows), batch_size=BATCH, update_conflicts=True, unique_fields=["key"], update_fields=fields
    )


def _ids(model: type[Row], keys: Iterable[str]) -> dict[str, int]:
    """Primary keys by key, of those that have a row."""
    wanted = list(keys)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        found.update(model._default_manager.filter(key__in=part).values_list("key", "pk"))
    return found
