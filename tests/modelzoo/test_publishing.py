"""The gate: what becomes a revision, what does not, and what is written when it does."""

import hashlib
import os
import pickle
from pathlib import Path
from unittest import mock

from django.core.exceptions import PermissionDenied
from django.test import TestCase

from core import ledger, stores
from core.errors import Conflict, InvalidInput
from core.models import AuditEntry, LedgerEntry
from core.permissions import SYSTEM
from datasets_app.models import BlockEntry, Release
from modelzoo import storage
from modelzoo.lineage import changed_since
from modelzoo.models import LicenceTerms, RevisionFile
from modelzoo.services import load_licences, publish_checkpoint, tag_revision, withdraw_revision
from tests.base import make_staff, make_user
from tests.modelzoo.base import TRAINING, ZooMixin, checkpoint, make_release


class PublishingTests(ZooMixin, TestCase):
    def test_every_file_lies_under_its_digest_and_its_git_id_is_gits(self):
        weights = self.revision.files.get(path="model.safetensors")
        content = (checkpoint() / "model.safetensors").read_bytes()
        self.assertEqual(weights.sha256, hashlib.sha256(content).hexdigest())
        self.assertEqual(weights.sha1, hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest())
        self.assertTrue(weights.lfs)
        self.assertEqual(storage.object_path(weights.sha256).read_bytes(), content)
        self.assertEqual(storage.object_path(weights.sha256).parent.name, weights.sha256[:2])
        config = self.revision.files.get(path="config.json")
        self.assertEqual((config.lfs, config.etag), (False, config.sha1))
        self.assertEqual(storage.missing(self.revision), [])

    def test_the_zoo_adds_card_licence_and_notice(self):
        paths = set(self.revision.files.values_list("path", flat=True))
        self.assertLessEqual({"README.md", "LICENSE", "NOTICE"}, paths)
        licence = self.read("LICENSE")
        self.assertTrue(licence.startswith("BigCode Open RAIL-M v1 License Agreement"))
        self.assertIn("Attachment A - USE RESTRICTIONS", licence)
        self.assertIn("CC-BY-4.0", self.read("NOTICE"))

    def test_files_of_these_names_in_the_checkpoint_are_not_taken_over(self):
        folder = self.copy_of_checkpoint()
        (folder / "LICENSE").write_text("Do what you want.")
        revision = self.publish(folder=folder, name="other")
        self.assertNotIn("Do what", self.read("LICENSE", revision))

    def test_main_points_at_the_newest_and_its_parent_is_the_one_before(self):
        second = self.publish(seed=1)
        self.assertEqual(self.model.at("main"), second)
        self.assertEqual(second.parent, self.revision)
        self.assertNotEqual(second.sha, self.revision.sha)
        self.assertRegex(second.sha, "^[0-9a-f]{40}$")

    def test_publishing_the_same_twice_publishes_once(self):
        self.assertEqual(self.publish(), self.revision)
        self.assertEqual(LedgerEntry.objects.filter(kind="model published").count(), 1)

    def test_what_was_withdrawn_can_be_published_again_as_a_new_revision(self):
        withdraw_revision(SYSTEM, self.revision, "A mistake.")
        again = self.publish()
        self.assertNotEqual(again.sha, self.revision.sha)
        self.assertEqual(self.model.at("main"), again)

    def test_storage_is_shared_between_revisions(self):
        before = len(list((self.data / "zoo" / "objects").rglob("*")))
        self.publish(seed=1)
        added = len(list((self.data / "zoo" / "objects").rglob("*"))) - before
        self.assertLessEqual(added, 4)  # weights and card, and at most a folder for each

    def test_the_ledger_names_model_release_and_digests_and_no_person(self):
        entry = LedgerEntry.objects.get(kind="model published")
        self.assertEqual(entry.body["model"], "fairstack/demo")
        self.assertEqual(entry.body["revision"], self.revision.sha)
        self.assertEqual(entry.body["release_digest"], self.release.digest_logical)
        self.assertTrue(ledger.check(entry))
        self.assertEqual(AuditEntry.objects.filter(action="publish model").count(), 1)

    def test_only_people_with_the_permission_publish(self):
        with self.assertRaisesMessage(PermissionDenied, "publish models"):
            self.publish_as(make_user())
        self.assertEqual(self.publish_as(make_staff()), self.revision)

    def test_a_release_that_is_not_published_is_refused(self):
        for state, words in (("built", "Publish it first"), ("withdrawn", "was withdrawn")):
            with self.subTest(state), self.assertRaisesMessage(Conflict, words):
                self.publish(release=make_release(f"v-{state}", state))

    def test_a_release_withdrawn_while_the_files_were_taken_in_is_refused(self):
        take_in = storage.put_bytes

        def withdraw_meanwhile(content: bytes, path: str) -> storage.Stored:
            Release.objects.filter(pk=self.release.pk).update(state="withdrawn")
            return take_in(content, path)

        with mock.patch.object(storage, "put_bytes", withdraw_meanwhile), self.assertRaises(Conflict):
            self.publish(seed=1)
        self.assertEqual(self.model.revisions.count(), 1)

    def test_a_model_without_a_release_is_refused(self):
        with self.assertRaisesMessage(InvalidInput, "none was named"):
            self.publish(release=None)

    def test_an_unknown_licence_is_refused_with_those_that_are_known(self):
        with self.assertRaisesMessage(InvalidInput, "known: bigcode-openrail-m"):
            self.publish(licence_key="mit")

    def test_a_derivative_may_not_drop_the_restrictions_of_its_base(self):
        LicenceTerms.objects.create(key="free-for-all", version=1, title="Free", text="x", sha256="0" * 64, notice="")
        with self.assertRaisesMessage(Conflict, "restrictions pass on"):
            self.publish(name="derived", base=self.revision, licence_key="free-for-all")
        derived = self.publish(name="derived", base=self.revision)
        self.assertEqual(derived.card["base_model"], "fairstack/demo")

    def test_a_model_keeps_its_licence(self):
        LicenceTerms.objects.create(key="free-for-all", version=1, title="Free", text="x", sha256="0" * 64, notice="")
        with self.assertRaisesMessage(Conflict, "stands under"):
            self.publish(seed=1, licence_key="free-for-all")

    def test_a_withdrawn_base_is_refused(self):
        withdraw_revision(SYSTEM, self.revision, "Leaked.")
        with self.assertRaisesMessage(Conflict, "Leaked."):
            self.publish(name="derived", base=self.revision)

    def test_names_that_clients_refuse_are_refused(self):
        for name in ("a--b", "a..b", "demo.git", "", "x" * 97, "a/b", "ä", "-a", "a-"):
            with self.subTest(name), self.assertRaises(InvalidInput):
                self.publish(name=name)
        with self.assertRaisesMessage(InvalidInput, "address of this site"):
            self.publish(org="api")
        with self.assertRaisesMessage(InvalidInput, "case alone"):
            self.publish(name="Demo")

    def test_nothing_of_a_failed_publication_is_visible(self):
        with (
            mock.patch("modelzoo.services.publishing.ledger.append", side_effect=RuntimeError),
            self.assertRaises(RuntimeError),
        ):
            self.publish(seed=1)
        self.assertEqual(self.model.at("main"), self.revision)
        self.assertEqual(self.model.revisions.count(), 1)
        self.assertEqual(RevisionFile.objects.filter(path="model.safetensors").count(), 1)
        self.assertEqual(list((self.data / "tmp").iterdir()), [])

    def test_the_data_folder_has_an_owner_everywhere(self):
        self.assertEqual(stores.unowned_paths(), [])

    def publish_as(self, actor):
        return publish_checkpoint(
            actor,
            org="fairstack",
            name="demo",
            folder=checkpoint(),
            release=self.release,
            lineage={"run": 7, "tokenizer_digest": "e" * 64},
            training=TRAINING,
        )

    def read(self, path, revision=None):
        file = (revision or self.revision).files.get(path=path)
        return storage.object_path(file.sha256).read_text()


