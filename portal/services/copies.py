"""Copies of a request's files under other owners: looked for once it is proven, hidden meanwhile, compared by a reviewer."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from core import audit
from core.errors import Conflict, InvalidInput
from core.jobs import enqueue
from core.models import Job, User
from core.permissions import SYSTEM, Actor, require, row
from datasets_app import purging
from datasets_app.models import Release, Source
from datasets_app.pipeline import copies as engine
from datasets_app.services import masks
from portal.models import Copy, CopySearch, Declaration, OptOutRequest
from portal.services import contacts
from portal.services.accounts import authors_of, covered_by
from portal.states import UNDECIDED

REVIEW = "portal.review_request"
BATCH = 2000
NONE = "The copies of this request have not been looked for yet. Wait a minute, then try again."


def needed(request: OptOutRequest) -> bool:
    """Whether there is anything to look for: copies, or files that a person wrote alone."""
    return request.copies or request.scope == OptOutRequest.AUTHORED


def begin(request: OptOutRequest, actor: Actor) -> Job | None:
    """Look for them in a job, in the caller's transaction; where it was done before, do it anew at once."""
    if not needed(request):
        return None
    if CopySearch.objects.filter(request=request).exists():
        find(request, actor)
        return None
    return enqueue(
        "portal.find_copies", {"request": request.pk}, actor=SYSTEM, dedupe_key=f"portal.find_copies:{request.pk}"
    )


def refresh(request: OptOutRequest, actor: Actor) -> None:
    """Before a decision, and outside of its transaction: look again where a source was taken in or a release published since.

    What is found new waits to be compared, whatever becomes of the decision.
    """
    require(actor, REVIEW)
    search = CopySearch.objects.filter(request=request).first()
    if search is None:
        return
    taken_in = Source.objects.filter(last_ingested_at__gte=search.found_at).exists()
    if not taken_in and search.release == str(newest_release() or ""):
        return
    if OptOutRequest.objects.filter(pk=request.pk, state__in=UNDECIDED, verified_at__isnull=False).exists():
        find(request, actor)


def find(request: OptOutRequest, actor: Actor) -> CopySearch:
    """Look for the copies and hide what may have to go. What a reviewer decided before stays decided. May be repeated."""
    begun = timezone.now()  # what arrives while it is looked for may have been missed
    covered = covered_by(request)
    newest = newest_release()
    corpus = purging.corpus_folder()
    files = engine.files_of(corpus, covered) if request.scope == OptOutRequest.AUTHORED else None
    found = engine.of_corpus(corpus, newest.folder if newest else None, covered) if request.copies else None
    if found is not None:
        staying = Declaration.objects.filter(declared_at__isnull=False, ended_at=None).exclude(person=request.requester)
        found = engine.doubted(found, set(staying.values_list("owner_key", flat=True)))
    with transaction.atomic():
        OptOutRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        if files is not None:
            places = files.select("repository_key", "path", "blob_id").iter_rows()
            masks.mask_contents(actor, request.reference, files=places)
        search, _ = CopySearch.objects.update_or_create(
            request=request, defaults={"found_at": begun, "release": str(newest or "")}
        )
        if found is not None:
            _keep(request, search, found)
            rows = Copy.objects.filter(request=request).exclude(verdict=Copy.LEAVE)
            # What lies under an account that declared to stay in stays in sight until a reviewer decides against it.
            hidden = rows.exclude(verdict=Copy.OPEN, why="declared").values_list("blob", flat=True)
            mine = found.own.filter(verdict=engine.BLOCK)["blob_id"].to_list()
            # What nobody else held when it was looked for before may be anybody's by now.
            masks.unmask_blobs(actor, request.reference, found.own.filter(verdict=engine.LEAVE)["blob_id"])
            masks.mask_contents(actor, request.reference, {*hidden, *mine})
            contacts.tell(request)
    return search


def _keep(request: OptOutRequest, search: CopySearch, found: engine.Copies) -> None:
    decided = {copy.blob: copy for copy in Copy.objects.filter(request=request, decided_at__isnull=False).defer("path")}
    Copy.objects.filter(request=request).delete()
    trivial = Counter(found.exact.filter(verdict=engine.LEAVE)["why"].to_list())
    rows = [
        *_rows(request, Copy.EXACT, found.exact.filter(pl.col("verdict") != engine.LEAVE)),
        *_rows(request, Copy.NEAR, found.near),
    ]
    for one in rows:
        if before := decided.get(one.blob):
            one.verdict, one.decided_by_id, one.decided_at = before.verdict, before.decided_by_id, before.decided_at
    Copy.objects.bulk_create(rows, batch_size=BATCH)
    search.blocked, search.trivial = found.own.filter(verdict=engine.BLOCK).height, dict(trivial)
    search.save(update_fields=["blocked", "trivial"])


def _rows(request: OptOutRequest, ring: str, found: pl.DataFrame) -> list[Copy]:
    return [
        Copy(
            request=request,
            ring=ring,
            blob=one["blob_id"],
            mine=one.get("mine") or one["blob_id"],
            similarity=one.get("similarity", 1.0),
            forge=one["forge"],
            owner=one["owner"],
            repository=one["repository"],
            repository_key=one["repository_key"],
            path=one["path"],
            language=one["language"] or "",
            licence=(one["licence"] or "")[:400],
            size=one["size"],
            why=one["why"],
            verdict=one["verdict"],
        )
        for one in found.iter_rows(named=True)
    ]


