"""The pages' addresses. As on every hub, a model's own has no slash at the end."""

from django.urls import path

from modelzoo import converters  # noqa: F401 - "repo"
from modelzoo.views import licence, pages, withdrawal

app_name = "zoo"
urlpatterns = [
    path("", pages.model_list, name="models"),
    path("<repo:org>/<repo:name>", pages.card, name="model"),
    path("<repo:org>/<repo:name>/files", pages.files, name="files"),
    path("<repo:org>/<repo:name>/data", pages.data, name="data"),
    path("<repo:org>/<repo:name>/use", pages.use, name="use"),
    path("<repo:org>/<repo:name>/licence", licence.licence, name="licence"),
    path("<repo:org>/<repo:name>/licence/withdraw", licence.withdraw, name="licence-withdraw"),
    path("<repo:org>/<repo:name>/revisions/<slug:sha>/withdraw", withdrawal.withdraw, name="revision-withdraw"),
]
