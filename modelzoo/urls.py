"""The app's addresses."""

from django.urls import URLPattern

app_name = "zoo"
urlpatterns: list[URLPattern] = []
