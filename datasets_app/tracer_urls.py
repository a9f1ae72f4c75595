"""The addresses of tracing: the page, and what the editor extension asks."""

from django.urls import path

from datasets_app import tracer_api
from datasets_app.views import tracing

app_name = "tracer"
urlpatterns = [
    path("trace/", tracing.trace, name="trace"),
    path("overlap", tracer_api.overlap, name="overlap"),
]
