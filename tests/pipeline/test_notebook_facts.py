"""Notebooks in a release: what is known of them, what is decided, and what is published."""

import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from django.test import SimpleTestCase

from datasets_app.pipeline import attributes, needs
from datasets_app.pipeline.blobs import blob_id, write_blob_file
from datasets_app.pipeline.build import BuildSpec, build
from datasets_app.pipeline.corpus import ingest
from datasets_app.pipeline.format import shard_path
from datasets_app.pipeline.manifest import Manifest
from datasets_app.pipeline.notebook_facts import NOTEBOOKS
from datasets_app.pipeline.recipe import Recipe
from datasets_app.pipeline.sources.base import RepositoryRecord
from datasets_app.pipeline.verify import verify
from tests.pipeline.test_corpus import InMemory
from tests.pipeline.test_file_licences import source_file
from tests.pipeline.test_licence_headers import MIT
from tests.pipeline.test_notebooks import code, notebook, stream, text

SHOWN = notebook(
    text("# Sums\n\nAsk ada.lovelace@engines.org how."), code("total = 1 + 2\nprint(total)", stream("3\n"))
)
BARE = notebook(code("x = 1\nprint(x)"))
WIDE = notebook(
    text("A picture."), code("show()", {"output_type": "display_data", "data": {"image/png": "iVBORw0KGgo" * 900}})
)
BROKEN = b'{"cells": [], "nbformat": 4, '
FILES = {
    "shown.ipynb": SHOWN,
    "bare.ipynb": BARE,
    "wide.ipynb": WIDE,
    "broken.ipynb": BROKEN,
    "a.py": b"a = 1\n" * 20,
    "LICENSE": MIT.encode(),
}


class FactsTest(SimpleTestCase):
    def test_each_notebook_that_can_be_turned_into_text_has_a_row(self) -> None:
        corpus = Path(self.enterContext(tempfile.TemporaryDirectory()))
        write_blob_file(corpus, {blob_id(content): content for content in FILES.values()})
        attributes.compute(corpus, [NOTEBOOKS])
        found = {
            row["blob_id"]: (row["script"], row["structured"]) for row in attributes.table(corpus, NOTEBOOKS).to_dicts()
        }
        self.assertEqual(
            found, {blob_id(SHOWN): (True, True), blob_id(BARE): (True, False), blob_id(WIDE): (True, True)}
        )


class ReleaseTest(SimpleTestCase):
    def setUp(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.corpus, self.releases = folder / "corpus", folder / "releases"
        record = RepositoryRecord("github.com", None, "Acme", "tool", "https://example.org", None, None, False)
        ingest(InMemory([(record, [source_file(path, content) for path, content in FILES.items()])]), self.corpus)

    def build(self, **choices: object) -> tuple[Manifest, dict[str, str]]:
        recipe = Recipe(near_duplicates="off", benchmarks=(), **choices)  # type: ignore[arg-type]
        attributes.compute(self.corpus, needs.needed(self.corpus, recipe))
        made = build(self.corpus, self.releases, BuildSpec("nb", recipe.notebooks.replace("drop", "0") + ".0", recipe))
        tables = [pq.read_table(shard_path(self.releases, shard["digest"])) for shard in made.shards]
        return made, {row["path"]: row["content"] for table in tables for row in table.to_pylist()}

    def test_by_default_notebooks_are_left_out(self) -> None:
        made, texts = self.build()
        self.assertEqual(texts.keys() & {"shown.ipynb", "bare.ipynb", "wide.ipynb", "broken.ipynb"}, set())
        self.assertEqual({row["reason"]: row["files"] for row in made.funnel}["notebook"], 4)

    def test_as_scripts_without_personal_data(self) -> None:
        made, texts = self.build(notebooks="script")
        self.assertEqual(texts["shown.ipynb"], "# # Sums\n#\n# Ask <EMAIL> how.\n\ntotal = 1 + 2\nprint(total)\n")
        self.assertEqual(texts["bare.ipynb"], "x = 1\nprint(x)\n")
        self.assertEqual(texts["wide.ipynb"], "# A picture.\n\nshow()\n")
        self.assertNotIn("broken.ipynb", texts)
        self.assertEqual(texts["a.py"], FILES["a.py"].decode())
        self.assertEqual({row["reason"]: row["files"] for row in made.funnel}["notebook"], 1)
        verify(self.releases, "nb", "script.0")

    def test_as_structured_text(self) -> None:
        _, texts = self.build(notebooks="structured", languages=("Jupyter Notebook",))
        self.assertEqual(texts.keys(), {"shown.ipynb", "wide.ipynb"})
        self.assertEqual(
            texts["shown.ipynb"],
            "<jupyter_start><jupyter_text># Sums\n\nAsk <EMAIL> how.<jupyter_code>total = 1 + 2\nprint(total)<jupyter_output>3",
        )

    def test_personal_data_right_behind_an_escape_of_the_json_breaks_nothing(self) -> None:
        mailed = notebook(text("Write to\nada.lovelace@engines.org\nor not."), code("x = 1\ny = 2"))
        self.assertIn(b"\\nada.lovelace@", mailed)
        record = RepositoryRecord("github.com", None, "Beta", "tool", "https://example.org", "MIT", "told", True)
        ingest(InMemory([(record, [source_file("mailed.ipynb", mailed)])], "other"), self.corpus)
        _, texts = self.build(notebooks="script")
        self.assertNotIn("lovelace", texts["mailed.ipynb"])
        self.assertIn("<EMAIL>", texts["mailed.ipynb"])
