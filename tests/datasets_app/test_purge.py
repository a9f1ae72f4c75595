"""After an opt-out the next release takes the place of the old one, and what went is found nowhere."""

from django.db import connection
from django.test import TestCase, TransactionTestCase

from core import stores
from core.jobs import execute_here
from core.models import Job, LedgerEntry
from core.stores import Cleared, Store
from datasets_app import lookup, purging
from datasets_app.models import Holding, Owner, Release
from datasets_app.pipeline import purge
from datasets_app.pipeline.corpus import files_table
from datasets_app.services import blocklist, masks, preview, releases
from datasets_app.signals import purge_finished, release_published
from tests.datasets_app.floor import MARKER, FloorMixin


class AfterAnOptOut(FloorMixin, TransactionTestCase):
    def setUp(self):
        super().setUp()
        self.heard = []
        for signal in (release_published, purge_finished):
            signal.connect(self.hear)
            self.addCleanup(signal.disconnect, self.hear)

    def hear(self, signal, **arguments):
        self.heard.append(arguments)

    def test_the_old_release_goes_and_a_marker_is_found_nowhere(self):
        first = self.published()
        self.assertTrue(purge.scan(self.data, [MARKER]), "the marker must be there before, or the check proves nothing")
        self.opt_out("alpha")
        second = self.publish()
        first.refresh_from_db()
        self.assertEqual((first.state, second.state, second.parent), ("withdrawn", "published", first))
        self.assertEqual(purge.scan(self.data, [MARKER]), [])
        # The database, its log and every other file, as raw bytes.
        for path in (path for path in self.data.rglob("*") if path.is_file()):
            self.assertNotIn(MARKER, path.read_bytes(), path)
        database = connection.settings_dict["NAME"]
        if connection.vendor == "sqlite":
            from pathlib import Path

            for path in Path(database).parent.glob(f"{Path(database).name}*"):
                self.assertNotIn(MARKER, path.read_bytes(), path)
        self.assertEqual(stores.unowned_paths(), [])
        self.assertFalse(lookup.search("alpha").held)
        self.assertTrue(lookup.search("beta").held)
        kinds = list(LedgerEntry.objects.values_list("kind", flat=True))
        self.assertEqual(kinds, ["release published"] * 3 + ["release withdrawn", "removal feed item"])
        seen = lookup.exposure(Owner.objects.get(login_folded="alpha"))
        self.assertEqual([(held.release.version, held.release.state) for held in seen.held], [("v1.0", "withdrawn")])
        self.assertFalse(seen.held_now)
        self.assertIsNotNone(seen.blocked_since)

    def test_the_floors_above_hear_of_it_once_it_is_checked(self):
        self.published()
        self.opt_out("alpha")
        second = self.publish()
        self.assertEqual([heard["release"].version for heard in self.heard], ["v1.0", "v1.1", "v1.0+r1", "v1.1"])
        finished = self.heard[-1]
        self.assertEqual(finished["signal"] if "signal" in finished else finished["release"], second)
        self.assertGreater(finished["blobs"], 0)
        self.assertLessEqual({"corpus", "releases"}, {cleared.store for cleared in finished["cleared"]})

    def test_what_others_hold_too_stays_under_their_name(self):
        self.published()
        self.opt_out("alpha")
        second = self.publish()
        beta = Holding.objects.get(release=second, owner__login_folded="beta")
        self.assertEqual(beta.copies, 0)
        paths = set(files_table(purging.corpus_folder())["path"])
        self.assertIn("beta/clamp.py", paths)
        self.assertFalse({path for path in paths if path.startswith("alpha")})

    def test_one_repository_alone_can_go(self):
        self.published()
        self.opt_out("alpha", "one")
        self.publish()
        self.assertFalse(lookup.search("alpha/one").held)
        self.assertTrue(lookup.search("alpha/two").held)
        self.assertEqual(purge.scan(self.data, [MARKER]), [])

    def test_a_release_that_waits_and_holds_the_blocked_is_rejected_and_purged_with_it(self):
        self.published()
        waiting = self.build(version="v1.5")
        self.opt_out("alpha")
        self.publish(self.build(version="v1.6"))
        waiting.refresh_from_db()
        self.assertEqual(waiting.state, "rejected")
        self.assertEqual(purge.scan(self.data, [MARKER]), [])

    def test_a_release_without_the_blocked_stays_published(self):
        self.ingest()
        self.opt_out("gamma")  # ingested, yet held by no release
        first = self.publish()
        self.publish()
        first.refresh_from_db()
        self.assertEqual(first.state, "published")

    def test_a_purge_that_was_cut_off_still_knows_what_had_to_go(self):
        self.published()
        self.opt_out("alpha")
        asked = []

        def fail_once(blobs, progress):
            asked.append(set(blobs))
            if len(asked) == 1:
                raise RuntimeError("killed after the corpus forgot")
            return Cleared("late")

        stores.register(Store("late", ("late",), purge=fail_once))
        self.addCleanup(stores._stores.pop, "late")
        second = self.build()
        releases.approve(second, self.staff)
        job = releases.publish(second, self.staff)
        self.assertEqual(execute_here(job).state, "failed")
        self.assertEqual(purging.blobs_to_remove(), set())  # the corpus has forgotten
        Job.objects.filter(pk=job.pk).update(state="queued", claim="")
        job.refresh_from_db()
        self.assertEqual(execute_here(job).state, "succeeded")
        self.assertEqual(asked[0], asked[1])
        self.assertTrue(asked[0])
        self.assertEqual(list(purging.corpus_folder().glob("purge-*")), [])


