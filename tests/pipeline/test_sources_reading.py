"""Reading one file below a folder without being led out of it."""

import os
import tempfile
from pathlib import Path

from django.test import SimpleTestCase

from datasets_app.pipeline.sources.base import SKIP_REASONS, FileSkipped
from datasets_app.pipeline.sources.reading import LONGEST_PATH, check_path, read_below


class ReadBelowTest(SimpleTestCase):
    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.outside = Path(folder).resolve()
        self.root = self.outside / "root"
        (self.root / "sub").mkdir(parents=True)
        (self.outside / "secret.py").write_text("SECRET = 1\n")
        (self.root / "sub" / "plain.py").write_bytes(b"x = 1\n")

    def assert_skipped(self, reason: str, path: str, limit: int = 1000) -> None:
        self.assertIn(reason, SKIP_REASONS)
        with self.assertRaises(FileSkipped) as caught:
            read_below(self.root, path, limit)
        self.assertEqual(caught.exception.reason, reason)

    def test_gives_the_bytes_of_a_regular_file(self) -> None:
        self.assertEqual(read_below(self.root, "sub/plain.py", 6), b"x = 1\n")

    def test_follows_a_link_that_stays_below_the_root(self) -> None:
        (self.root / "link.py").symlink_to("sub/plain.py")
        self.assertEqual(read_below(self.root, "link.py", 1000), b"x = 1\n")

    def test_refuses_a_link_out_of_the_root_whether_file_or_folder(self) -> None:
        (self.root / "file.py").symlink_to(self.outside / "secret.py")
        (self.root / "folder").symlink_to(self.outside)
        (self.root / "sibling").symlink_to(self.outside / "root-two")
        (self.outside / "root-two").mkdir()
        (self.outside / "root-two" / "a.py").write_text("a = 1\n")
        self.assert_skipped("symlink_outside", "file.py")
        self.assert_skipped("symlink_outside", "folder/secret.py")
        self.assert_skipped("symlink_outside", "sibling/a.py")

    def test_refuses_a_path_with_two_dots_and_an_absolute_path(self) -> None:
        for path in (
            "../secret.py",
            "sub/../../secret.py",
            "sub/..",
            "..",
            "/etc/passwd",
            "C:/x.py",
            "\\\\host\\x",
            "a\\..\\b",
        ):
            with self.subTest(path):
                self.assert_skipped("outside", path)

    def test_refuses_a_path_that_no_table_can_hold(self) -> None:
        for path in (
            "",
            "a//b.py",
            "./a.py",
            "a/./b",
            "a/",
            "a\0b",
            "a\nb.py",
            "a\\b.py",
            "a\udcff.py",
            "x" * (LONGEST_PATH + 1),
        ):
            with self.subTest(path):
                self.assert_skipped("path_invalid", path)

    def test_names_with_two_dots_inside_are_no_way_up(self) -> None:
        check_path("a..b/..c/d..")

    def test_does_not_read_a_file_above_the_limit(self) -> None:
        (self.root / "large.py").write_bytes(b"")
        os.truncate(self.root / "large.py", 100_000_000)
        self.assert_skipped("too_large", "large.py", 10_000_000)
        self.assert_skipped("too_large", "sub/plain.py", 5)

    def test_a_folder_or_a_pipe_in_place_of_the_file_is_not_read(self) -> None:
        (self.root / "package.py").mkdir()
        os.mkfifo(self.root / "pipe.py")
        self.assert_skipped("not_a_file", "package.py")
        self.assert_skipped("not_a_file", "pipe.py")

    def test_a_vanished_file_is_missing_and_so_is_one_below_a_file(self) -> None:
        self.assert_skipped("missing", "gone.py")
        self.assert_skipped("missing", "sub/plain.py/deeper.py")
        (self.root / "dangling.py").symlink_to("nowhere.py")
        self.assert_skipped("missing", "dangling.py")

    def test_links_in_a_circle_are_unreadable(self) -> None:
        (self.root / "one.py").symlink_to("two.py")
        (self.root / "two.py").symlink_to("one.py")
        self.assert_skipped("unreadable", "one.py")

    def test_a_name_that_the_file_system_refuses_is_unreadable(self) -> None:
        self.assert_skipped("unreadable", "n" * 300 + ".py")

    def test_a_file_that_may_not_be_opened_is_unreadable(self) -> None:
        self.outside.chmod(0o755)
        (self.root / "sub" / "plain.py").chmod(0)
        user = os.geteuid()
        if user == 0:  # the superuser may open everything
            os.seteuid(65534)
        try:
            self.assert_skipped("unreadable", "sub/plain.py")
        finally:
            os.seteuid(user)
