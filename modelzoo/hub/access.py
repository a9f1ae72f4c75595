"""Who may have the bytes of a model. Facts, file lists and refs are open to all."""

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from core.models import User
from core.tokens import caller
from modelzoo.hub.errors import gated
from modelzoo.models import ZooModel
from modelzoo.services.licences import may_download


def licence_address(model: ZooModel) -> str:
    """The full address of the page on which the licence is accepted."""
    return settings.FAIRSTACK_SITE_URL + reverse("zoo:licence", args=[model.org, model.name])


def pass_gate(request: HttpRequest, model: ZooModel) -> User | None:
    """The caller, where the files of ``model`` are open to them.

    Raises:
        HubError: GatedRepo: 401 for callers without an account, 403 for those who have not accepted the licence.
        PermissionDenied: The token lacks the scope ``read``.
    """
    user = caller(request, "read")
    if not may_download(user, model):
        raise gated(model, signed_in=user is not None, address=licence_address(model))
    return user
