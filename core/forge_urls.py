"""allauth's addresses that are in use, under the names by which allauth knows them. Everything else of it stays shut."""

from allauth.socialaccount.providers.github.views import oauth2_callback as github_callback
from allauth.socialaccount.providers.gitlab.views import oauth2_callback as gitlab_callback
from allauth.socialaccount.providers.openid_connect.views import callback as oidc_callback
from django.urls import path

from core.views import accounts, forge_accounts

urlpatterns = [
    path("github/login/callback/", github_callback, name="github_callback"),
    path("gitlab/login/callback/", gitlab_callback, name="gitlab_callback"),
    path("oidc/<str:provider_id>/login/callback/", oidc_callback, name="openid_connect_callback"),
    path("forges/new/", forge_accounts.sign_up, name="socialaccount_signup"),
    path("sign-in/", accounts.SignIn.as_view(), name="account_login"),
    path("forges/", forge_accounts.linked_accounts, name="socialaccount_connections"),
]
