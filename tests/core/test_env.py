"""A bad value in the environment stops the start with the variable's name."""

import os
import stat
import tempfile
from pathlib import Path
from unittest import mock

from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase

from config import env


class ReaderTests(SimpleTestCase):
    def with_value(self, value: str) -> mock._patch_dict:
        return mock.patch.dict(os.environ, {"THING": value})

    def test_booleans(self) -> None:
        for raw, value in (("1", True), ("Yes", True), ("off", False), ("", False)):
            with self.with_value(raw):
                self.assertIs(env.boolean("THING", not value), value)
        self.assertTrue(env.boolean("THING_NOT_SET", True))
        with self.with_value("maybe"), self.assertRaisesMessage(ImproperlyConfigured, "THING='maybe'"):
            env.boolean("THING", False)

    def test_integers(self) -> None:
        with self.with_value("7"):
            self.assertEqual(env.integer("THING", 1), 7)
        with self.with_value(""):
            self.assertEqual(env.integer("THING", 1), 1)
        with self.with_value("seven"), self.assertRaisesMessage(ImproperlyConfigured, "THING"):
            env.integer("THING", 1)
        with self.with_value("0"), self.assertRaisesMessage(ImproperlyConfigured, "least allowed value, 1"):
            env.integer("THING", 1, least=1)

    def test_lists_folders_and_choices(self) -> None:
        with self.with_value(" a, b ,,"):
            self.assertEqual(env.words("THING"), ["a", "b"])
        with self.with_value("/tmp/x/../y"):
            self.assertEqual(env.folder("THING", Path("/z")), Path("/tmp/y"))
        with self.with_value("c"), self.assertRaisesMessage(ImproperlyConfigured, "one of a, b"):
            env.one_of("THING", "a", ("a", "b"))

    def test_lists_hold_allowed_words_alone(self) -> None:
        with self.with_value("a, b"):
            self.assertEqual(env.some_of("THING", "a", ("a", "b")), ["a", "b"])
        self.assertEqual(env.some_of("THING_NOT_SET", "a", ("a", "b")), ["a"])
        with self.with_value("a,c"), self.assertRaisesMessage(ImproperlyConfigured, "THING has c"):
            env.some_of("THING", "a", ("a", "b"))

    def test_tables_are_read_from_json_and_refused_otherwise(self) -> None:
        with self.with_value('{"a": "b"}'):
            self.assertEqual(env.table("THING", {}, str), {"a": "b"})
        with self.with_value('{"triage": 3}'):
            self.assertEqual(env.table("THING", {}, int), {"triage": 3})
        self.assertEqual(env.table("THING_NOT_SET", {"a": 1}, int), {"a": 1})
        for bad in ("{", '["a"]', '{"a": 1}'):
            with self.with_value(bad), self.assertRaisesMessage(ImproperlyConfigured, "THING"):
                env.table("THING", {}, str)


class SecretTests(SimpleTestCase):
    def test_one_machine_makes_its_secret_once_and_keeps_it_to_itself(self) -> None:
        keys = Path(tempfile.mkdtemp()) / "keys"
        made = env.secret("SECRET_THING", keys, deployed=False)
        self.assertEqual(env.secret("SECRET_THING", keys, deployed=False), made)
        self.assertEqual(len(made), 64)
        self.assertEqual(stat.S_IMODE((keys / "secret_thing").stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(keys.stat().st_mode), 0o700)

    def test_a_deployment_must_set_it(self) -> None:
        with self.assertRaisesMessage(ImproperlyConfigured, "SECRET_THING is not set"):
            env.secret("SECRET_THING", Path("/nowhere"), deployed=True)

    def test_a_short_one_is_refused(self) -> None:
        with (
            mock.patch.dict(os.environ, {"SECRET_THING": "short"}),
            self.assertRaisesMessage(ImproperlyConfigured, "shorter than 32"),
        ):
            env.secret("SECRET_THING", Path("/nowhere"), deployed=True)


class JournalTests(SimpleTestCase):
    def test_data_folders_that_are_tried_out_have_journals_of_their_own(self) -> None:
        keys = Path("/keys")
        one, other = (env.journal(keys, Path(name), alone=False) for name in ("/tmp/a", "/tmp/b"))
        self.assertEqual(len({one, other, env.journal(keys, Path("/data"), alone=True)}), 3)
        self.assertEqual(one, env.journal(keys, Path("/tmp/a"), alone=False))
        self.assertEqual(env.journal(keys, Path("/tmp/a"), alone=True), keys / "journal")
