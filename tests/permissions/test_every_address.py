"""Every address of the project, pages and API, asked by everybody: compared with the table of who may do what."""

from http.cookies import SimpleCookie

from django.test import Client, TestCase

from tests.permissions.asking import ask, kind
from tests.permissions.table import ALL, NONE, OTHERS, TABLE
from tests.permissions.world import WHO, World, addresses, operations


class EveryAddress(World, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clients: dict[str, tuple[Client, str]] = {}
        for who in WHO:
            client = Client(raise_request_exception=False)
            if who != "nobody":
                client.force_login(self.people[who])
            self.clients[who] = (client, client.cookies.output(header="", sep=";"))
        self.operations = operations()

    def test_the_table_has_exactly_the_addresses_that_there_are(self) -> None:
        there = {route.partition("(")[0] if route.startswith("^") else route for route in addresses()}
        self.assertEqual(there - TABLE.keys(), set(), "give these a line in tests/permissions/table.py")
        self.assertEqual(TABLE.keys() - there, set(), "these are gone: take their lines out")
        others = {key for key in self.operations if key[0] not in ("GET", "POST")}
        self.assertEqual(others, set(OTHERS), "other methods have their lines in OTHERS")

    def test_everybody_gets_the_answer_that_the_table_says(self) -> None:
        for route in addresses():
            expected = TABLE.get(route.partition("(")[0] if route.startswith("^") else route)
            if expected is None:
                continue
            for method, group in zip(("GET", "POST"), expected, strict=True):
                self.compare(method, route, group)
        for (method, route), group in OTHERS.items():
            self.compare(method, route, group)

    def compare(self, method: str, route: str, group: str) -> None:
        """What is open to nobody in particular is asked as nobody and as a plain account; what does not exist, as a superuser."""
        if group == NONE:
            self.assertIn(self.letter(method, route, "superuser"), "x0", f"{method} /{route} exists")
            return
        asked = ("nobody", "plain", "auditor") if group == ALL else WHO
        got = {who: self.letter(method, route, who) for who in asked}
        wanted = {who: group[WHO.index(who)] for who in asked}
        with self.subTest(method=method, route=route):
            self.assertEqual(got, wanted)

    def letter(self, method: str, route: str, who: str) -> str:
        """The answer's kind. Whoever was signed out by an address is signed in again for the next."""
        client, cookies = self.clients[who]
        client.cookies = SimpleCookie(cookies)
        return kind(ask(client, method, self.path(route), self.operations.get((method, route))))
