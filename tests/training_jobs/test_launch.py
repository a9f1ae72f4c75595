"""Launching, cancelling and going on: who may, on what, and what is refused."""

import threading
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import TestCase, TransactionTestCase, override_settings
from django.utils import timezone

from core import jobs
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, Job, User
from core.permissions import SYSTEM
from datasets_app.models import BlockEntry
from tests.base import make_staff, make_user
from tests.training_jobs.rows import make_release, make_revision, make_run
from training_jobs import eligibility, services
from training_jobs.models import Run
from training_jobs.plan import plan


def engineer(name: str = "edsger") -> User:
    """Somebody who is not on the staff and may launch runs."""
    user = make_user(name)
    user.user_permissions.add(Permission.objects.get(codename="launch_run"))
    return user


class LaunchTests(TestCase):
    def launch(self, actor: Any = SYSTEM, **changes: Any) -> Run:
        given: dict[str, Any] = {"release": self.release, "preset": "tiny", "model_name": "coder"}
        return services.launch(actor, **(given | changes))

    def setUp(self) -> None:
        self.release = make_release()

    def block(self, days_ago: float, **fields: Any) -> BlockEntry:
        at = timezone.now() - timedelta(days=days_ago)
        return BlockEntry.objects.create(kind="owner", keyed=f"k{days_ago}{fields}", created_at=at, **fields)

    def test_a_run_has_its_config_a_job_on_the_gpu_queue_and_an_audit_row(self) -> None:
        actor = engineer()
        with self.captureOnCommitCallbacks() as callbacks:
            run = self.launch(actor, overrides={"lr": 0.001}, steps=7)
        self.assertEqual(len([one for one in callbacks if one.__module__ == "core.jobs"]), 1, "one wake-up")
        self.assertEqual((run.job.kind, run.job.queue, run.job.params), ("training.run", "gpu", {"run": run.pk}))
        self.assertEqual(
            (run.name, run.state, run.kind, run.created_by), ("fairstack/coder", "queued", "from scratch", actor)
        )
        self.assertEqual((run.config["lr"], run.config["steps"], run.config["seconds"]), (0.001, 7, None))
        self.assertNotIn("base", run.config)
        entry = AuditEntry.objects.get(action="launch run")
        self.assertEqual((entry.object_id, entry.actor), (str(run.pk), actor))

    def test_only_with_the_permission(self) -> None:
        with self.assertRaisesMessage(PermissionDenied, "may not launch runs"):
            self.launch(make_user())
        self.assertFalse(Run.objects.exists() or Job.objects.exists())

    def test_only_on_a_published_release_and_the_text_says_what_it_is(self) -> None:
        texts = {
            "building": "still being built",
            "built": "not yet published",
            "failed": "its build failed",
            "rejected": "it was rejected",
            "withdrawn": "was withdrawn on",
        }
        for index, (state, text) in enumerate(texts.items()):
            with self.subTest(state), self.assertRaisesMessage(Conflict, text):
                self.launch(release=make_release(f"v0.{index}", state))
        self.assertFalse(Run.objects.exists())

    def test_a_release_behind_the_block_list_is_refused_after_the_grace_and_not_before(self) -> None:
        self.block(6.9)
        self.assertEqual(eligibility.behind(self.release), 1)
        self.launch()
        oldest = self.block(7.1)
        with self.assertRaises(Conflict) as caught:
            self.launch()
        text = str(caught.exception)
        self.assertIn("behind the block-list: 2 entries of the block-list are not in it", text)
        self.assertIn(f"{oldest.created_at:%-d %B %Y}", text)
        self.assertIn("the grace is 7 days", text)
        with self.subTest("the setting says the grace"), override_settings(FAIRSTACK_BLOCKLIST_GRACE_DAYS=8):
            self.launch()
        with self.subTest("an entry that was lifted does not count"):
            BlockEntry.objects.filter(pk=oldest.pk).update(lifted_at=timezone.now())
            self.launch()
        with self.subTest("a release that honours the entries may be used"):
            self.block(30)
            last = BlockEntry.objects.order_by("position").last()
            self.launch(release=make_release("v1.1", blocklist_position=last.position))

    def test_the_job_looks_again_before_it_trains(self) -> None:
        run = self.launch()
        self.block(8)
        job = jobs.execute_here(run.job)
        self.assertEqual((job.state, job.crash), ("failed", ""))
        self.assertIn("behind the block-list", job.error)

    def test_a_wrong_value_is_named_with_its_field(self) -> None:
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"preset": "huge"}, "preset"),
            ({"overrides": {"lr": -1.0}}, "lr"),
            ({"overrides": {"colour": 1}}, "colour"),
            ({"overrides": {"steps": 3}}, "steps"),
            ({"overrides": {"base": "/etc"}}, "base"),
            ({"steps": 0}, "steps"),
            ({"seconds": float("inf")}, "seconds"),
            ({"model_name": "a/b"}, "model_name"),
            (
                {
                    "model_name": "..",
                },
                "model_name",
            ),
            ({"model_name": "Old-Coder"}, "model_name"),
        ]
        make_revision(self.release)
        for changes, field in wrong:
            with self.subTest(changes), self.assertRaises(InvalidInput) as caught:
                self.launch(**changes)
            self.assertEqual(caught.exception.field, field)

    def test_sent_twice_with_one_token_makes_one_run(self) -> None:
        actor = engineer()
        first = self.launch(actor, request_token="t1")
        self.assertEqual(self.launch(actor, request_token="t1"), first)
        self.assertNotEqual(self.launch(actor, request_token="t2"), first)
        with self.assertRaisesMessage(Conflict, "another account"):
            self.launch(engineer("barbara"), request_token="t1")
        self.assertEqual((Run.objects.count(), Job.objects.count()), (2, 2))

    def test_a_fine_tune_takes_the_context_and_the_licence_of_its_base(self) -> None:
        base = make_revision(self.release, licence_key="other-licence")
        run = self.launch(base=base)
        self.assertEqual((run.kind, run.config["context"]), ("fine-tuning", 48))
        self.assertEqual(services.licence_of(base), "other-licence")
        with self.assertRaisesMessage(InvalidInput, "stands under other-licence"):
            self.launch(model_name="old-coder")
        type(base).objects.filter(pk=base.pk).update(withdrawn_at=timezone.now())
        base.refresh_from_db()
        with self.assertRaisesMessage(Conflict, "was withdrawn"):
            self.launch(base=base)

    def test_the_plan_says_parameters_tokens_and_time(self) -> None:
        config = services.config_for("tiny", {})
        shown = plan(config, self.release, None, "fairstack", "coder")
        self.assertEqual((shown.parameters, shown.tokens, shown.expected_seconds), (41_792, 5120, None))
        self.assertEqual((shown.data_bytes, shown.model_exists), (2_000_000, False))
        base = make_revision(self.release)
        run = make_run(self.release, state="succeeded")
        Run.objects.filter(pk=run.pk).update(revision=base, summary={"tokens": 5120, "wall_seconds": 2.0})
        with self.subTest("by the pace of runs before it"):
            timed = services.config_for("tiny", {}, seconds=10)
            self.assertEqual(plan(timed, self.release, base, "fairstack", "old-coder").tokens, 25_600)
            self.assertTrue(plan(timed, self.release, base, "fairstack", "old-coder").model_exists)
            both = services.config_for("tiny", {}, seconds=10, steps=1)
            self.assertEqual(plan(both, self.release, None, "fairstack", "x").tokens, 256)
            self.assertEqual(plan(config, self.release, None, "fairstack", "x").expected_seconds, 2.0)


