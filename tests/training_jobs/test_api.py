"""Runs by the API."""

import json
from typing import Any

from django.test import TestCase
from django.utils import timezone

from core import tokens
from core.models import User
from tests.base import make_user
from tests.training_jobs.rows import make_release, make_revision, make_run
from tests.training_jobs.test_launch import engineer
from training_jobs.models import Run


class ApiTests(TestCase):
    def setUp(self) -> None:
        self.release = make_release()
        self.user = engineer()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        user: User | None = None,
        scopes: tuple[str, ...] = ("read", "jobs"),
    ) -> Any:
        _, plain = tokens.issue(user or self.user, "test", list(scopes))
        return self.client.generic(
            method,
            f"/api/{path}",
            data=b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {plain}"},
        )

    def test_launch_look_cancel_and_go_on(self) -> None:
        base = make_revision(self.release)
        wanted = {
            "release": "the-stack-demo:1.0",
            "preset": "tiny",
            "model_name": "coder",
            "base": "fairstack/old-coder",
            "overrides": {"lr": 0.001},
            "request_token": "once",
        }
        answer = self.call("POST", "runs", wanted)
        self.assertEqual(answer.status_code, 201, answer.content)
        said = answer.json()
        self.assertEqual(
            (said["state"], said["release"], said["kind"]), ("queued", "the-stack-demo:v1.0", "fine-tuning")
        )
        self.assertEqual(said["base"], f"fairstack/old-coder@{base.sha}")
        self.assertEqual(self.call("POST", "runs", wanted).json()["id"], said["id"])
        self.assertEqual(Run.objects.count(), 1)
        run = Run.objects.get()
        run.job.metrics.create(step=2, name="loss", value=3.5)
        self.assertEqual(self.call("GET", f"runs/{run.pk}/metrics").json(), {"loss": [[2, 3.5]]})
        self.assertEqual(self.call("GET", "runs?state=queued").json()[0]["id"], run.pk)
        self.assertEqual(self.call("GET", "runs?state=failed").json(), [])
        self.assertEqual(self.call("POST", f"runs/{run.pk}/cancel").json()["state"], "cancelled")
        self.assertEqual(self.call("POST", f"runs/{run.pk}/cancel").status_code, 409)
        self.assertEqual(self.call("POST", f"runs/{run.pk}/go-on").json()["state"], "queued")
        self.assertEqual(self.call("GET", f"runs/{run.pk}").json()["job"], str(Run.objects.get().job_id))

    def test_refusals_have_their_status_and_say_why(self) -> None:
        make_release("v0.9", "withdrawn", withdrawn_at=timezone.now())
        wanted = {"release": "the-stack-demo:v1.0", "preset": "tiny", "model_name": "coder"}
        self.assertEqual(self.client.get("/api/runs").status_code, 401)
        cases: list[tuple[dict[str, Any], dict[str, Any], int, str]] = [
            ({}, {"user": make_user()}, 403, "may not launch runs"),
            ({}, {"scopes": ("read",)}, 403, "lacks a scope"),
            ({"release": "the-stack-demo:v0.9"}, {}, 409, "was withdrawn"),
            ({"release": "nothing"}, {}, 422, "name:version"),
            ({"base": "fairstack/nothing"}, {}, 422, "no model"),
            ({"overrides": {"hidden": 31}}, {}, 422, "not a multiple of heads"),
            ({"model_name": "a b"}, {}, 422, "model's name"),
        ]
        for changes, how, status, text in cases:
            with self.subTest(changes | how):
                answer = self.call("POST", "runs", wanted | changes, **how)
                self.assertEqual(answer.status_code, status, answer.content)
                self.assertIn(text, answer.json()["error"])
        self.assertEqual(self.call("GET", "runs/999").status_code, 404)
        self.assertFalse(Run.objects.exists())

    def test_an_error_is_told_to_who_may_see_the_job_alone(self) -> None:
        run = make_run(self.release, self.user, state="failed")
        type(run.job).objects.filter(pk=run.job_id).update(error="the disk is full")
        self.assertEqual(self.call("GET", f"runs/{run.pk}").json()["error"], "the disk is full")
        self.assertEqual(self.call("GET", f"runs/{run.pk}", user=make_user()).json()["error"], "")
