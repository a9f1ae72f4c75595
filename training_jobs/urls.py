"""The app's addresses."""

from django.urls import URLPattern

app_name = "runs"
urlpatterns: list[URLPattern] = []
