"""Giving and taking roles, for administrators."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from core import audit_trail, roles
from core.errors import Conflict, InvalidInput
from core.models import User
from core.permissions import require
from core.session import signed_in


@login_required
@never_cache
@require_safe
def role_list(request: HttpRequest) -> HttpResponse:
    """Who has which role, what each role may, and the way to another account."""
    require(signed_in(request), roles.MANAGE)
    name, unknown = request.GET.get("name", "").strip()[:150], ""
    if name:
        found = User.objects.filter(username=name).first()
        if found is not None:
            return redirect("core:person", found.pk)
        unknown = name
    rows = [(user, roles.of(user)) for user in roles.holders()]
    context = {"rows": rows, "roles": roles.ROLES.values(), "unknown": unknown}
    return render(request, "core/roles.html", context, status=404 if unknown else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, user_id: int) -> HttpResponse:
    """One account's roles: what each would allow, beside the button that gives or takes it."""
    actor = signed_in(request)
    require(actor, roles.MANAGE)
    user = get_object_or_404(User, pk=user_id)
    if request.method == "POST":
        taking = request.POST.get("act") == "take"
        name = request.POST.get("role", "")
        try:
            done = (roles.take if taking else roles.give)(actor, user, name)
        except (Conflict, InvalidInput) as error:
            messages.error(request, str(error))
        else:
            title = roles.ROLES[name].title
            words = ("does not have", "has") if not done else ("is no longer", "is now")
            words_for = words[0] if taking else words[1]
            text = f"{user.username} {words_for} {title.lower() if done else f'the role “{title}”'}."
            (messages.success if done else messages.info)(request, text)
        return redirect("core:person", user.pk)
    context = {
        "person": user,
        "held": roles.of(user),
        "roles": roles.ROLES.values(),
        "own": user.pk == actor.pk,
        "history": audit_trail.of_object("core.user", user.pk, 20),
    }
    return render(request, "core/person.html", context)
