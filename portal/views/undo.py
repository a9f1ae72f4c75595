"""The owner's page for undoing a removal, and for destroying what is kept for that."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from core.errors import Conflict
from core.session import signed_in
from portal import states
from portal.services import undo
from portal.views.kept_form import keeps_form
from portal.views.requests import own


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_form
def page(request: HttpRequest, reference: str) -> HttpResponse:
    """What comes back, until when, and the button."""
    opt_out = own(request, reference)
    if request.method == "POST":
        try:
            undo.undo(opt_out, signed_in(request))
        except Conflict as error:
            messages.error(request, str(error))
        return redirect("portal:undo", reference)
    if opt_out.state not in (*states.ACCEPTED, "restored"):
        return redirect(opt_out)
    context = {"opt_out": opt_out, "standing": undo.standing(opt_out), "repositories": list(opt_out.repositories.all())}
    return render(request, "portal/requests/undo.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@keeps_form
def destroy(request: HttpRequest, reference: str) -> HttpResponse:
    """Destroy what is kept, after saying what that means."""
    opt_out = own(request, reference)
    standing = undo.standing(opt_out)
    if request.method == "POST":
        try:
            undo.destroy(opt_out, signed_in(request))
        except Conflict as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "What was kept for an undo is destroyed. The removal is final.")
        return redirect("portal:undo", reference)
    if not standing.sealed or standing.under_way:
        return redirect("portal:undo", reference)
    return render(request, "portal/requests/undo_destroy.html", {"opt_out": opt_out, "standing": standing})
