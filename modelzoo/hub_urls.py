"""The Hub protocol's addresses, at the root."""

from django.urls import URLPattern

app_name = "hub"
urlpatterns: list[URLPattern] = []
