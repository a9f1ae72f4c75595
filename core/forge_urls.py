"""allauth's addresses that are in use, under the names by which allauth knows them. Everything else of it stays shut."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.github.views import oauth2_callback as github_callback
from allauth.socialaccount.providers.gitlab.views import oauth2_callback as gitlab_callback
from allauth.socialaccount.providers.openid_connect.views import callback as oidc_callback
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import path

from core.views import accounts, forge_accounts


def where_set_up(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A forge that this site is not set up for is not there (404); allauth would break off."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except SocialApp.DoesNotExist:
            raise Http404 from None

    return wrapped


urlpatterns = [
    path("github/login/callback/", where_set_up(github_callback), name="github_callback"),
    path("gitlab/login/callback/", where_set_up(gitlab_callback), name="gitlab_callback"),
    path("oidc/<str:provider_id>/login/callback/", oidc_callback, name="openid_connect_callback"),
    path("forges/new/", forge_accounts.sign_up, name="socialaccount_signup"),
    path("sign-in/", accounts.SignIn.as_view(), name="account_login"),
    path("forges/", forge_accounts.linked_accounts, name="socialaccount_connections"),
]
