"""How a release ends: withdrawn after publication or rejected before it, and the purge that follows."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from core import audit, ledger
from core.jobs import enqueue
from core.models import Job
from core.permissions import Actor
from datasets_app.models import Release
from datasets_app.signals import release_withdrawn
from datasets_app.states import RELEASE

PURGE = "datasets.purge"


def withdraw(release: Release, actor: Actor, reason: str) -> None:
    """A published release ends, in the caller's transaction. Its bytes go with the next purge.

    Raises:
        InvalidTransition: It is not published.
    """
    RELEASE.move_or_raise(release, "withdrawn", withdrawn_at=timezone.now(), withdrawn_reason=reason)
    audit.record(actor, "withdraw release", release)
    ledger.append("release withdrawn", ledger_body(release) | {"reason": reason})
    transaction.on_commit(lambda: release_withdrawn.send_robust(sender=Release, release=release))


def reject(release: Release, actor: Actor, reason: str) -> None:
    """A built release ends, in the caller's transaction. Its bytes go with the next purge.

    Raises:
        InvalidTransition: It is not waiting for approval.
    """
    RELEASE.move_or_raise(release, "rejected", withdrawn_at=timezone.now(), withdrawn_reason=reason)
    audit.record(actor, "reject release", release)


def start_purge(actor: Actor, release: Release | None, subject: Release | None = None) -> Job:
    """Issue again what waits for it, then erase for certain what is blocked and what was withdrawn or rejected, in a job.

    Args:
        actor: Who asks.
        release: The release that was published now, if any.
        subject: What the job is named after where none was published.
    """
    named = release or subject
    return enqueue(
        PURGE,
        {"release": release.pk if release else None},
        actor=actor,
        title=f"Purge after {named}" if named else "Purge",
        dedupe_key=f"datasets.purge:{named.pk if named else ''}",
    )


def ledger_body(release: Release) -> dict[str, Any]:
    """What the ledger says of a release: digests and figures, no name of any owner."""
    body = {
        "name": release.name,
        "version": release.version,
        "parent": release.parent.version if release.parent else "",
        "recipe": release.recipe_digest,
        "digest_bytes": release.digest_bytes,
        "digest_logical": release.digest_logical,
        "tree_root": release.tree_root,
        "rows": release.files,
        "blocklist_position": release.blocklist_position,
    }
    if release.reissue_of:
        body["reissue_of"] = release.reissue_of.version
    return body