class CardTests(ZooMixin, TestCase):
    def test_the_card_says_what_the_records_say(self):
        card = storage.object_path(self.revision.files.get(path="README.md").sha256).read_text()
        for words in (
            "license: bigcode-openrail-m",
            "library_name: transformers",
            "pipeline_tag: text-generation",
            "extra_gated_prompt:",
            "- fairstack/the-stack-demo",
            "# fairstack/demo",
            "multi-query attention",
            "| Python | 10,000 |",
            "`" + "b" * 64 + "`",
            "| Tokens learnt from | 3,456,789 |",
            "Fill-in-the-middle: 50%",
            "## Limits",
        ):
            self.assertIn(words, card)

    def test_the_card_reads_back_as_the_hubs_own_classes_read_it(self):
        from huggingface_hub import ModelCard

        card = ModelCard(storage.object_path(self.revision.files.get(path="README.md").sha256).read_text())
        self.assertEqual(card.data.license, "bigcode-openrail-m")
        self.assertEqual(card.data.datasets, ["fairstack/the-stack-demo"])
        self.assertEqual(card.data.to_dict(), self.revision.card)

    def test_the_public_funnel_does_not_tell_opt_outs_apart(self):
        card = storage.object_path(self.revision.files.get(path="README.md").sha256).read_text()
        self.assertIn("| 12 |", card)  # 7 blocked and 5 not text, in one bucket
        self.assertNotIn("block-list |", card)
        self.assertNotIn("| 7 |", card)

    def test_opt_outs_are_said_up_to_their_date(self):
        entry = BlockEntry.objects.create(kind="owner", keyed="1" * 64)
        release = make_release("v1.1", blocklist_position=entry.position)
        revision = self.publish(seed=1, release=release)
        card = storage.object_path(revision.files.get(path="README.md").sha256).read_text()
        self.assertIn(f"up to number {entry.position}, of {entry.created_at:%-d %B %Y}", card)

    def test_what_came_since_is_counted(self):
        self.assertFalse(changed_since(self.revision).any)
        BlockEntry.objects.create(kind="owner", keyed="1" * 64)
        BlockEntry.objects.create(kind="repository", keyed="2" * 64)
        last = BlockEntry.objects.create(kind="repository", keyed="3" * 64)
        newer = make_release("v1.1", blocklist_position=last.position)
        since = changed_since(self.revision)
        self.assertEqual((since.accounts, since.repositories, since.newer), (1, 2, newer))


