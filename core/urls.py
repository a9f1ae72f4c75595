"""The ground floor's addresses."""

from django.contrib.auth.views import LogoutView
from django.urls import path, re_path

from core.tiles import INDEX_PATTERN
from core.views import accounts, audit, forge_accounts, jobs, ledger, ledger_tiles, roles, style, tokens

_WIDTH = r"(?:\.p/(?P<width>[1-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]))?"

app_name = "core"
urlpatterns = [
    path("accounts/", accounts.account, name="account"),
    path("accounts/sign-in/", accounts.SignIn.as_view(), name="sign-in"),
    path("accounts/sign-out/", LogoutView.as_view(), name="sign-out"),
    path("accounts/sign-up/", accounts.SignUp.as_view(), name="sign-up"),
    path("accounts/password/", accounts.PasswordChange.as_view(), name="password"),
    path("accounts/forges/", forge_accounts.linked_accounts, name="forge-accounts"),
    path("accounts/forges/<int:pk>/unlink/", forge_accounts.unlink, name="forge-unlink"),
    path("accounts/forges/<str:provider_id>/start/", forge_accounts.start, name="forge-start"),
    path("accounts/theme/", accounts.theme, name="theme"),
    path("accounts/tokens/", tokens.token_list, name="tokens"),
    path("accounts/tokens/<int:token_id>/revoke/", tokens.token_revoke, name="token-revoke"),
    path("accounts/roles/", roles.role_list, name="roles"),
    path("accounts/roles/<int:user_id>/", roles.person, name="person"),
    path("audit/", audit.trail, name="audit"),
    path("audit/export.csv", audit.export, name="audit-export"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("jobs/<uuid:job_id>/", jobs.job_page, name="job"),
    path("jobs/<uuid:job_id>/live/", jobs.job_live, name="job-live"),
    path("jobs/<uuid:job_id>/log/", jobs.job_log, name="job-log"),
    path("jobs/<uuid:job_id>/metrics/", jobs.job_metrics, name="job-metrics"),
    path("jobs/<uuid:job_id>/cancel/", jobs.job_cancel, name="job-cancel"),
    path("ledger/", ledger.ledger_page, name="ledger"),
    path("ledger/entries/<int:number>/", ledger.entry_page, name="ledger-entry"),
    path("ledger/checkpoint", ledger_tiles.checkpoint, name="ledger-checkpoint"),
    path("ledger/key", ledger_tiles.key, name="ledger-key"),
    re_path(rf"^ledger/tile/entries/(?P<index>{INDEX_PATTERN}){_WIDTH}$", ledger_tiles.entries, name="ledger-bundle"),
    re_path(
        rf"^ledger/tile/(?P<level>[0-9]|[1-5][0-9]|6[0-3])/(?P<index>{INDEX_PATTERN}){_WIDTH}$",
        ledger_tiles.tile,
        name="ledger-tile",
    ),
    path("style/", style.style, name="style"),
]
