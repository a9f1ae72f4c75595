"""Publishing: the one gate through which a checkpoint becomes a revision that people can download."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from core import audit, ledger
from core.errors import Conflict, InvalidInput
from core.permissions import Actor, require, row
from datasets_app.models import Release
from modelzoo import storage
from modelzoo.address import revision_sha
from modelzoo.card import build_card
from modelzoo.models import LicenceTerms, Ref, Revision, RevisionFile, ZooModel
from modelzoo.models.zoo import MAIN
from modelzoo.scan import Checkpoint, scan
from modelzoo.services.licences import current_terms

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|[._-](?=[A-Za-z0-9])){0,95}")
RESERVED = frozenset({"admin", "api", "datasets", "models", "oauth", "releases", "runs", "spaces", "static"})
SHA = re.compile(r"[0-9a-f]{40}")
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")


def publish_checkpoint(
    actor: Actor,
    *,
    org: str,
    name: str,
    folder: Path,
    release: Release | None,
    lineage: dict[str, Any],
    training: dict[str, Any],
    base: Revision | None = None,
    licence_key: str = "bigcode-openrail-m",
    message: str = "",
) -> Revision:
    """Publish the checkpoint in ``folder`` as the newest revision of ``org/name``, on the branch ``main``.

    Publishing the same again (a job that was run twice) gives the revision that is there. The card, the licence and
    its notice are written by the zoo; files of these names in ``folder`` are not taken over.

    Args:
        actor: Who publishes; needs ``modelzoo.publish_model``.
        org: The first half of the model's name.
        name: The second half.
        folder: What ``save_pretrained`` wrote: config.json, weights as safetensors, tokenizer. It is read, not changed.
        release: What the model was trained on.
        lineage: What else it came from, as JSON: the run's name, digests of tokenizer and token file, versions.
        training: How it was trained, as JSON: ``steps``, ``tokens``, ``loss``, ``validation_loss`` (nats a token),
            ``unigram_entropy``, ``wall_seconds``, ``config`` (the trainer's), anything else worth a line of the card.
        base: The revision that the training started from, for a fine-tune.
        licence_key: The key of the licence.
        message: What is new, in a line.

    Raises:
        PermissionDenied: The actor may not publish models.
        InvalidInput: A name, a file or the licence cannot be published; the text says which and why.
        Conflict: The release is not published, the base was withdrawn, or the licence differs from the model's or the base's.
    """
    require(actor, "modelzoo.publish_model")
    check_repo_id(org, name)
    terms = current_terms(licence_key)
    release = check_lineage(release, base, terms)
    checkpoint = scan(folder)
    card, readme = build_card(
        org=org,
        name=name,
        checkpoint=checkpoint,
        release=release,
        lineage=lineage,
        training=training,
        base=base,
        terms=terms,
    )
    files = _take_in(checkpoint, terms, readme)
    with transaction.atomic():
        model, _ = ZooModel.objects.select_for_update().get_or_create(
            org=org, name=name, defaults={"licence_key": licence_key}
        )
        if model.licence_key != licence_key:
            raise Conflict(f"{model} stands under {model.licence_key}; it cannot be published under {licence_key} too.")
        check_lineage(Release.objects.get(pk=release.pk), base, terms)  # again: it may have been withdrawn meanwhile
        head = model.at(MAIN)
        if head is not None and _is_the_same(head, files, release, base):
            return head
        revision = _write(
            actor,
            model,
            files,
            at=timezone.now(),
            parent=head,
            message=message or f"Trained on {release}",
            release=release,
            base=base,
            terms=terms,
            lineage=lineage,
            training=training,
            card=card,
            config=checkpoint.config,
            parameters=checkpoint.parameters,
        )
    return revision


def tag_revision(actor: Actor, revision: Revision, name: str) -> Ref:
    """Give ``revision`` a name that stays: a tag never moves.

    Raises:
        PermissionDenied: The actor may not publish models.
        InvalidInput: The name cannot be a tag: malformed, or it looks like a revision's own sha.
        Conflict: Another branch or tag of the model has it.
    """
    require(actor, "modelzoo.publish_model")
    if not TAG.fullmatch(name) or ".." in name or len(name) > 200 or name.startswith("refs/"):
        raise InvalidInput(f"“{name}” cannot be a tag: letters, digits, dots, dashes; parts joined by “/”.", "name")
    if SHA.fullmatch(name):
        raise InvalidInput("A tag may not look like a revision's sha: nobody could tell which one is meant.", "name")
    with transaction.atomic():
        ref, made = Ref.objects.get_or_create(
            model=revision.model, name=name, defaults={"kind": Ref.Kind.TAG, "revision": revision}
        )
        if not made and (ref.revision_id != revision.pk or ref.kind != Ref.Kind.TAG):
            raise Conflict(f"{revision.model} has a {ref.kind} “{name}” already, at {ref.revision.sha[:10]}.")
        if made:
            audit.record(actor, "tag revision", revision, tag=name)
    return ref


def check_repo_id(org: str, name: str) -> None:
    """Raise InvalidInput where ``org/name`` cannot be a model's name for Hub clients."""
    for part, field in ((org, "org"), (name, "name")):
        if not NAME.fullmatch(part) or part.lower().endswith(".git"):
            raise InvalidInput(
                f"“{part}” cannot be part of a model's name. Use letters, digits, and single dots, dashes or underscores "
                "between them; at most 96 characters.",
                field,
            )
    if org.lower() in RESERVED:
        raise InvalidInput(f"“{org}” is an address of this site and cannot be an organisation's name.", "org")
    same = ZooModel.objects.filter(org__iexact=org, name__iexact=name).exclude(org=org, name=name).first()
    if same:
        raise InvalidInput(f"There is {same} already: names that differ in case alone would be mixed up.", "name")


def check_lineage(release: Release | None, base: Revision | None, terms: LicenceTerms) -> Release:
    """Give the release back where a model of this lineage may be published.

    Raises:
        InvalidInput: No release is named.
        Conflict: The release or the base may not be built on, or the base's licence restricts what these terms would not.
    """
    if release is None:
        raise InvalidInput("A model is published with the release that it was trained on: none was named.", "release")
    if release.state == "withdrawn":
        raise Conflict(f"{release} was withdrawn: what was trained on it is not published. Train on a current release.")
    if not release.published:
        raise Conflict(f"{release} is “{release.state}”: a model is published when its release is. Publish it first.")
    if base is not None and base.withdrawn_at:
        raise Conflict(f"{base}, which this started from, was withdrawn: {base.withdrawn_reason}")
    if base is not None and base.terms.key != terms.key:
        raise Conflict(
            f"{base} stands under {base.terms.key}, whose restrictions pass on to whatever is made from it: publish under the "
            f"same licence, not under {terms.key}."
        )
    return release


def _take_in(checkpoint: Checkpoint, terms: LicenceTerms, readme: str) -> list[storage.Stored]:
    """Copy everything into the store, before any row speaks of it."""
    files = [storage.put_file(path, name) for name, path in checkpoint.files.items()]
    files.append(storage.put_bytes(readme.encode(), "README.md"))
    files.append(storage.put_bytes(terms.text.encode(), "LICENSE"))
    files.append(storage.put_bytes((terms.notice + "\n").encode(), "NOTICE"))
    return sorted(files, key=lambda file: file.path)


def _is_the_same(head: Revision, files: list[storage.Stored], release: Release, base: Revision | None) -> bool:
    """Whether ``head`` is what is being published, so that a job that runs twice publishes once."""
    there = {(file.path, file.sha256) for file in head.files.all()}
    return (
        head.withdrawn_at is None
        and head.release_id == release.pk
        and head.base_id == (base.pk if base else None)
        and there == {(file.path, file.sha256) for file in files}
    )


def _write(
    actor: Actor,
    model: ZooModel,
    files: list[storage.Stored],
    *,
    at: datetime,
    parent: Revision | None,
    message: str,
    release: Release,
    **fields: Any,
) -> Revision:
    """The rows of a revision, the branch that points at it, and the entries that tell of it."""
    sha = revision_sha(
        [(file.path, file.sha256, file.size) for file in files],
        parent=parent.sha if parent else "",
        message=message,
        at=at,
    )
    revision = Revision.objects.create(
        model=model,
        sha=sha,
        parent=parent,
        message=message[:500],
        created_at=at,
        release=release,
        published_by=row(actor),
        **fields,
    )
    RevisionFile.objects.bulk_create(
        RevisionFile(
            revision=revision, path=file.path, size=file.size, sha1=file.sha1, sha256=file.sha256, lfs=file.lfs
        )
        for file in files
    )
    if parent is None:
        Ref.objects.create(model=model, name=MAIN, kind=Ref.Kind.BRANCH, revision=revision)
    else:
        moved = Ref.objects.filter(model=model, name=MAIN, revision=parent).update(revision=revision)
        if not moved:
            raise Conflict(f"Somebody else published {model} at the same time: publish again.")
    audit.record(actor, "publish model", revision, model=model.repo_id, sha=sha, release=str(release))
    ledger.append(
        "model published",
        {
            "model": model.repo_id,
            "revision": sha,
            "release": str(release),
            "release_digest": release.digest_logical,
            "licence": fields["terms"].key,
            "licence_sha256": fields["terms"].sha256,
            "files": [{"path": file.path, "sha256": file.sha256} for file in files],
        },
    )
    return revision
