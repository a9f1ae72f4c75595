"""The ground floor's addresses."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from core.views import accounts, audit, jobs, roles, style, tokens

app_name = "core"
urlpatterns = [
    path("accounts/", accounts.account, name="account"),
    path("accounts/sign-in/", accounts.SignIn.as_view(), name="sign-in"),
    path("accounts/sign-out/", LogoutView.as_view(), name="sign-out"),
    path("accounts/sign-up/", accounts.SignUp.as_view(), name="sign-up"),
    path("accounts/password/", accounts.PasswordChange.as_view(), name="password"),
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
    path("style/", style.style, name="style"),
]
