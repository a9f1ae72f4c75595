"""Sources of every kind through the services: parameters, jobs, renames of accounts, and what may not come back."""

import json
import shutil
from pathlib import Path

from django.core.exceptions import PermissionDenied
from django.test import TestCase, override_settings

from core.errors import Conflict, InvalidInput
from core.jobs import execute_here
from core.models import Job
from datasets_app import lookup, purging, readers
from datasets_app.catalogue import load_repositories
from datasets_app.models import FormerLogin, Holding, Mask, Owner, Release, Repository, Source
from datasets_app.pipeline.corpus import files_table
from datasets_app.pipeline.sources.base import RepositoryRecord
from datasets_app.services import blocklist, masks, sources
from tests.base import make_user
from tests.datasets_app.floor import FloorMixin
from tests.pipeline.archives import sdist
from tests.pipeline.git_repos import MIT
from tests.pipeline.git_repos import Repository as GitRepository
from tests.pipeline.stack_files import V1, v1_row, write


class SourceCase(FloorMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.given = self.data.parent / f"{self.data.name}-given"
        self.given.mkdir()
        self.addCleanup(shutil.rmtree, self.given, ignore_errors=True)

    def read(self, kind: str, **params: object) -> Job:
        source = sources.add_source(self.staff, f"my-{kind}", kind, params)
        job = execute_here(sources.start_ingest(self.staff, source.name))
        self.assertEqual(list((self.data / "tmp").iterdir()), [])
        return job

    def paths(self) -> set[str]:
        return set(files_table(purging.corpus_folder())["path"])


class Kinds(SourceCase):
    def test_every_kind_is_read_by_a_job(self) -> None:
        repository = GitRepository(self.given / "mirror" / "ada" / "tools")
        repository.commit({"git.py": "x = 1\n", "LICENSE": MIT})
        sdist(self.given / "archives", "tool", "1.0", {"archive.py": "y = 1\n"})
        write(self.given / "rows.parquet", V1, [v1_row("bob/lib", "row.py", "z = 1\n")])
        for kind, params in (
            ("git-folder", {"folder": str(self.given / "mirror"), "commit": "main"}),
            ("archives", {"folder": str(self.given / "archives"), "all_releases": False}),
            ("parquet", {"paths": [str(self.given / "rows.parquet")]}),
        ):
            job = self.read(kind, **params)
            self.assertEqual((job.state, job.error), ("succeeded", ""))
        with override_settings(FAIRSTACK_SOURCE_PROTOCOLS=["file"]):
            job = self.read("git-addresses", addresses=[f"file://{repository.folder}"], history=True)
        self.assertEqual((job.state, job.result["new_blobs"]), ("succeeded", 0))
        self.assertEqual(self.paths(), {"git.py", "LICENSE", "archive.py", "row.py"})
        self.assertEqual(set(Owner.objects.values_list("login", flat=True)), {"ada", "acme", "bob"})
        authors = files_table(purging.corpus_folder())["sole_author"].drop_nulls()
        self.assertEqual(len(set(authors)), 1)

    def test_the_hash_of_an_author_is_the_sites_keyed_hash_of_the_address(self) -> None:
        from django.conf import settings

        from core.keyed import keyed_hash
        from datasets_app.pipeline.sources.authors import PURPOSE, author_hash

        expected = keyed_hash(PURPOSE, "ada@example.org")
        self.assertEqual(author_hash(settings.FAIRSTACK_KEY.encode(), " Ada@Example.ORG"), expected)

    def test_a_failed_reading_names_nobody(self) -> None:
        with override_settings(FAIRSTACK_SOURCE_PROTOCOLS=["file"]):
            job = self.read("git-addresses", addresses=[f"file://{self.given}/ada/tools"])
        self.assertEqual(job.state, "failed")
        self.assertIn("Not one repository could be read", job.error)
        self.assertNotIn("ada", job.error + "".join(job.log_lines.values_list("text", flat=True)))

    def test_wrong_parameters_are_refused_with_the_name_of_the_field(self) -> None:
        for kind, params, field in (
            ("carrier-pigeon", {}, "kind"),
            ("git-folder", {}, "folder"),
            ("git-folder", {"folder": ["x"]}, "folder"),
            ("git-folder", {"folder": "x", "colour": "red"}, "colour"),
            ("git-folder", {"folder": "x", "commit": "a..b"}, "commit"),
            ("git-folder", {"folder": "x", "forge": "no host"}, "forge"),
            ("git-folder", {"folder": "x\x00y"}, "folder"),
            ("git-addresses", {"addresses": []}, "addresses"),
            ("git-addresses", {"addresses": ["ftp://x/y/z"]}, "addresses"),
            ("git-addresses", {"addresses": ["https://github.com/a/b"], "history": "yes"}, "history"),
            ("parquet", {"paths": "x"}, "paths"),
            ("parquet", {"paths": [""]}, "paths"),
            ("parquet", {"paths": [3]}, "paths"),
            ("archives", {"folder": "x", "all_releases": 1}, "all_releases"),
            ("installed-packages", {"paths": "x"}, "paths"),
        ):
            with self.subTest(kind=kind, params=params), self.assertRaises(InvalidInput) as caught:
                sources.add_source(self.staff, "mine", kind, params)
            self.assertEqual(caught.exception.field, field)
        self.assertFalse(Source.objects.exists())

    def test_an_expression_that_is_too_long_for_its_column_is_cut_short(self) -> None:
        long = " AND ".join(f"Licence-{n}" for n in range(60))
        source = Source.objects.create(name="s", kind="parquet")
        record = RepositoryRecord("github.com", None, "ada", "tools", "", long, "told", False)
        load_repositories(source, [record])
        licence = Repository.objects.get().licence
        self.assertEqual((len(licence), licence[-1], licence[:20]), (400, "…", long[:20]))

    def test_every_kind_has_words_and_parameters_with_labels(self) -> None:
        from datasets_app.forms import SOURCE_FIELDS

        self.assertEqual(readers.KINDS.keys(), readers.PARAMETERS.keys())
        self.assertEqual({field for fields in readers.PARAMETERS.values() for field in fields}, SOURCE_FIELDS.keys())


class Registering(SourceCase):
    def register(self, folder: Path | str, **options: object) -> Source:
        return sources.register_source(self.staff, "mine", "git-folder", {"folder": str(folder)}, **options)  # type: ignore[arg-type]

    def test_paths_lie_below_the_folders_that_the_site_allows(self) -> None:
        inside = self.given / "allowed" / "mirror"
        inside.mkdir(parents=True)
        (self.given / "allowed" / "way-out").symlink_to("/etc")
        with self.assertRaisesMessage(InvalidInput, "reads no folders by page or API"):
            self.register(inside)
        with override_settings(FAIRSTACK_SOURCE_ROOTS=[str(self.given / "allowed")]):
            for wrong in (
                "/etc",
                inside / ".." / ".." / "x",
                self.given / "allowed" / "way-out",
                "mirror",
                f"{self.given}/allowedx",
            ):
                with self.subTest(wrong), self.assertRaisesMessage(InvalidInput, "does not lie below") as caught:
                    self.register(wrong)
                self.assertEqual(caught.exception.field, "folder")
            with self.assertRaisesMessage(InvalidInput, "There is no"):
                self.register(self.given / "allowed" / "nothing")
            with self.assertRaisesMessage(InvalidInput, "does not lie below"):
                params = {"folder": str(inside), "accounts": "/etc/passwd"}
                sources.register_source(self.staff, "mine", "git-folder", params)
            self.assertEqual(self.register(inside).params, {"folder": str(inside)})

    def test_the_sites_own_data_and_keys_are_no_source(self) -> None:
        root = self.given.parent
        keys = self.given / "keys"
        keys.mkdir()
        with override_settings(FAIRSTACK_SOURCE_ROOTS=[str(root)], FAIRSTACK_KEYS=keys):
            for own in (self.data, self.data / "corpus", keys, self.given, root):
                with self.subTest(own), self.assertRaisesMessage(InvalidInput, "its data or its keys"):
                    self.register(own)

    def test_a_name_is_taken_once_and_changed_on_purpose(self) -> None:
        with override_settings(FAIRSTACK_SOURCE_ROOTS=[str(self.given)]):
            with self.assertRaises(Conflict):
                self.register(self.given, change=True)
            self.register(self.given)
            with self.assertRaises(Conflict):
                self.register(self.given)
            self.register(self.given, change=True)
        with self.assertRaises(PermissionDenied):
            sources.register_source(make_user(), "other", "git-folder", {"folder": str(self.given)})
        self.assertEqual(Source.objects.count(), 1)


class Renames(SourceCase):
    def read_rows(self, login: str, number: int | None = 583231, name: str = "code") -> Job:
        write(self.given / "rows.parquet", V1, [v1_row(f"{login}/{name}", "a.py", "a = 1\n")])
        accounts = self.given / "accounts.json"
        accounts.write_text(json.dumps({f"github.com/{login.lower()}": number} if number else {}))
        return self.read("parquet", paths=[str(self.given / "rows.parquet")], accounts=str(accounts))

    def found(self, text: str) -> list[str]:
        release, _ = Release.objects.get_or_create(name="d", version="v1.0", defaults={"state": "published"})
        for repository in Repository.objects.all():
            Holding.objects.get_or_create(
                release=release, repository=repository, owner=repository.owner, defaults={"files": 1}
            )
        found = lookup.search(text)
        return sorted(match.owner.login for match in found.matches) + ["(formerly)"] * found.formerly

    def test_a_renamed_account_keeps_its_key_and_is_found_under_both_logins(self) -> None:
        self.assertEqual(self.read_rows("Old-Name").state, "succeeded")
        self.read_rows("New-Name")
        owner = Owner.objects.get()
        self.assertEqual((owner.key, owner.login, owner.login_folded), ("github.com:583231", "New-Name", "new-name"))
        self.assertEqual(list(owner.former_logins.values_list("login", "login_folded")), [("Old-Name", "old-name")])
        self.assertEqual(Repository.objects.get().key, "github.com:583231/code")
        self.assertEqual(self.found("OLD-name"), ["(formerly)"])
        self.assertEqual(self.found("new-name"), ["New-Name"])
        self.assertEqual(self.found("github.com/old-name/code"), ["(formerly)"])
        self.assertEqual(self.found("gitlab.com/old-name"), [])

    def test_an_older_source_does_not_bring_the_old_login_back(self) -> None:
        for login in ("old", "new", "old", "newest", "OLD"):
            self.read_rows(login)
        owner = Owner.objects.get()
        self.assertEqual(owner.login, "newest")
        self.assertEqual(set(owner.former_logins.values_list("login", flat=True)), {"old", "new"})

    def test_another_spelling_is_no_rename(self) -> None:
        self.read_rows("name")
        self.read_rows("NAME")
        self.assertEqual((Owner.objects.get().login, FormerLogin.objects.count()), ("NAME", 0))

    def test_without_a_number_another_login_is_another_account(self) -> None:
        self.read_rows("old", None)
        self.read_rows("new", None)
        self.assertEqual(set(Owner.objects.values_list("key", flat=True)), {"github.com/old", "github.com/new"})
        self.assertFalse(FormerLogin.objects.exists())

    def test_a_blocked_account_does_not_come_back_under_any_of_its_names(self) -> None:
        self.read_rows("old")
        self.read_rows("new")
        blocklist.add(self.staff, Owner.objects.get())
        for login, number in (("new", 583231), ("newer", 583231), ("new", None), ("OLD", None)):
            with self.subTest(login=login, number=number):
                self.assertEqual(self.read_rows(login, number).result["skipped"], {"opted_out": 1})
                self.assertEqual(self.paths(), set())
        self.assertEqual(self.read_rows("stranger", None).result["files"], 1)

    def test_a_newcomer_with_a_freed_login_is_not_covered_and_the_old_owner_still_is(self) -> None:
        self.read_rows("ada", 1)
        blocklist.add(self.staff, Owner.objects.get())
        self.assertEqual(self.read_rows("ada", 2).result["files"], 1)
        self.assertEqual(self.read_rows("ada-lovelace", 1).result["skipped"], {"opted_out": 1})
        # A source that knows no numbers cannot tell the two apart: in doubt it stays out.
        self.assertEqual(self.read_rows("ada", None).result["skipped"], {"opted_out": 1})

    def test_an_account_blocked_by_its_login_does_not_come_back_with_a_number(self) -> None:
        self.read_rows("old", None)
        blocklist.add(self.staff, Owner.objects.get())
        self.assertEqual(self.read_rows("Old", 7).result["skipped"], {"opted_out": 1})

    def test_a_blocked_repository_of_a_renamed_account_does_not_come_back(self) -> None:
        self.read_rows("old")
        blocklist.add(self.staff, Owner.objects.get(), Repository.objects.get())
        self.read_rows("new")
        for login, number in (("new", 583231), ("old", None)):
            self.assertEqual(self.read_rows(login, number).result["skipped"], {"opted_out": 1})
        self.assertEqual(self.read_rows("old", None, "other").result["files"], 1)

    def test_what_is_masked_under_the_login_is_masked_under_the_number_too(self) -> None:
        self.read_rows("ada", None)
        owner = Owner.objects.get()
        masks.mask(self.staff, owner, reference="R-1")
        self.read_rows("Ada", 7)
        self.assertEqual(Owner.objects.count(), 2)
        self.assertEqual(self.found("ada"), [])
        self.read_rows("Ada", 7)
        self.assertEqual(masks.unmask(self.staff, "R-1"), 2)
        self.assertEqual(self.found("ada"), ["Ada", "ada"])

    def test_a_mask_of_one_repository_is_carried_over_to_that_one_alone(self) -> None:
        self.read_rows("ada", None, "secret")
        masks.mask(self.staff, Owner.objects.get(), Repository.objects.get(), reference="R-1")
        self.read_rows("ada", 7, "open")
        self.read_rows("ada", 7, "Secret")
        masked = set(Mask.objects.values_list("repository__key", flat=True))
        self.assertEqual(masked, {"github.com/ada/secret", "github.com:7/secret"})

    def test_what_is_forgotten_is_recognised_by_its_hash(self) -> None:
        self.read_rows("old")
        owner = Owner.objects.get()
        blocklist.add(self.staff, owner)
        owner.delete()
        self.assertEqual(self.read_rows("any").result["skipped"], {"opted_out": 1})

    def test_a_table_of_accounts_that_is_none_is_refused(self) -> None:
        write(self.given / "rows.parquet", V1, [v1_row("a/b", "a.py", "a = 1\n")])
        accounts = self.given / "accounts.json"
        for text in ("{", "[]", '{"a": 1}', '{"github.com/a": "x"}', '{"github.com/a": null}'):
            accounts.write_text(text)
            job = self.read("parquet", paths=[str(self.given / "rows.parquet")], accounts=str(accounts))
            self.assertEqual((job.state, "The table of accounts" in job.error), ("failed", True), text)

    def test_many_renames_take_few_queries(self) -> None:
        source = Source.objects.create(name="s", kind="parquet")

        def records(prefix: str, count: int) -> list[RepositoryRecord]:
            return [
                RepositoryRecord("github.com", str(n), f"{prefix}{n}", "code", "", None, None, False)
                for n in range(count)
            ]

        load_repositories(source, records("a", 50))
        with self.assertNumQueries(9):
            load_repositories(source, records("b", 50))
        self.assertEqual(FormerLogin.objects.count(), 50)
