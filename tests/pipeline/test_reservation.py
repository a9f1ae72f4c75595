"""What a repository reserves is never stored, whichever of the three files says so and whatever the source is."""

import tempfile
from functools import partial
from pathlib import Path

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import reservation
from datasets_app.pipeline.blobs import blob_files
from datasets_app.pipeline.corpus import files_table, ingest
from datasets_app.pipeline.sources.base import SourceFile
from datasets_app.pipeline.sources.git import GitRepositories
from datasets_app.pipeline.sources.installed import InstalledPackages
from tests.pipeline.fakes import FakePackage, make_site_packages
from tests.pipeline.git_repos import Repository

PATHS = ("a.py", "docs/b.md", "docs/deep/c.svg", "src/d.py", "src/keep.py")


def reserved(files: dict[str, str | bytes], paths: tuple[str, ...] = PATHS) -> set[str]:
    def give(content: bytes, limit: int) -> bytes:
        return content

    found = reservation.read(
        SourceFile(path, partial(give, content.encode() if isinstance(content, str) else content))
        for path, content in files.items()
    )
    return {path for path in paths if found.covers(path)}


class OwnFile(SimpleTestCase):
    def test_a_repository_reserves_all_of_itself_or_some_paths(self) -> None:
        for text, expected in (
            ("[training]\nreserved = true\n", set(PATHS)),
            ("[training]\nreserved = false\n", set()),
            ("", set(PATHS)),
            ("[other]\nx = 1\n", set()),
            ('[training]\nreserved = ["docs/"]\n', {"docs/b.md", "docs/deep/c.svg"}),
            ('[training]\nreserved = ["*.py", "!src/keep.py"]\n', {"a.py", "src/d.py"}),
            ('[training]\nreserved = ["/*.py"]\n', {"a.py"}),
            ('[training]\nreserved = ["docs/**/*.svg"]\n', {"docs/deep/c.svg"}),
        ):
            with self.subTest(text):
                self.assertEqual(reserved({".fairstack.toml": text}), expected)

    def test_what_cannot_be_understood_reserves_everything(self) -> None:
        for text in (
            "[training",
            "training = 3",
            "[training]\nreserved = 1\n",
            "[training]\nreserved = [1]\n",
            b"\xff\xfe",
        ):
            with self.subTest(text):
                self.assertEqual(reserved({".fairstack.toml": text}), set(PATHS))

    def test_it_holds_for_the_folder_that_it_stands_in(self) -> None:
        self.assertEqual(
            reserved({"src/.fairstack.toml": "[training]\nreserved = true\n"}), {"src/d.py", "src/keep.py"}
        )
        self.assertEqual(reserved({"src/.fairstack.toml": '[training]\nreserved = ["d.py"]\n'}), {"src/d.py"})


class Conventions(SimpleTestCase):
    def test_tdmrep(self) -> None:
        for text, expected in (
            ('[{"location": "/", "tdm-reservation": 1}]', set(PATHS)),
            ('[{"location": "/", "tdm-reservation": 0}]', set()),
            (
                '[{"location": "/docs/*", "tdm-reservation": 1, "tdm-policy": "https://x"}]',
                {"docs/b.md", "docs/deep/c.svg"},
            ),
            ('[{"location": "*.svg$", "tdm-reservation": 1}]', {"docs/deep/c.svg"}),
            ("{", set(PATHS)),
            ("{}", set(PATHS)),
            ("[]", set()),
        ):
            with self.subTest(text):
                self.assertEqual(reserved({".well-known/tdmrep.json": text}), expected)
        self.assertEqual(reserved({"sub/.well-known/tdmrep.json": "{"}), set())

    def test_ai_txt(self) -> None:
        for text, expected in (
            ("User-Agent: *\nDisallow: /\n", set(PATHS)),
            (
                "# ours\nuser-agent: *\ndisallow: *.svg\nDisallow: /src/ # all\nAllow: /src/keep.py\n",
                {"docs/deep/c.svg", "src/d.py"},
            ),
            ("User-Agent: other\nDisallow: /\n\nUser-Agent: *\nAllow: /\n", set()),
            ("User-Agent: other\nUser-Agent: *\nDisallow: /docs\n", {"docs/b.md", "docs/deep/c.svg"}),
            ("User-Agent: *\nDisallow:\n", set()),
            ("Notes on AI: it is a broad field.\n", set()),
            (b"\xff", set()),
        ):
            with self.subTest(text):
                self.assertEqual(reserved({"ai.txt": text}), expected)

    @given(st.text("ab/*$", max_size=12), st.text("ab/", max_size=12))
    def test_web_patterns_match_as_regular_expressions_would(self, pattern: str, path: str) -> None:
        import re

        body, ended = pattern.removesuffix("$"), pattern.endswith("$")
        start = "" if body.startswith(("/", "*")) or not body else ".*"
        expression = start + re.escape(body).replace(r"\*", ".*") + ("\\Z" if ended else "")
        self.assertEqual(reservation.web_matches(pattern, path), bool(re.match(expression, f"/{path}", re.S)))


class Ingesting(SimpleTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory())).resolve()
        self.corpus = self.folder / "corpus"

    def test_a_reserved_repository_is_counted_and_never_stored(self) -> None:
        repository = Repository(self.folder / "mirror" / "ada" / "tools")
        repository.commit({"a.py": "marker_reserved = 1\n", "b/c.py": "x = 1\n"})
        source = GitRepositories("mirror", folder=self.folder / "mirror")
        self.assertEqual(ingest(source, self.corpus).files, 2)
        repository.commit({".fairstack.toml": "[training]\nreserved = true\n"})
        fresh = self.folder / "fresh"
        report = ingest(source, fresh)
        self.assertEqual((report.files, report.skipped), (0, {"reserved": 3}))
        self.assertEqual(blob_files(fresh), [])
        ingest(source, self.corpus)
        self.assertEqual(files_table(self.corpus).height, 0)

    def test_an_installed_package_reserves_its_own_folder(self) -> None:
        site = self.folder / "site"
        site.mkdir()
        toml = "[training]\nreserved = true\n"
        packages = [
            FakePackage("one", "ada/one", "MIT", {"one/__init__.py": "x = 1\n", "one/.fairstack.toml": toml}),
            FakePackage("two", "ada/two", "MIT", {"two/__init__.py": "y = 1\n"}),
        ]
        make_site_packages(site, packages)
        report = ingest(InstalledPackages(paths=(site,)), self.corpus)
        self.assertEqual(
            (report.skipped, files_table(self.corpus)["path"].to_list()), ({"reserved": 2}, ["two/__init__.py"])
        )
