"""One of everything, so that every address of the project leads somewhere: a release, a model, a run, jobs, requests, people."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from config.api import api
from core import ledger, roles, tokens
from core.models import Job, User
from datasets_app.models import Owner, Release, Repository
from datasets_app.pipeline.format import shard_path
from datasets_app.pipeline.release import Release as OpenRelease
from modelzoo.models import LicenceTerms
from modelzoo.services import publish_checkpoint
from portal import recipes
from portal.models import OptOutRequest
from tests.base import make_user
from tests.core.test_roles import make_with
from tests.datasets_app.floor import FloorMixin
from tests.modelzoo.base import TRAINING, checkpoint
from tests.portal import people
from training_jobs.models import Run

NAME = "the-stack-demo"
# Addresses that are told by a regular expression, by what stands before its first group.
REGULAR = {"^ledger/tile/entries/": "/ledger/tile/entries/000", "^ledger/tile/": "/ledger/tile/0/000"}
WHO = ("nobody", "plain", "owner", *roles.ROLES, "superuser")


class World(FloorMixin):
    """``self.people`` by what they are, ``self.arguments`` by the names that addresses have for their parts."""

    people: dict[str, User | AnonymousUser]
    arguments: dict[str, Any]

    def setUp(self) -> None:
        super().setUp()
        release = self.published()
        self.people = {
            "nobody": AnonymousUser(),
            "plain": make_user("paula"),
            "owner": make_user("olga"),
            **{name: make_with(f"the-{name}", name) for name in roles.ROLES},
            "superuser": self.staff,
        }
        owner = self.people["owner"]
        assert isinstance(owner, User)
        request = people.sent(owner, "Zeta-unknown")
        revision = publish_checkpoint(
            self.staff, org="fairstack", name="demo", folder=checkpoint(), release=release, training=TRAINING,
            lineage={"run": 7, "tokenizer_digest": "e" * 64},
        )  # fmt: skip
        job = Job.objects.create(
            kind="runs.train", title="Train", queue="gpu", state="succeeded", requested_by=owner, started_at=timezone.now(),
            finished_at=timezone.now(),
        )  # fmt: skip
        run = Run.objects.create(
            org="fairstack", model_name="demo", preset="demo", release=release, job=job, created_by=self.staff
        )
        token, _ = tokens.issue(owner, "laptop", ["read"])
        ledger.sequence()
        opened = OpenRelease.open(self.data / "releases", release.name, release.version)
        shard = shard_path(self.data / "releases", next(iter(opened.served_names().values()))["digest"])
        row = pq.read_table(shard, columns=["path", "repository_key"]).to_pylist()[0]
        self.release: Release = release
        self.request: OptOutRequest = request
        self.arguments = {
            "name": NAME,
            "version": release.version,
            "reference": request.reference,
            "org": "fairstack",
            "sha": revision.sha,
            "run_id": run.pk,
            "job_id": job.pk,
            "token_id": token.pk,
            "user_id": self.people["plain"].pk,
            "served": next(iter(opened.served_names())),
            "blob_id": "0" * 40,
            "repository_id": Repository.objects.get(key=row["repository_key"]).pk,
            "path": row["path"],
            "rev": "main",
            "rest": "main/README.md",
            "topic": "x",
            "slug": "operations",
            "key": "mit",
            "kind": "git-folder",
            "number": 0,
            "pk": 0,
            "way": "file",
            "provider_id": "github",
            "secret": "x" * 40,
            "owner_id": Owner.objects.order_by("pk").values_list("pk", flat=True)[0],
        }

    def path(self, route: str) -> str:
        """An address of this world for a route."""
        if route.startswith("^"):
            return REGULAR[route.partition("(")[0]]
        special = {"name": "demo"} if "<repo:" in route or "zoo" in route else {}
        if "sources" in route:
            special = {"name": "fakes"}
        if route.startswith("licences"):
            special = {"key": LicenceTerms.objects.order_by("pk").values_list("key", flat=True)[0]}
        if route.startswith("recipes"):
            special = {"key": recipes.everything()[0].key}
        values = self.arguments | special
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: quote(str(values[part[1]])), route)


def smallest(schema: dict[str, Any], known: dict[str, Any]) -> Any:
    """The smallest value that a JSON schema takes, so that an operation is refused for its caller and not for its body."""
    if reference := schema.get("$ref"):
        return smallest(known[reference.rpartition("/")[2]], known)
    if options := schema.get("anyOf") or schema.get("allOf"):
        return smallest(options[0], known)
    if schema.get("format") == "binary":
        return SimpleUploadedFile("x.txt", b"x")
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", [])
            return {name: smallest(schema["properties"][name], known) for name in wanted}
        case "array":
            return [smallest(schema["items"], known)] * schema.get("minItems", 1)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    return "x" * schema.get("minLength", 1)


@dataclass(frozen=True)
class Operation:
    """One operation of the typed API: what it has to be given so that it is refused for its caller, and not for its input."""

    query: dict[str, Any]
    body: Any
    multipart: bool


def operations() -> dict[tuple[str, str], Operation]:
    """Each operation by method and route, with the smallest input that it takes."""
    schema = json.loads(json.dumps(api.get_openapi_schema()))
    known = schema["components"]["schemas"]
    found = {}
    for path, methods in schema["paths"].items():
        route = path.removeprefix("/").replace("{", "<").replace("}", ">")
        for method, operation in methods.items():
            query = {
                one["name"]: smallest(one["schema"], known)
                for one in operation.get("parameters", [])
                if one["in"] == "query" and one.get("required")
            }
            content = operation.get("requestBody", {}).get("content", {})
            body = next((smallest(one["schema"], known) for one in content.values()), None)
            found[(method.upper(), route)] = Operation(query, body, "multipart/form-data" in content)
    return found


def addresses() -> dict[str, URLPattern]:
    """Every address but Django's own administration, by its route; those of the API without their schemas' methods."""

    def walk(patterns: list[Any], prefix: str) -> Any:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                if pattern.namespace != "admin":
                    yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))
            else:
                yield prefix + str(pattern.pattern), pattern

    return dict(walk(get_resolver().url_patterns, ""))
