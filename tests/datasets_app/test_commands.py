"""Every command of the data floor, run as it is typed."""

import io
import shutil

from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import TransactionTestCase, override_settings

from datasets_app.models import Release, Source
from tests.base import make_staff, make_user
from tests.datasets_app.floor import FloorMixin
from tests.pipeline.archives import sdist
from tests.pipeline.git_repos import Repository
from tests.pipeline.stack_files import V1, v1_row, write


class Commands(FloorMixin, TransactionTestCase):
    def run_command(self, *arguments: str, **options: object) -> str:
        out, self.err = io.StringIO(), io.StringIO()
        call_command(*arguments, stdout=out, stderr=self.err, **options)
        return out.getvalue()

    def test_from_a_folder_to_a_verified_release(self):
        source = self.make_source()
        said = self.run_command("ingest", "own", path=source.params["paths"])
        self.assertIn("4 repositories by 3 owners", said)
        self.assertEqual(Source.objects.get(name="own").figures["repositories"], 4)
        self.assertIn("the-stack-demo v1.0: ", self.run_command("build_release"))
        self.assertIn("v1.0 is published", self.run_command("publish_release", user="grace"))
        self.assertIn("v1.0 is whole", self.run_command("verify_release"))
        self.opt_out("alpha")
        self.assertIn("v1.1", self.run_command("build_release"))
        said = self.run_command("publish_release", "v1.1", user="grace")
        self.assertIn("Purged: ", said)
        self.assertEqual(Release.objects.get(version="v1.0").state, "withdrawn")
        with self.assertRaisesMessage(CommandError, "was withdrawn"):
            self.run_command("verify_release", "v1.0")

    def test_the_block_list_is_honoured_in_what_is_retained(self):
        self.published()
        self.assertIn("No release holds", self.run_command("honour_blocklist"))
        self.opt_out("alpha")
        self.assertRegex(self.run_command("honour_blocklist"), r"Purged: \d+ blobs; .* [1-9]\d* windows")
        self.assertIn("v1.0+r1 is whole", self.run_command("verify_release"))

    def test_every_kind_of_source_is_named_and_read_by_one_command(self):
        given = self.data.parent / f"{self.data.name}-given"
        self.addCleanup(shutil.rmtree, given, ignore_errors=True)
        repository = Repository(given / "mirror" / "ada" / "tools")
        repository.commit({"git.py": "x = 1\n", "empty.py": ""})
        sdist(given / "archives", "tool", "1.0", {"archive.py": "y = 1\n"})
        write(given / "rows.parquet", V1, [v1_row("bob/lib", "row.py", "z = 1\n")])
        said = self.run_command("ingest", "mirror", "--git", str(given / "mirror"), "--commit", "main")
        self.assertIn("mirror: 1 files of 1 repositories by 1 owners; 1 blobs are new.", said)
        self.assertIn("left out 1: It has no content.", said)
        self.assertIn("1 blobs are new", self.run_command("ingest", "packs", "--archives", str(given / "archives")))
        self.assertIn("1 blobs are new", self.run_command("ingest", "rows", "--parquet", str(given / "rows.parquet")))
        with override_settings(FAIRSTACK_SOURCE_PROTOCOLS=["file"]):
            said = self.run_command("ingest", "clones", "--clone", f"file://{repository.folder}", "--shallow")
        self.assertIn("clones: 1 files", said)
        self.assertEqual(Source.objects.get(name="clones").params["history"], False)
        self.assertIn("0 blobs are new", self.run_command("ingest", "mirror"))

    def test_progress_is_told_while_a_job_runs(self):
        import datasets_app.console

        self.make_source()
        self.addCleanup(setattr, datasets_app.console, "EVERY", datasets_app.console.EVERY)
        datasets_app.console.EVERY = 0.001
        self.run_command("ingest", "fakes")
        self.run_command("build_release")
        self.assertRegex(self.err.getvalue(), r"(?m)^[a-z ]+: \d")

    def test_two_people_can_approve_one_after_the_other(self):
        self.make_source()
        make_staff("mary")
        self.run_command("ingest", "fakes")
        self.run_command("build_release", "--release", "v3.0", "--recipe", "starcoder")
        with override_settings(FAIRSTACK_APPROVALS=2):
            self.assertIn("missing: 1", self.run_command("publish_release", "--approve-only", user="grace"))
            self.assertIn("v3.0 is published", self.run_command("publish_release", user="mary"))

    def test_failures_are_told_without_a_traceback(self):
        make_user("ada")
        for expected, arguments, options in (
            ("There is no source “none”", ("ingest", "none"), {}),
            ("/not/there", ("ingest", "own", "--path", "/not/there"), {}),
            ("Name the source", ("ingest", "--git", "/x"), {}),
            ("name the source's kind too", ("ingest", "own", "--commit", "main"), {}),
            ("has no parameter", ("ingest", "own", "--parquet", "/x", "--commit", "main"), {}),
            ("protocols allowed here (https)", ("ingest", "own", "--clone", "file:///x/y/z"), {}),
            ("Ingest a source first", ("build_release",), {}),
            ("A version is", ("build_release", "--release", "1"), {}),
            ("There is no user nobody", ("publish_release",), {"user": "nobody"}),
            ("No release of the-stack-demo is built", ("publish_release",), {"user": "grace"}),
            ("There is no release the-stack-demo v9.9", ("verify_release", "v9.9"), {}),
        ):
            with self.subTest(arguments), self.assertRaisesMessage(CommandError, expected):
                self.run_command(*arguments, **options)
        self.ingest()
        self.build()
        with self.assertRaisesMessage(CommandError, "may not approve"):
            self.run_command("publish_release", user="ada")

    def test_a_damaged_release_does_not_verify(self):
        release = self.published()
        Release.objects.filter(pk=release.pk).update(tree_root="0" * 64)
        with self.assertRaisesMessage(CommandError, "1 problems"):
            self.run_command("verify_release")
        shard = next((self.data / "releases" / "shards").glob("*/*.parquet"))
        shard.write_bytes(b"")
        with self.assertRaises(CommandError):
            self.run_command("verify_release", "v1.0")
