"""The engine's command line: the whole way from packages to a purge, and its errors."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from django.test import SimpleTestCase

from datasets_app.pipeline import manifest
from datasets_app.pipeline.__main__ import main
from datasets_app.pipeline.corpus import files_table
from datasets_app.pipeline.recipe import PRESETS
from tests.pipeline.archives import sdist
from tests.pipeline.fakes import make_site_packages
from tests.pipeline.git_repos import Repository
from tests.pipeline.handmade import Entry, text, write_corpus
from tests.pipeline.stack_files import V1, v1_row, write

MARKER = "zq4w-alpha-one-only-zq4w"


class CommandLineTest(SimpleTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.corpus, self.releases = str(self.folder / "corpus"), str(self.folder / "releases")

    def run_command(self, *arguments):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main([str(argument) for argument in arguments])
            except SystemExit as stop:
                code = stop.code
        return code, out.getvalue(), err.getvalue()

    def ok(self, *arguments):
        code, out, err = self.run_command(*arguments)
        self.assertEqual(code, 0, out + err)
        return out

    def ingest(self):
        packages = make_site_packages(self.folder / "site-packages")
        out = self.ok("ingest", "--corpus", self.corpus, "--packages", packages)
        self.assertIn("of 4 repositories", out)
        self.assertIn("blobs computed", self.ok("attributes", "--corpus", self.corpus, "--workers", 1))

    def test_every_kind_of_source_is_ingested(self):
        repository = Repository(self.folder / "mirror" / "ada" / "tools")
        repository.commit({"git.py": "x = 1\n"})
        sdist(self.folder / "archives", "tool", "1.0", {"archive.py": "y = 1\n"})
        write(self.folder / "rows.parquet", V1, [v1_row("bob/lib", "row.py", "z = 1\n")])
        (self.folder / "key").write_text("a key that only this test knows\n")
        (self.folder / "accounts.json").write_text('{"github.com/ada": 7}')
        corpus = ["ingest", "--corpus", self.corpus]
        more = ["--author-key", self.folder / "key", "--accounts", self.folder / "accounts.json"]
        out = self.ok(*corpus, "--git", self.folder / "mirror", "--commit", "main", *more)
        self.assertIn("1 files of 1 repositories, 6 bytes, 1 new blobs", out)
        self.assertIn("1 new blobs", self.ok(*corpus, "--archives", self.folder / "archives"))
        self.assertIn("1 new blobs", self.ok(*corpus, "--parquet", self.folder / "rows.parquet", "--name", "rows"))
        address = ["--clone", f"file://{repository.folder}", "--protocol", "file", "--shallow"]
        self.assertIn("0 new blobs", self.ok(*corpus, *address, "--name", "clones"))
        table = files_table(self.folder / "corpus").sort("path")
        self.assertEqual(
            set(table["owner_key"]), {"github.com:7", "github.com/acme", "github.com/bob", "localhost/ada"}
        )
        self.assertEqual(table["sole_author"].null_count(), 3)
        for wrong, code, said in (
            (["--git", self.folder / "nowhere"], 1, "cannot be listed"),
            (["--git", self.folder / "mirror", "--commit", "a..b"], 1, "is no branch, tag or commit"),
            (["--git", self.folder / "mirror", "--author-key", self.folder / "none"], 1, "cannot be read"),
            (["--clone", "https://x/y"], 1, "names no owner"),
            (["--git", "x", "--archives", "y"], 2, "not allowed with"),
        ):
            found, _, err = self.run_command(*corpus, *wrong)
            self.assertEqual((found, said in err), (code, True), err)

    def build(self, version, *more):
        return self.run_command("build", "--corpus", self.corpus, "--releases", self.releases, "demo", version, *more)

    def test_the_whole_loop_from_packages_to_a_purge(self):
        self.ingest()
        code, out, err = self.build("1.0")
        self.assertEqual(code, 0, err)
        self.assertIn("demo 1.0: 7 files", out)
        self.assertIn("under a licence that is not permissive", out)
        release = ["--releases", self.releases, "demo"]
        self.assertIn("all is well", self.ok("verify", *release, "1.0"))
        self.assertEqual(self.ok("show", *release, "1.0"), out)
        listed = self.ok("show", *release, "1.0", "--owner", "github.com/alpha")
        self.assertIn("github.com/alpha/one alpha_one/only.py Python MIT", listed)
        read = self.ok("show", *release, "1.0", "--repository", "github.com/alpha/one", "--path", "alpha_one/only.py")
        self.assertIn(MARKER, read)
        code, found, _ = self.run_command("scan", self.folder / "releases", "--marker", MARKER)
        self.assertEqual((code, len(found.splitlines())), (1, 1))

        issued = self.ok("reissue", "--corpus", self.corpus, *release, "1.0", "--block-owner", "github.com/alpha")
        self.assertIn("demo 1.0+r1: 3 files", issued)
        self.assertIn("all is well", self.ok("verify", *release, "1.0+r1"))

        block = ["--block-owner", "github.com/alpha"]
        code, out, err = self.build("1.1", "--parent", "1.0", "--blocklist-position", "3", *block)
        self.assertEqual(code, 0, err)
        purged = self.ok(
            "purge", "--corpus", self.corpus, "--releases", self.releases, *block, "--withdraw", "demo", "1.0"
        )
        self.assertIn("corpus: blobs", purged)
        self.assertIn("demo 1.0: ", purged)
        for part in ("corpus", "releases"):
            self.assertEqual(self.run_command("scan", self.folder / part, "--marker", MARKER)[:2], (0, ""))
        self.assertIn("all is well", self.ok("verify", *release, "1.1"))
        self.assertEqual(manifest.load(self.folder / "releases", "demo", "1.1").blocklist_position, 3)

    def test_a_recipe_comes_from_a_file(self):
        write_corpus(self.folder / "corpus", [Entry("A/a", "a.py", text("a"))])
        path = self.folder / "recipe.json"
        path.write_text(json.dumps({**PRESETS["demo"].to_dict(), "name": "mine", "languages": ["C"]}))
        code, _, err = self.build("1.0", "--recipe", path)
        self.assertEqual(code, 1)
        self.assertIn("1 in a language that the recipe does not take", err)
        self.assertIn("error: None of the 1 files would be in the release", err)

    def test_bad_recipes_and_arguments_end_with_2_and_say_what_is_wrong(self):
        path = self.folder / "recipe.json"
        path.write_text('{"colour": "red"}')
        cases = (
            (["--recipe", "gourmet"], "neither a file nor one of"),
            (["--recipe", str(path)], "colour: a recipe has no such field"),
        )
        for more, said in cases:
            code, _, err = self.build("1.0", *more)
            self.assertEqual(code, 2)
            self.assertIn(said, err)
        code, _, err = self.run_command("purge", "--corpus", self.corpus, "--withdraw", "demo", "1.0")
        self.assertEqual(code, 2)
        self.assertIn("--withdraw needs --releases", err)

    def test_expected_failures_end_with_1_and_one_line(self):
        for arguments, said in (
            (["build", "--corpus", self.corpus, "--releases", self.releases, "demo", "1.0"], "error: The corpus at"),
            (["build", "--corpus", self.corpus, "--releases", self.releases, "Demo!", "1.0"], "cannot name a data set"),
            (["verify", "--releases", self.releases, "demo", "1.0"], "error: There is no release demo 1.0"),
            (["scan", str(self.folder), "--marker", ""], "error: markers"),
        ):
            code, _, err = self.run_command(*arguments)
            self.assertEqual(code, 1)
            self.assertIn(said, err)

    def test_damage_and_missing_files_end_with_1(self):
        write_corpus(self.folder / "corpus", [Entry("A/a", "a.py", text("a"))])
        self.assertEqual(self.build("1.0")[0], 0)
        (shard,) = (self.folder / "releases" / "shards").glob("*/*")
        code, _, err = self.run_command(
            "show", "--releases", self.releases, "demo", "1.0", "--repository", "github.com/a/a", "--path", "b.py"
        )
        self.assertEqual(code, 1)
        self.assertIn("the release holds no such file", err)
        shard.unlink()
        code, out, _ = self.run_command("verify", "--releases", self.releases, "demo", "1.0")
        self.assertEqual(code, 1)
        self.assertIn("DAMAGED", out)

    def test_it_runs_as_a_module_of_its_own_without_django(self):
        program = "import sys; from datasets_app.pipeline.__main__ import main; assert 'django' not in sys.modules; main(['--help'])"
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        for command in ("ingest", "attributes", "build", "verify", "show", "purge", "scan"):
            self.assertIn(command, result.stdout)
        result = subprocess.run(
            [sys.executable, "-m", "datasets_app.pipeline"], capture_output=True, text=True, check=False
        )
        self.assertEqual(result.returncode, 2)
