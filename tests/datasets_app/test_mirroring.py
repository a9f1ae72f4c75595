"""The mirror of a site, in a bucket of a real S3-compatible server: filled by publishing, cleared by a purge."""

import io
import tempfile
from pathlib import Path
from unittest.mock import patch

from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import SimpleTestCase, TransactionTestCase, override_settings

from core.jobs import execute_here
from core.models import Job
from core.permissions import SYSTEM
from datasets_app import mirroring
from datasets_app.pipeline import manifest, ray_executor, storage
from datasets_app.pipeline.release import Release as OpenRelease
from datasets_app.pipeline.release_errors import NoSuchRelease
from datasets_app.pipeline.scan import scan
from datasets_app.pipeline.verify import verify
from datasets_app.services import releases
from tests.core.test_checks import ids
from tests.datasets_app.floor import MARKER, FloorMixin
from tests.pipeline.fakes import default_packages
from tests.pipeline.s3_server import S3Server


class MirrorCase(FloorMixin, TransactionTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = S3Server()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self) -> None:
        super().setUp()
        address = self.server.address(versions=True)
        overridden = override_settings(FAIRSTACK_RELEASE_MIRROR=address)
        overridden.enable()
        self.addCleanup(overridden.disable)
        self.place = storage.at(address)

    def copy_waiting(self) -> list[Job]:
        return [execute_here(job) for job in Job.objects.filter(kind="datasets.mirror", state="queued")]

    def holds_marker(self) -> bool:
        """Whether any file of the bucket, in any version, holds the marker."""
        with tempfile.TemporaryDirectory() as name:
            found = self.server.client.list_object_versions(Bucket=self.place.bucket).get("Versions", [])
            for number, item in enumerate(found):
                path = Path(name) / f"{number}-{Path(item['Key']).name}"
                got = self.server.client.get_object(
                    Bucket=self.place.bucket, Key=item["Key"], VersionId=item["VersionId"]
                )
                path.write_bytes(got["Body"].read())
            return bool(scan(Path(name), [MARKER]))

    def test_the_scan_after_a_purge_reads_what_the_mirror_has_and_the_site_has_not(self) -> None:
        self.published()
        self.copy_waiting()
        text = self.data / "tmp" / "left"
        text.parent.mkdir(exist_ok=True)
        text.write_bytes(default_packages()[0].files["alpha_one/only.py"].encode())  # type: ignore[union-attr]
        self.place.put("left/copy", text)
        text.unlink()
        self.opt_out("alpha")
        with override_settings(FAIRSTACK_OLD_RELEASES="withdraw"):
            release = self.build()
            releases.approve(release, self.staff)
            job = execute_here(releases.publish(release, self.staff))
        self.assertEqual(job.state, "failed")
        self.assertIn(f"release mirror: {self.place.address}/left/copy", job.error)
        self.place.delete(["left/copy"])
        Job.objects.filter(pk=job.pk).update(state="queued", claim="")
        job.refresh_from_db()
        self.assertEqual(execute_here(job).state, "succeeded", job.error + job.crash)

    def test_what_is_published_is_copied_and_what_a_purge_takes_goes_from_the_mirror_too(self) -> None:
        first = self.published()
        (job,) = self.copy_waiting()
        self.assertEqual(job.state, "succeeded", job.error + job.crash)
        self.assertEqual(verify(self.place, first.name, "v1.0").rows, first.files)
        self.assertTrue(self.holds_marker())
        self.opt_out("alpha")
        second = self.publish()
        with self.assertRaises(NoSuchRelease):
            OpenRelease.open(self.place, first.name, "v1.0")
        self.assertFalse(self.holds_marker())
        purged = Job.objects.filter(kind="datasets.purge").latest("created_at")
        cleared = {row["store"]: row for row in purged.result["cleared"]}
        self.assertEqual(cleared["release mirror"]["items"], 1)
        self.assertEqual([job.state for job in self.copy_waiting()], ["succeeded", "succeeded"])
        self.assertTrue(verify(self.place, second.name, "v1.1").ok)
        self.assertTrue(verify(self.place, second.name, "v1.0+r1").ok)
        self.assertFalse(self.holds_marker())

    def test_only_what_is_published_is_copied(self) -> None:
        self.ingest()
        release = self.build()
        job = execute_here(mirroring.start(release, SYSTEM))
        self.assertEqual(job.state, "failed")
        self.assertIn("not published", job.error)
        self.assertEqual(list(self.place.files()), [])

    def test_a_release_withdrawn_before_its_copy_began_is_not_copied(self) -> None:
        release = self.published()
        releases.withdraw(release, self.staff, "a mistake")
        (job,) = self.copy_waiting()
        self.assertIn("not published", job.error)

    def test_a_mirror_that_is_away_fails_the_purge_with_its_reason_and_not_in_silence(self) -> None:
        self.published()
        self.opt_out("alpha")
        release = self.build()
        releases.approve(release, self.staff)
        job = releases.publish(release, self.staff)
        away = "s3://bucket/x?endpoint_override=127.0.0.1:1&scheme=http"
        with override_settings(FAIRSTACK_RELEASE_MIRROR=away), patch("datasets_app.pipeline.s3._ATTEMPTS", 1):
            failed = execute_here(job)
        self.assertEqual(failed.state, "failed")
        self.assertIn("s3://bucket/x refused or did not answer", failed.error)

    def test_a_command_fills_a_mirror_that_is_new(self) -> None:
        with override_settings(FAIRSTACK_RELEASE_MIRROR=""):
            release = self.published()
            with self.assertRaisesMessage(CommandError, "there is no mirror"):
                call_command("mirror_releases", stdout=io.StringIO())
            failed = execute_here(mirroring.start(release, SYSTEM))
            self.assertIn("there is no mirror", failed.error)
        out = io.StringIO()
        call_command("mirror_releases", "--verify", stdout=out, stderr=io.StringIO())
        self.assertRegex(out.getvalue(), r"v1\.0: [1-9]\d* files copied(.|\n)*files read back and whole")
        self.assertEqual([found.version for found in manifest.load_all(self.place)], ["v1.0"])
        out = io.StringIO()
        call_command("mirror_releases", stdout=out, stderr=io.StringIO())
        self.assertIn("v1.0: 0 files copied", out.getvalue())


