"""What every page knows of the site."""

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, object]:
    """The site's name."""
    return {"site_name": settings.FAIRSTACK_SITE_NAME}
