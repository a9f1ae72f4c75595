"""The ground floor's addresses."""

from django.urls import URLPattern

app_name = "core"
urlpatterns: list[URLPattern] = []
