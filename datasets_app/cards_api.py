"""The API of the cards of a release."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from core import tokens
from core.models import User
from datasets_app import browsing
from datasets_app.api import gone
from datasets_app.api_shapes import ErrorOut, GoneOut
from datasets_app.browsing import Withdrawn
from datasets_app.cards import croissant, facts, summary

router = Router(tags=["releases"])
ANSWERS: dict[int, Any] = {200: dict[str, Any], 404: ErrorOut, 410: GoneOut}


@router.get(
    "releases/{name}/{version}/training-content", response=ANSWERS, auth=None, summary="Summary of training content"
)
def training_content(request: HttpRequest, name: str, version: str) -> Any:
    """After Art. 53(1)(d) of the EU AI Act. 410 with the reason where the release was withdrawn."""
    try:
        return 200, summary.as_json(facts.of(browsing.visible_release(name, version, _caller(request))))
    except Withdrawn as error:
        return 410, gone(error)


@router.get("releases/{name}/{version}/croissant", response=ANSWERS, auth=None, summary="Data card in Croissant")
def croissant_card(request: HttpRequest, name: str, version: str) -> Any:
    """JSON-LD of Croissant 1.0 with Croissant-RAI. 410 with the reason where the release was withdrawn."""
    try:
        return 200, croissant.card(facts.of(browsing.visible_release(name, version, _caller(request))))
    except Withdrawn as error:
        return 410, gone(error)


def _caller(request: HttpRequest) -> User | Any:
    return tokens.caller(request, "read") or request.user