class TheCheck(FloorMixin, TestCase):
    def test_a_published_release_that_still_holds_a_blob_is_told(self):
        self.published()
        table = files_table(purging.corpus_folder())
        with self.assertRaisesMessage(purging.PurgeIncomplete, "still holds"):
            purging.check_published(set(table["blob_id"]), lambda *a, **k: None)

    def test_a_damaged_shard_is_told(self):
        self.published()
        shard = next((self.data / "releases" / "shards").glob("*/*.parquet"))
        shard.write_bytes(shard.read_bytes()[:-8] + b"damaged!")
        with self.assertRaisesMessage(purging.PurgeIncomplete, "does not verify"):
            purging.check_published(set(), lambda *a, **k: None)

    def test_nothing_blocked_means_nothing_to_remove(self):
        self.published()
        self.assertEqual(purging.blobs_to_remove(), set())
        self.assertEqual(Job.objects.filter(kind="datasets.purge").count(), 0)


class Preview(FloorMixin, TestCase):
    def test_the_desk_sees_what_a_block_would_change(self):
        release = self.published()
        alpha = Owner.objects.get(login_folded="alpha")
        effects = preview.effects(alpha)
        held = sum(Holding.objects.filter(release=release, owner=alpha).values_list("files", flat=True))
        self.assertEqual((effects.files, effects.releases, effects.repositories, effects.newest), (held, 1, 2, release))
        self.assertEqual(effects.gone + effects.promoted, effects.files)
        self.assertGreater(effects.shards, 0)
        one = preview.effects(alpha, alpha.repositories.filter(name="two"))
        self.assertEqual((one.files, one.repositories), (1, 1))

    def test_what_was_never_held_changes_nothing(self):
        self.published()
        self.assertEqual(preview.effects(Owner.objects.get(login_folded="gamma")), preview.Effects())

    def test_without_the_corpus_the_rows_still_tell(self):
        import shutil

        self.published()
        shutil.rmtree(self.data / "corpus")
        effects = preview.effects(Owner.objects.get(login_folded="alpha"))
        self.assertGreater(effects.files, 0)
        self.assertIsNone(effects.newest)

    def test_masks_hide_at_once(self):
        self.published()
        masks.mask(self.staff, Owner.objects.get(login_folded="beta"))
        self.assertFalse(lookup.search("beta").held)
        self.assertEqual(blocklist.position(), 0)
        self.assertEqual(Release.objects.get().state, "published")