class CheckTests(SimpleTestCase):
    def test_an_engine_that_is_not_installed_is_named(self) -> None:
        with (
            override_settings(FAIRSTACK_DATA_ENGINE="ray"),
            patch.object(ray_executor.importlib.util, "find_spec", return_value=None),
        ):
            self.assertIn("fairstack.E003", ids())
            with self.assertRaisesMessage(ray_executor.ExecutorUnavailable, "requirements/ray.txt"):
                ray_executor.RayExecutor()

    def test_celery_that_may_call_nobody_and_ray_without_a_cluster_are_named(self) -> None:
        with override_settings(FAIRSTACK_DATA_ENGINE="celery", FAIRSTACK_SHARD_WORKERS=0):
            self.assertIn("fairstack.W004", ids())
        with override_settings(FAIRSTACK_DATA_ENGINE="celery"):
            self.assertNotIn("fairstack.W004", ids())
        with (
            override_settings(FAIRSTACK_DATA_ENGINE="ray"),
            patch.object(ray_executor.importlib.util, "find_spec", return_value=True),
        ):
            self.assertIn("fairstack.W005", ids(include_deployment_checks=True))
            with override_settings(FAIRSTACK_RAY_ADDRESS="ray://head:10001"):
                self.assertNotIn("fairstack.W005", ids(include_deployment_checks=True))

    def test_an_address_of_the_mirror_that_cannot_be_is_named(self) -> None:
        with override_settings(FAIRSTACK_RELEASE_MIRROR="s3://key:secret@bucket/x"):
            self.assertIn("fairstack.E004", ids())
        with override_settings(FAIRSTACK_RELEASE_MIRROR="s3://bucket/x"):
            self.assertNotIn("fairstack.E004", ids())