class CancelTests(TestCase):
    def setUp(self) -> None:
        self.release = make_release()

    def test_a_waiting_run_is_cancelled_at_once_and_goes_on_by_a_new_job_with_its_curve(self) -> None:
        actor = engineer()
        run = make_run(self.release, actor)
        before = run.job
        before.metrics.create(step=5, name="loss", value=3.0)
        services.cancel(run, actor)
        self.assertEqual(run.state, "cancelled")
        with self.assertRaisesMessage(Conflict, "ended already"):
            services.cancel(run, actor)
        job = services.go_on(run, actor)
        self.assertEqual((run.state, job.parent, run.job), ("queued", before, job))
        self.assertEqual(list(job.metrics.values_list("step", "value")), [(5, 3.0)])
        with self.assertRaisesMessage(Conflict, "only a cancelled or failed one"):
            services.go_on(run, actor)

    def test_somebody_elses_run_is_left_alone_and_the_staff_may(self) -> None:
        run = make_run(self.release, engineer())
        with self.assertRaises(PermissionDenied):
            services.cancel(run, engineer("barbara"))
        services.cancel(run, make_staff())
        with self.assertRaises(PermissionDenied):
            services.go_on(run, User.objects.get(username="barbara"))

    def test_what_may_not_be_trained_on_any_more_does_not_go_on(self) -> None:
        run = make_run(self.release, state="failed")
        type(self.release).objects.filter(pk=self.release.pk).update(state="withdrawn", withdrawn_at=timezone.now())
        run.release.refresh_from_db()
        with self.assertRaisesMessage(Conflict, "was withdrawn"):
            services.go_on(run, SYSTEM)


class TwoAtOnceTests(TransactionTestCase):
    def test_two_senders_of_one_token_get_one_run(self) -> None:
        release, actor, made = make_release(), make_staff(), []

        def send() -> None:
            try:
                made.append(
                    services.launch(actor, release=release, preset="tiny", model_name="coder", request_token="t").pk
                )
            finally:
                connection.close()

        senders = [threading.Thread(target=send) for _ in range(4)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        self.assertEqual(len(made), 4)
        self.assertEqual(len(set(made)), 1)
        self.assertEqual((Run.objects.count(), Job.objects.count()), (1, 1))
