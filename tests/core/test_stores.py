"""Each folder of the data folder belongs to one store; temporary files are swept unless they are in use."""

from pathlib import Path

from django.test import TestCase

from core import stores
from tests.base import DataFolderMixin


class Wanted:
    """Looks for nothing."""

    blob_ids: frozenset[str] = frozenset()

    def within(self, data: bytes) -> bool:
        return False

    def in_file(self, path: Path) -> bool:
        return False


class StoreTests(DataFolderMixin, TestCase):
    def test_a_folder_that_no_store_owns_is_refused_and_found(self) -> None:
        with self.assertRaisesMessage(ValueError, "No store owns the folder 'attic'"):
            stores.folder("attic")
        stores.folder("tmp")
        self.assertEqual(stores.unowned_paths(), [])
        (self.data / "attic").mkdir()
        self.assertEqual(stores.unowned_paths(), [self.data / "attic"])

    def test_two_stores_cannot_own_one_folder(self) -> None:
        with self.assertRaisesMessage(ValueError, "both claim {'tmp'}"):
            stores.register(stores.Store("second", ("tmp",)))

    def test_a_scan_looks_at_every_store_at_what_none_owns_and_asks_stores_for_what_bytes_do_not_show(self) -> None:
        for name in ("tmp", "attic", "late"):
            (self.data / name).mkdir()
            (self.data / name / "file").write_bytes(b"text")
        asked, wanted = [], Wanted()

        def own(markers: object, progress: object) -> list[str]:
            asked.append(markers)
            return [str(self.data / "late" / "hidden"), "s3://elsewhere/hidden"]

        def look(path: Path, markers: object, progress: object) -> stores.Scanned:
            hits = [str(path / "file")] if path.name == "attic" else []
            return stores.Scanned("", len(list(path.iterdir())), 4, hits)

        stores.register(stores.Store("late", ("late",), scan=own))
        self.addCleanup(stores._stores.pop, "late")
        found = {one.store: one for one in stores.scan_everywhere(wanted, look, lambda *more: None)}
        self.assertEqual(asked, [wanted])
        self.assertEqual((found["temporary files"].files, found["temporary files"].hits), (1, []))
        self.assertEqual(found["late"].hits, ["late/hidden", "s3://elsewhere/hidden"])
        self.assertEqual(found["no store"].hits, ["attic/file"])

    def test_a_purge_sweeps_temporary_files_except_those_in_use(self) -> None:
        left = stores.folder("tmp") / "left-by-a-crash"
        left.mkdir()
        (left / "text").write_text("secret")
        (stores.folder("tmp") / "stray").write_text("secret")
        with stores.temporary_folder("work") as used:
            stores.purge_everywhere({"0" * 40}, lambda *args: None)
            self.assertEqual([path.name for path in stores.folder("tmp").iterdir()], [used.name])
        self.assertEqual(list(stores.folder("tmp").iterdir()), [])
