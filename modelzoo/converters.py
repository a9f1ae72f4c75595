"""The path converter of repository names, for pages and for the Hub protocol."""

from django.urls import register_converter


class RepoPart:
    """One half of ``org/name``."""

    regex = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"

    def to_python(self, value: str) -> str:
        """As it stands."""
        return value

    def to_url(self, value: str) -> str:
        """As it stands."""
        return value


register_converter(RepoPart, "repo")
