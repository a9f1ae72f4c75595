"""Whether this process can do its work: for load balancers and ``docker-compose.yml``."""

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from core import journal
from core.stores import data_root


@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """200 where the database answers, the data folder is there, and neither is older than the journal; else 503 and what is wrong."""
    problems = []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as error:  # whatever the driver raises: the answer is the same
        problems.append(f"database: {type(error).__name__}")
    try:
        data_root()
    except OSError as error:
        problems.append(f"data folder: {type(error).__name__}")
    if not problems and (older := journal.behind()):
        problems.append(f"{older} is older than the journal: run manage.py replay_purges")
    return JsonResponse({"ok": not problems, "problems": problems}, status=503 if problems else 200)
