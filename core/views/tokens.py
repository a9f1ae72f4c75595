"""API tokens of one's account: make, see once, list, revoke."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core import limits, tokens
from core.forms import TokenForm
from core.models import ApiToken, User
from core.session import signed_in


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """The tokens, the form for another, and on making one its text, this once."""
    user = signed_in(request)
    plain, made = "", None
    form = TokenForm(user, request.POST or None)
    if request.method == "POST":
        with transaction.atomic():
            User.objects.select_for_update().get(pk=user.pk)  # a form sent twice at once is read one after the other
            if form.is_valid():
                limits.hit("token", limits.account(user))
                made, plain = tokens.issue(user, form.cleaned_data["name"], form.cleaned_data["scopes"])
                form = TokenForm(user)
    rows = ApiToken.objects.filter(user=user).order_by("revoked_at", "-created_at")
    live = [row for row in rows if row.revoked_at is None]
    ended = [row for row in rows if row.revoked_at is not None]
    context = {"form": form, "live": live, "ended": ended, "plain": plain, "made": made, "scopes": tokens.SCOPES}
    return render(request, "core/tokens.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Say what revoking does, then do it."""
    token = get_object_or_404(ApiToken, pk=token_id, user=signed_in(request))
    if request.method == "POST":
        if tokens.revoke(token, signed_in(request)):
            messages.success(
                request, f"The token “{token.name}” was revoked. Programs that use it are refused from now on."
            )
        else:
            messages.info(request, f"The token “{token.name}” had been revoked before.")
        return redirect("core:tokens")
    return render(request, "core/token_revoke.html", {"token": token})
