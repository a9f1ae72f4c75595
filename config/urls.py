"""The addresses. Fixed prefixes first, the portal last; the Hub's ``/<org>/<name>/resolve/...`` is told apart by its verb."""

from django.contrib import admin
from django.urls import include, path

from config.api import api
from core.health import health

urlpatterns = [
    path("healthz", health, name="health"),
    path("admin/", admin.site.urls),
    path("", include("modelzoo.hub_urls")),
    path("api/", api.urls),
    path("", include("core.urls")),
    path("accounts/", include("core.forge_urls")),
    path("", include("datasets_app.tracer_urls")),
    path("releases/", include("datasets_app.urls")),
    path("runs/", include("training_jobs.urls")),
    path("models/", include("modelzoo.urls")),
    path("", include("portal.urls")),
]
