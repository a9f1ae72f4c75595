"""The typed API at ``/api/``: one router an app, documented at ``/api/docs``."""

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI

from core.api import router as core_router
from core.api_auth import SessionAuth, TokenAuth
from core.errors import Conflict, InvalidInput, TooMany
from core.ledger_api import router as ledger_router
from core.middleware import too_many
from datasets_app.api import router as datasets_router
from datasets_app.benchmarks_api import router as benchmarks_router
from datasets_app.cards_api import router as cards_router
from datasets_app.sources_api import router as sources_router
from datasets_app.tracer_api import router as tracer_router
from modelzoo.api import router as zoo_router
from portal.api import router as portal_router
from portal.declarations_desk_api import router as declarations_desk_router
from portal.desk_api import router as desk_router
from portal.preview_api import router as preview_router
from portal.proofs_api import router as proofs_router
from portal.receipts_api import router as receipts_router
from portal.replies_api import router as replies_router
from portal.search_api import router as search_router
from portal.transparency_api import router as transparency_router
from portal.undo_api import router as undo_router
from training_jobs.api import router as runs_router

api = NinjaAPI(
    title="Fairstack",
    version="1",
    description="Search, requests, releases, runs and models. The Hub protocol for model downloads lies beside it.",
    auth=[TokenAuth(), SessionAuth()],
)
api.add_router("/", core_router)
api.add_router("/", ledger_router)
api.add_router("/", datasets_router)
api.add_router("/", sources_router)
api.add_router("/", cards_router)
api.add_router("/", benchmarks_router)
api.add_router("/", tracer_router)
api.add_router("/", zoo_router)
api.add_router("/", transparency_router)
api.add_router("/", runs_router)
api.add_router("/", portal_router)
api.add_router("/", preview_router)
api.add_router("/", search_router)
api.add_router("/", replies_router)
api.add_router("/", desk_router)
api.add_router("/", declarations_desk_router)
api.add_router("/", receipts_router)
api.add_router("/", undo_router)
api.add_router("/", proofs_router)


@api.exception_handler(PermissionDenied)
def refused(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    """What the caller may not do, said in words."""
    return api.create_response(request, {"error": str(error) or "You may not do this."}, status=403)


@api.exception_handler(Http404)
def missing(request: HttpRequest, error: Http404) -> HttpResponse:
    """Nothing of that name."""
    return api.create_response(request, {"error": str(error) or "Not found."}, status=404)


@api.exception_handler(InvalidInput)
def invalid(request: HttpRequest, error: InvalidInput) -> HttpResponse:
    """Input that was understood and is wrong."""
    return api.create_response(request, {"error": str(error), "field": error.field}, status=422)


@api.exception_handler(Conflict)
def conflict(request: HttpRequest, error: Conflict) -> HttpResponse:
    """A change that the present state does not allow."""
    return api.create_response(request, {"error": str(error)}, status=409)


@api.exception_handler(TooMany)
def limited(request: HttpRequest, error: TooMany) -> HttpResponse:
    """Too often; the header ``Retry-After`` says when again."""
    return too_many(request, error)


@api.exception_handler(RequestDataTooBig)
def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    """A body that is larger than any that the API takes."""
    return api.create_response(request, {"error": "The request is too large. Send less at a time."}, status=413)
