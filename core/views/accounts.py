"""Signing up, in and out, and one's own account."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.generic import FormView

from core import limits, roles
from core.context import THEME_COOKIE, THEMES
from core.forms import AddressForm, FirstPasswordForm, PasswordForm, SignInForm, SignUpForm
from core.session import signed_in
from core.sign_in import leads_to_providers

A_YEAR = 365 * 24 * 3600  # seconds


def next_page(request: HttpRequest, default: str) -> str:
    """Where the visitor wanted to go, if that is on this site; else ``default``."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return default


@method_decorator(leads_to_providers, name="dispatch")
class SignIn(LoginView):
    """Name and password."""

    template_name = "core/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form. Django's view would call the site by its host."""
        context = super().get_context_data(**kwargs)
        del context["site_name"]
        return context

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """An attempt, of which an account and a network have so many."""
        limits.hit("sign-in", limits.network(request), limits.typed(request.POST.get("username", "")))
        return super().post(request, *args, **kwargs)


@method_decorator([leads_to_providers, sensitive_post_parameters(), never_cache], name="dispatch")
class SignUp(FormView):
    """A new local account, signed in at once."""

    template_name = "core/sign_up.html"
    form_class = SignUpForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Who is signed in has an account."""
        if request.user.is_authenticated:
            return redirect("core:account")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, and where to go afterwards."""
        return super().get_context_data(next=next_page(self.request, ""), **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """Make the account and sign in."""
        limits.hit("sign-up", limits.network(self.request))
        user = form.save()
        login(self.request, user)
        messages.success(self.request, f"Welcome, {user.username}. Your account is ready.")
        return HttpResponseRedirect(next_page(self.request, str(reverse_lazy("core:account"))))


class PasswordChange(PasswordChangeView):
    """A new password; the other sessions of the account end."""

    template_name = "core/password.html"
    form_class = PasswordForm
    success_url = reverse_lazy("core:account")

    def get_form_class(self) -> type[Any]:
        """Who came through a forge has no password yet, and sets a first one."""
        return PasswordForm if signed_in(self.request).has_usable_password() else FirstPasswordForm

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep it and say so."""
        messages.success(self.request, "Your password was changed. Other devices were signed out.")
        return super().form_valid(form)


@login_required
def account(request: HttpRequest) -> HttpResponse:
    """What the site keeps of the person, and how to change it."""
    user = signed_in(request)
    form = AddressForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your address was saved." if user.email else "Your address was removed.")
        return redirect("core:account")
    user.refresh_from_db()
    facts = {
        "live_tokens": user.api_tokens.filter(revoked_at__isnull=True).count(),
        "job_count": user.jobs.count(),
        "roles": roles.of(user),
    }
    return render(request, "core/account.html", {"form": form, **facts})


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the chosen colours in a cookie and go back."""
    response = HttpResponseRedirect(next_page(request, "/"))
    chosen = request.POST.get("theme", "")
    if chosen in THEMES and chosen != "system":
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=A_YEAR, samesite="Lax", httponly=True, secure=request.is_secure()
        )
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response
