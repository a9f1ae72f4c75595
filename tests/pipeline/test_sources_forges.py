"""Which repository a web address names."""

from django.test import SimpleTestCase

from datasets_app.pipeline.sources.forges import Place, place, place_of_clone


class PlaceTest(SimpleTestCase):
    def test_the_usual_ways_to_write_one_repository_give_the_same_place(self) -> None:
        for address in (
            "https://github.com/django/asgiref",
            "http://www.github.com/django/asgiref/",
            "https://github.com/django/asgiref.git",
            "git+https://github.com/django/asgiref.git",
            "git@github.com:django/asgiref.git",
            "ssh://git@github.com/django/asgiref",
            "github.com/django/asgiref",
            "https://user:secret@github.com:443/django/asgiref?tab=readme#readme",
            "  https://GitHub.com/django/asgiref  ",
        ):
            with self.subTest(address):
                self.assertEqual(place(address), Place("github.com", "django", "asgiref"))

    def test_pages_below_a_repository_name_the_repository(self) -> None:
        for address in (
            "https://github.com/agronholm/anyio/issues",
            "https://github.com/agronholm/anyio/blob/master/docs/changes.rst",
            "https://github.com/agronholm/anyio/tree/main/src/anyio",
        ):
            with self.subTest(address):
                self.assertEqual(place(address), Place("github.com", "agronholm", "anyio"))

    def test_names_keep_the_case_in_which_the_forge_writes_them(self) -> None:
        self.assertEqual(
            place("https://github.com/FactoryBoy/factory_boy"), Place("github.com", "FactoryBoy", "factory_boy")
        )

    def test_a_repository_may_begin_with_a_dot_and_an_owner_with_a_tilde(self) -> None:
        self.assertEqual(place("https://github.com/acme/.github"), Place("github.com", "acme", ".github"))
        self.assertEqual(place("https://git.sr.ht/~sircmpwn/hare"), Place("git.sr.ht", "~sircmpwn", "hare"))

    def test_a_repository_in_a_gitlab_subgroup_belongs_to_the_top_group(self) -> None:
        expected = Place("gitlab.com", "group", "sub/deep/tool")
        self.assertEqual(place("https://gitlab.com/group/sub/deep/tool/-/issues"), expected)
        self.assertEqual(place("https://gitlab.com/group/sub/deep/tool.git"), expected)
        self.assertEqual(place("https://gitlab.gnome.org/GNOME/gtk"), Place("gitlab.gnome.org", "GNOME", "gtk"))
        self.assertEqual(expected.url, "https://gitlab.com/group/sub/deep/tool")

    def test_what_names_no_repository_gives_none(self) -> None:
        for address in (
            "",
            "UNKNOWN",
            "https://github.com/",
            "https://github.com/jazzband",
            "https://github.com/sponsors/hynek",
            "https://github.com/orgs/acme/people",
            "https://docs.python.org/3/library",
            "https://example.org/github.com/a/b",
            "https://notgithub.com/a/b",
            "https://github.com/../..",
            "https://github.com/a/..",
            "https://github.com/a%2Fb/c%00d",
            "https://github.com/a b/c",
            "http://[::1",
            "mailto:someone@github.com",
            f"https://github.com/{'a' * 151}/b",
            f"https://gitlab.com/a/{'b/' * 101}c",
        ):
            with self.subTest(address):
                self.assertIsNone(place(address))

    def test_a_clone_address_may_be_on_any_host(self) -> None:
        for address, expected in (
            ("git@github.com:Ada/tools.git", Place("github.com", "Ada", "tools")),
            ("https://git.example.org/Group/sub/name.git/", Place("git.example.org", "Group", "sub/name")),
            ("ssh://git@git.example.org:2222/ada/.files", Place("git.example.org", "ada", ".files")),
            ("ada@git.example.org:ada/tools", Place("git.example.org", "ada", "tools")),
            ("https://github.com/ada", None),
            ("https://git.example.org/ada", None),
            ("https://git.example.org/../x", None),
            ("https://git.example.org/a b/x", None),
            ("file:///srv/ada/tools", None),
            ("/srv/ada/tools", None),
            ("https://[::1/a/b", None),
            (f"https://{'a' * 101}.org/a/b", None),
            (f"https://git.example.org/a/{'b' * 201}", None),
        ):
            with self.subTest(address):
                self.assertEqual(place_of_clone(address), expected)
