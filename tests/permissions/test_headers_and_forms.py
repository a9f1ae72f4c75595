"""Across all addresses: a strict content security policy, no form without its token, and no text of a person that becomes markup."""

from http.cookies import SimpleCookie

from django.apps import apps
from django.db import DatabaseError, IntegrityError, models, transaction
from django.test import Client, TestCase

from core import audit, ledger
from core.models import AuditEntry
from tests.permissions.asking import ask
from tests.permissions.world import World, addresses

# What asks for no session: protocols of programs, look-ups, and cosignatures, which carry their own proof.
WITHOUT_SESSION = {
    "api/telemetry/<path:topic>",
    "api/models/<repo:org>/<repo:name>/paths-info/<path:rev>",
    "api/ledger/cosignatures",
    "api/search",
    "api/search/code",
    "api/search/accounts",
    "api/trace",
    "overlap",
}
APPS = ("core", "datasets_app", "modelzoo", "training_jobs", "portal")
PROBE = '<img src=x onerror="alert(1)">'
# Free text of short columns; all columns of type text are free text.
SHORT = {"title", "account", "login", "note", "label"}


class Everywhere(World, TestCase):
    def everything(self, client: Client, method: str) -> list[tuple[str, object]]:
        """(route, answer) of all addresses, each asked in the same world."""
        saved = client.cookies.output(header="", sep=";")
        found = []
        for route in addresses():
            client.cookies = SimpleCookie(saved)
            found.append((route, ask(client, method, self.path(route))))
        return found

    def test_every_answer_has_a_strict_policy_and_every_form_needs_its_token(self) -> None:
        client = Client(raise_request_exception=False)
        client.force_login(self.staff)
        for route, answer in self.everything(client, "GET"):
            with self.subTest(route=route):
                policy = answer["Content-Security-Policy"]
                self.assertIn("default-src 'none'", policy)
                self.assertNotRegex(policy, r"unsafe|\*|https?:(?!//127)")
                self.assertEqual(answer["X-Content-Type-Options"], "nosniff")
        strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
        strict.force_login(self.staff)
        for route, answer in self.everything(strict, "POST"):
            with self.subTest(route=route):
                if route in WITHOUT_SESSION:
                    continue
                self.assertIn(answer.status_code, (403, 404, 405), "it took a form without a token")

    def test_no_text_of_a_person_becomes_markup_on_any_page(self) -> None:
        probed = self.probe()
        self.assertGreater(probed, 10)
        AuditEntry.objects.create(action=PROBE[:80], object_type="core.user", object_id="1", facts={"x": PROBE})
        audit.record_named(self.staff, "probe", "core.user", str(self.people["plain"].pk), text=PROBE)
        ledger.append("probe", {"text": PROBE})
        ledger.sequence()
        seen = 0
        for person in ("superuser", "owner", "nobody"):
            client = Client(raise_request_exception=False)
            if person != "nobody":
                client.force_login(self.people[person])
            for route, answer in self.everything(client, "GET"):
                if answer.streaming or not answer["Content-Type"].startswith("text/html"):
                    continue
                text = answer.content.decode()
                with self.subTest(route=route, person=person):
                    self.assertNotIn("<img src=x", text)
                    self.assertLess(answer.status_code, 500)
                seen += "&lt;img src=x" in text
        self.assertGreater(seen, 5, "the probe was shown nowhere: this test would prove nothing")

    def probe(self) -> int:
        """Write the probe into every free-text column of every row. Gives into how many columns."""
        done = 0
        for model in apps.get_models():
            if model._meta.app_label not in APPS or not model._meta.managed:
                continue
            for field in model._meta.concrete_fields:
                free = isinstance(field, models.TextField) or field.name in SHORT
                if not free or field.choices or field.unique or (field.max_length or 1000) < len(PROBE):
                    continue
                try:
                    with transaction.atomic():
                        done += bool(model.objects.update(**{field.name: PROBE}))
                except (TypeError, DatabaseError, IntegrityError):  # append-only, or a constraint
                    continue
        return done
