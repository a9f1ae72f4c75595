"""Asking one address as one person, and what kind of answer it was."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from tests.permissions.world import Operation

# One letter an answer.
ANSWERED, SIGN_IN, REFUSED, HIDDEN, NOT_SO, UNREADABLE, BROKEN = "+", "L", "-", "0", "x", "V", "E"


def kind(answer: Any) -> str:
    """What kind of answer it was, in one letter. What was said is no matter here, only whether it was said."""
    status = answer.status_code
    if status == 401 or (status == 302 and "/accounts/sign-in/" in answer["Location"]):
        return SIGN_IN
    if status == 422 and answer["Content-Type"].startswith("application/json") and "detail" in answer.json():
        return UNREADABLE
    if status >= 500:
        return BROKEN
    return {403: REFUSED, 404: HIDDEN, 405: NOT_SO}.get(status, ANSWERED)


def ask(client: Client, method: str, path: str, operation: Operation | None = None) -> HttpResponse:
    """The answer. What the request changed is taken back, so that every person meets the same world."""
    with transaction.atomic():
        try:
            if operation is None:
                return client.generic(method, path) if method != "POST" else client.post(path)
            if method == "GET":
                return client.get(path, operation.query)
            if operation.multipart:
                return client.generic(method, path) if method != "POST" else client.post(path, operation.body)
            return client.generic(method, path, json_of(operation.body), content_type="application/json")
        finally:
            transaction.set_rollback(True)


def json_of(body: Any) -> str:
    """As JSON; an empty object where the operation takes nothing."""
    import json

    return json.dumps({} if body is None else body)
