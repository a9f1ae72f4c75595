"""Deployment mistakes are found before they hurt."""

from pathlib import Path

from django.core.checks import run_checks
from django.test import SimpleTestCase, override_settings

from core import notes
from tests.base import DataFolderMixin


def ids(**kwargs: bool) -> set[str]:
    return {message.id for message in run_checks(**kwargs) if message.id and message.id.startswith("fairstack.")}


class CheckTests(DataFolderMixin, SimpleTestCase):
    def test_a_sound_single_machine_has_nothing_to_say(self) -> None:
        self.assertEqual(ids(), set())

    def test_a_data_folder_that_cannot_be_made(self) -> None:
        blocker = self.data / "file"
        blocker.write_text("")
        with override_settings(FAIRSTACK_DATA=blocker / "data", FAIRSTACK_KEYS=Path("/elsewhere")):
            self.assertIn("fairstack.E001", ids())

    def test_source_roots_that_are_no_folders(self) -> None:
        for wrong in ("mirrors", str(self.data / "nothing")):
            with override_settings(FAIRSTACK_SOURCE_ROOTS=[wrong]):
                self.assertIn("fairstack.E005", ids())
        with override_settings(FAIRSTACK_SOURCE_ROOTS=[str(self.data)]):
            self.assertEqual(ids(), set())

    def test_keys_that_cannot_sign_or_be_witnesses(self) -> None:
        log = str(notes.Verifier("log.example", bytes(32)))
        for wrong in (
            {"FAIRSTACK_SIGNING_KEY": "not hex" * 10},
            {"FAIRSTACK_FORMER_KEYS": ["abc"]},
            {"FAIRSTACK_LEDGER_ORIGIN": "my ledger"},
            {"FAIRSTACK_WITNESSES": ["w.example"]},
            {"FAIRSTACK_WITNESSES": [log]},
        ):
            with override_settings(**wrong):
                self.assertEqual(ids(), {"fairstack.E007"})

    def test_keys_inside_the_data_folder(self) -> None:
        with override_settings(FAIRSTACK_KEYS=self.data / "keys"):
            self.assertIn("fairstack.E002", ids())

    def test_a_demo_put_on_the_web(self) -> None:
        with override_settings(FAIRSTACK_DEPLOYED=False, FAIRSTACK_APPROVALS=1, REDIS_URL=""):
            self.assertLessEqual(
                {"fairstack.W001", "fairstack.W002", "fairstack.W003"}, ids(include_deployment_checks=True)
            )
        deployed = {"FAIRSTACK_DEPLOYED": True, "FAIRSTACK_APPROVALS": 2, "FAIRSTACK_PROXIES": ["10.0.0.1"]}
        with override_settings(REDIS_URL="redis://localhost", **deployed):
            self.assertEqual(ids(include_deployment_checks=True), set())
