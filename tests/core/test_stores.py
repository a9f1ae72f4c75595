"""Each folder of the data folder belongs to one store; temporary files are swept unless they are in use."""

from django.test import TestCase

from core import stores
from tests.base import DataFolderMixin


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

    def test_a_purge_sweeps_temporary_files_except_those_in_use(self) -> None:
        left = stores.folder("tmp") / "left-by-a-crash"
        left.mkdir()
        (left / "text").write_text("secret")
        (stores.folder("tmp") / "stray").write_text("secret")
        with stores.temporary_folder("work") as used:
            stores.purge_everywhere({"0" * 40}, lambda *args: None)
            self.assertEqual([path.name for path in stores.folder("tmp").iterdir()], [used.name])
        self.assertEqual(list(stores.folder("tmp").iterdir()), [])