class WithdrawalTests(ZooMixin, TestCase):
    def test_a_reason_is_asked_for_and_told(self):
        with self.assertRaises(InvalidInput):
            withdraw_revision(SYSTEM, self.revision, "  ")
        with self.assertRaisesMessage(InvalidInput, "at most 500"):
            withdraw_revision(SYSTEM, self.revision, "x" * 501)
        withdraw_revision(SYSTEM, self.revision, "It repeats\nsecrets.")
        self.revision.refresh_from_db()
        self.assertEqual(self.revision.withdrawn_reason, "It repeats secrets.")
        self.assertEqual(LedgerEntry.objects.filter(kind="revision withdrawn").count(), 1)

    def test_it_happens_once(self):
        withdraw_revision(SYSTEM, self.revision, "One.")
        with self.assertRaises(Conflict):
            withdraw_revision(SYSTEM, self.revision, "Two.")

    def test_it_needs_the_permission(self):
        with self.assertRaises(PermissionDenied):
            withdraw_revision(make_user(), self.revision, "No.")


class TagTests(ZooMixin, TestCase):
    def test_a_tag_stays_where_it_is(self):
        tag_revision(SYSTEM, self.revision, "v1/rc.1")
        tag_revision(SYSTEM, self.revision, "v1/rc.1")
        with self.assertRaisesMessage(Conflict, "has a tag"):
            tag_revision(SYSTEM, self.publish(seed=1), "v1/rc.1")
        with self.assertRaisesMessage(Conflict, "has a branch"):
            tag_revision(SYSTEM, self.revision, "main")

    def test_a_tag_may_not_look_like_a_commit_or_climb(self):
        for name in ("a" * 40, "../x", "a//b", "", ".hidden", "refs/heads/x"):
            with self.subTest(name), self.assertRaises(InvalidInput):
                tag_revision(SYSTEM, self.revision, name)


class LocalCheckpointTests(ZooMixin, TestCase):
    def test_a_revision_can_be_laid_out_as_a_folder(self):
        target = storage.local_checkpoint(self.revision, self.data / "tmp" / "laid-out")
        self.assertEqual(
            {path.name for path in target.iterdir()}, set(self.revision.files.values_list("path", flat=True))
        )
        self.assertEqual((target / "model.safetensors").read_bytes(), (checkpoint() / "model.safetensors").read_bytes())

    def test_it_copies_where_links_are_not_possible(self):
        with mock.patch.object(os, "link", side_effect=OSError):
            target = storage.local_checkpoint(self.revision, self.data / "tmp" / "laid-out")
        self.assertEqual((target / "config.json").stat().st_nlink, 1)

    def test_missing_bytes_are_told_and_leave_nothing_behind(self):
        weights = self.revision.files.get(path="model.safetensors")
        storage.object_path(weights.sha256).unlink()
        with self.assertRaisesMessage(Conflict, "model.safetensors"):
            storage.local_checkpoint(self.revision, self.data / "tmp" / "laid-out")
        self.assertFalse((self.data / "tmp" / "laid-out").exists())

    def test_a_withdrawn_revision_is_not_laid_out(self):
        withdraw_revision(SYSTEM, self.revision, "Leaked.")
        self.revision.refresh_from_db()
        with self.assertRaisesMessage(Conflict, "Leaked."):
            storage.local_checkpoint(self.revision, self.data / "tmp" / "laid-out")


