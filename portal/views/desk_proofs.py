"""The reviewers' part in proofs: that a domain belongs to an account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from core.errors import Conflict
from core.session import signed_in
from portal.models import Proof
from portal.services import proving
from portal.views.desk import reviewers_only


@require_POST
@reviewers_only
def confirm_domain(request: HttpRequest, reference: str, pk: int) -> HttpResponse:
    """Count the record of a domain that the account's profile does not name."""
    proof = get_object_or_404(Proof.objects.select_related("request"), pk=pk, request__reference=reference)
    try:
        proving.confirm_domain(proof, signed_in(request))
    except Conflict as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "The record counts as a proof now.")
    return redirect("portal:desk-request", reference)
