"""Requests of every scope, proven without a forge, for tests of what they reach."""

from datetime import timedelta

from django.utils import timezone

from core.jobs import execute_here
from core.models import Job, User
from core.permissions import SYSTEM
from portal.models import OptOutRequest, Proof
from portal.services import arrival, drafts, requests
from portal.states import OPT_OUT


def ask(user: User, account: str, *repositories: str, scope: str = "account", **extent: bool) -> OptOutRequest:
    """A request that waits for proof."""
    draft = drafts.start(user)
    drafts.set_account(draft, user, account, "github.com")
    if repositories:
        drafts.set_repositories(draft, user, list(repositories))
    else:
        drafts.set_scope(draft, user, scope)
    drafts.set_extent(draft, user, **extent)
    return requests.submit(draft, user)


def prove(request: OptOutRequest, author_key: str = "") -> OptOutRequest:
    """Let its proofs have passed, its copies be found, and its window for objections be over."""
    if author_key:
        Proof.objects.create(
            request=request,
            kind="author_mail",
            owner_key=request.owner_key,
            author_key=author_key,
            passed_at=timezone.now(),
        )
    arrival.verified(request, SYSTEM)
    run_jobs("portal.find_copies")
    if request.state == "objection":
        OPT_OUT.move_or_raise(request, "triage", objection_until=timezone.now() - timedelta(days=1))
    request.refresh_from_db()
    return request


def run_jobs(kind: str) -> None:
    """What a worker would do."""
    for job in Job.objects.filter(kind=kind, state="queued").order_by("created_at"):
        done = execute_here(job)
        assert done.state == "succeeded", done.error + done.crash