class ScanTests(ZooMixin, TestCase):
    def refused(self, words: str, change) -> None:
        folder = self.copy_of_checkpoint()
        change(folder)
        with self.assertRaisesMessage(InvalidInput, words):
            self.publish(folder=folder, name="refused")

    def test_pickles_are_refused_with_the_reason(self):
        for name in ("pytorch_model.bin", "optimizer.pt", "x.PKL", "training_args.pth"):
            with self.subTest(name):
                self.refused("can run code", lambda folder, name=name: (folder / name).write_bytes(pickle.dumps({})))

    def test_a_pickle_under_another_name_is_refused_too(self):
        self.refused("not a sound safetensors", lambda f: (f / "extra.safetensors").write_bytes(pickle.dumps({})))
        self.refused("not what its name says", lambda f: (f / "extra.json").write_bytes(pickle.dumps({})))
        self.refused("not what its name says", lambda f: (f / "merges.txt").write_bytes(b"\xff\xfe\x00"))

    def test_weights_cut_short_are_refused(self):
        def cut(folder: Path) -> None:
            weights = folder / "model.safetensors"
            weights.write_bytes(weights.read_bytes()[:-8])

        self.refused("not a sound safetensors", cut)

    def test_links_are_refused(self):
        self.refused("plain file", lambda folder: (folder / "link.json").symlink_to("/etc/hostname"))

    def test_code_and_unknown_kinds_are_refused(self):
        self.refused("not published", lambda folder: (folder / "modeling.py").write_text("print()"))
        self.refused("not published", lambda folder: (folder / "data.parquet").write_bytes(b""))

    def test_names_that_hide_or_break_addresses_are_refused(self):
        self.refused("cannot be a file's path", lambda folder: (folder / ".hidden.json").write_text("{}"))
        self.refused("cannot be a file's path", lambda folder: (folder / "a b.json").write_text("{}"))
        self.refused("cannot be a file's path", lambda folder: (folder / "a..json").write_text("{}"))

    def test_what_a_checkpoint_needs_is_asked_for(self):
        self.refused("no config.json", lambda folder: (folder / "config.json").unlink())
        self.refused("no weights", lambda folder: (folder / "model.safetensors").unlink())
        self.refused("not a JSON object", lambda folder: (folder / "config.json").write_text("[]"))
        with self.assertRaisesMessage(InvalidInput, "There is no checkpoint"):
            self.publish(folder=self.data / "nowhere", name="refused")

    def test_sizes_are_limited(self):
        with mock.patch("modelzoo.scan.MAX_TEXT", 10):
            self.refused("too much for a text file", lambda folder: None)
        with mock.patch("modelzoo.scan.MAX_WEIGHTS", 10):
            self.refused("in shards", lambda folder: None)
        with mock.patch("modelzoo.scan.MAX_FILES", 2):
            self.refused("more than 2 files", lambda folder: None)

    def test_parameters_are_counted_by_type(self):
        self.assertEqual(self.revision.parameters, {"F32": self.revision.parameter_count})
        self.assertEqual(self.revision.parameter_count, 11_184)

    def test_a_file_that_changes_while_it_is_read_is_told(self):
        class Growing(type(Path())):
            def stat(self, **kwargs):
                return os.stat_result((0o100644, 0, 0, 1, 0, 0, 3, 0, 0, 0))

        with self.assertRaisesMessage(Conflict, "changed while it was read"):
            storage.put_file(Growing(checkpoint() / "config.json"), "config.json")
        self.assertEqual(list((self.data / "tmp").iterdir()), [])


class LicenceLoadingTests(ZooMixin, TestCase):
    def test_the_terms_come_with_the_database_and_loading_again_changes_nothing(self):
        terms = LicenceTerms.objects.get(key="bigcode-openrail-m", version=1)
        self.assertEqual(terms.sha256, hashlib.sha256(terms.text.encode()).hexdigest())
        self.assertEqual(load_licences(), [])

    def test_the_text_is_the_catalogues_unchanged(self):
        path = Path("modelzoo/data/licences/bigcode-openrail-m/bigcode-open-rail-m-v1.LICENSE")
        file = Path(__file__).parents[2] / path
        self.assertEqual(
            hashlib.sha256(file.read_bytes()).hexdigest(),
            "c362a0138cc5f2f2a27d3187a340f5ca671e93ccc5ee386615e3fec34f50ce7b",
        )
        self.assertTrue(file.read_text().endswith(LicenceTerms.objects.get(version=1).text))

    def test_an_accepted_text_cannot_be_changed_under_its_version(self):
        LicenceTerms.objects.filter(version=1).update(sha256="0" * 64)
        with self.assertRaisesMessage(Conflict, "new version"):
            load_licences()
