"""What we carry of others is what they released."""

import hashlib
import re
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

VENDOR = Path(settings.BASE_DIR) / "static" / "vendor"


class VendoredFileTests(SimpleTestCase):
    def test_every_file_has_the_digest_that_its_readme_names(self) -> None:
        for folder in VENDOR.iterdir():
            named = dict(
                re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", (folder / "README.md").read_text(), re.M)
            )
            found = {
                path.name: hashlib.sha256(path.read_bytes()).hexdigest()
                for path in folder.iterdir()
                if path.name != "README.md"
            }
            with self.subTest(folder=folder.name):
                self.assertEqual(found, named)

    def test_each_folder_has_a_licence(self) -> None:
        for folder in VENDOR.iterdir():
            self.assertTrue((folder / "LICENSE").is_file(), folder.name)
