"""Requests in Django's admin: for looking, for those who may review."""

from django.contrib import admin
from django.http import HttpRequest

from core.admin import ReadOnly
from portal.models import (
    Appeal,
    Decision,
    Enquiry,
    Objection,
    OptOutRequest,
    Proof,
    ProofCheck,
    RequestedRepository,
    RequestEvent,
    TargetDecision,
)
from portal.services.verification import REVIEW


class ForReviewers(ReadOnly):
    """Rows with names of accounts: whoever may not review sees none of them, whatever else they may."""

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Reviewers."""
        return request.user.has_perm(REVIEW)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Reviewers."""
        return request.user.has_perm(REVIEW)


@admin.register(OptOutRequest)
class OptOutRequestAdmin(ForReviewers):
    """Requests, without the keys of their ledger entries."""

    list_display = ["reference", "state", "scope", "submitted_at", "due_at", "decided_at", "removed_at"]
    list_filter = ["state", "scope"]
    exclude = ["ledger_key"]


@admin.register(Proof)
class ProofAdmin(ForReviewers):
    """Proofs, without the challenges."""

    list_display = ["request", "kind", "issued_at", "expires_at", "passed_at"]
    exclude = ["challenge"]


@admin.register(ProofCheck, RequestedRepository, RequestEvent, Decision, TargetDecision, Enquiry, Objection, Appeal)
class PartAdmin(ForReviewers):
    """Parts of requests."""