def decide(request: OptOutRequest, actor: User, verdict: str, *, ids: Iterable[int] = (), group: str = "") -> int:
    """Decide copies: block them, or leave them, which shows them again. The same content under several owners is decided together.

    Args:
        request: One that is not decided yet.
        actor: The reviewer.
        verdict: ``Copy.BLOCK`` or ``Copy.LEAVE``.
        ids: Of copies.
        group: Or the key of a repository, all of whose copies are meant; or ``A`` or ``B``: all of that ring not compared yet.

    Returns:
        How many files it concerns.

    Raises:
        PermissionDenied: The actor may not review.
        InvalidInput: Nothing is chosen, or there is no such verdict.
        Conflict: The request was decided already, or the copies are not looked for yet.
    """
    require(actor, REVIEW)
    if verdict not in (Copy.BLOCK, Copy.LEAVE):
        raise InvalidInput("Choose whether to block or to leave.", "verdict")
    with transaction.atomic():
        held = OptOutRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
        if held.state not in UNDECIDED or held.verified_at is None:
            raise Conflict("This request does not wait for a decision, so its copies can no longer be decided.")
        if not CopySearch.objects.filter(request=held).exists():
            raise Conflict(NONE)
        rows = Copy.objects.filter(request=held)
        chosen = _chosen(rows, ids, group)
        blobs = set(chosen.values_list("blob", flat=True))
        if not blobs:
            raise InvalidInput("Choose at least one copy.", "copies")
        wanted, concerned = sorted(blobs), 0
        for start in range(0, len(wanted), BATCH):
            part = rows.filter(blob__in=wanted[start : start + BATCH])
            concerned += part.update(verdict=verdict, decided_by=row(actor), decided_at=timezone.now())
        if verdict == Copy.LEAVE:
            masks.unmask_blobs(actor, held.reference, blobs)
        else:
            masks.mask_contents(actor, held.reference, blobs)
        audit.record(actor, "decide copies", held, verdict=verdict, contents=len(blobs), files=concerned)
    return concerned


def _chosen(rows: QuerySet[Copy], ids: Iterable[int], group: str) -> QuerySet[Copy]:
    if group in (Copy.EXACT, Copy.NEAR):
        return rows.filter(ring=group, verdict=Copy.OPEN)
    if group:
        return rows.filter(repository_key=group)
    return rows.filter(pk__in=list(ids)[:BATCH])


def ready(request: OptOutRequest) -> None:
    """Whether the request can be granted as far as copies go.

    Raises:
        Conflict: They are not looked for yet, or not all compared.
    """
    if not needed(request):
        return
    if request.scope == OptOutRequest.AUTHORED and not authors_of(request):
        raise Conflict("No address of a commit author is proven, so it is not known which files this is about.")
    if not CopySearch.objects.filter(request=request).exists():
        raise Conflict(NONE)
    if left := Copy.objects.filter(request=request, verdict=Copy.OPEN).count():
        some = "One copy under another owner has" if left == 1 else f"{left} copies under other owners have"
        raise Conflict(f"{some} not been compared yet. Decide them on the page of the copies first.")


@dataclass(frozen=True)
class Ring:
    """Counts of one ring: files of others, by what becomes of them."""

    ring: str
    label: str
    block: int = 0
    open: int = 0
    leave: int = 0

    @property
    def files(self) -> int:
        """All of them."""
        return self.block + self.open + self.leave


@dataclass(frozen=True)
class Summary:
    """The copies of a request by ring.

    Attributes:
        search: What was looked for; None where it was not yet.
        rings: A and B.
        repositories: Repositories of others by their copies, those with most first.
    """

    search: CopySearch | None
    rings: list[Ring] = field(default_factory=list)
    repositories: list[dict[str, Any]] = field(default_factory=list)

    @property
    def open(self) -> int:
        """Copies that nobody has compared yet."""
        return sum(ring.open for ring in self.rings)


def summary(request: OptOutRequest, repositories: int = 20) -> Summary:
    """Counts by ring, and the repositories with most copies."""
    search = CopySearch.objects.filter(request=request).first()
    if search is None:
        return Summary(None)
    counts = {
        (ring, verdict): files
        for ring, verdict, files in Copy.objects.filter(request=request)
        .order_by()
        .values_list("ring", "verdict")
        .annotate(files=Count("pk"))
    }
    trivial = sum(search.trivial.values())
    rings = [
        Ring(
            ring,
            label,
            counts.get((ring, Copy.BLOCK), 0),
            counts.get((ring, Copy.OPEN), 0),
            counts.get((ring, Copy.LEAVE), 0) + (trivial if ring == Copy.EXACT else 0),
        )
        for ring, label in Copy.RINGS
    ]
    by_place = (
        Copy.objects.filter(request=request)
        .order_by()
        .values("repository_key", "forge", "owner", "repository")
        .annotate(files=Count("pk"), open=Count("pk", filter=Q(verdict=Copy.OPEN)))
        .order_by("-open", "-files", "repository_key")
    )
    return Summary(search, rings, [dict(one) for one in by_place[:repositories]])


def newest_release() -> Release | None:
    """The newest published release, in which near copies are looked for."""
    rows = Release.objects.filter(state="published").defer("recipe", "funnel", "languages", "licences")
    return rows.order_by("-published_at", "-pk").first()


def forget(request: OptOutRequest) -> None:
    """Erase the list with the other personal data of a request."""
    Copy.objects.filter(request=request).delete()
    CopySearch.objects.filter(request=request).delete()
