"""The attribute family of personal data, alone and with a model that is trained here, from text to redaction."""

import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pyarrow as pa
from django.test import SimpleTestCase

from datasets_app.pipeline.blobs import blob_id
from datasets_app.pipeline.format import BLOBS
from datasets_app.pipeline.pii import emails, secrets
from datasets_app.pipeline.pii.examples import example
from datasets_app.pipeline.pii.family import PII, family
from datasets_app.pipeline.pii.model import ModelUnusable, TokenClassifier
from datasets_app.pipeline.pii.redact import redact
from datasets_app.pipeline.pii.train_model import TinyModel, background, between, main, train

EMAIL = "é ada@maths.org\n".encode()
NETWORK = b"server 93.184.216.34 and ada@maths.org"


def blobs(*contents: bytes) -> pa.Table:
    return pa.table(
        [pa.array(map(blob_id, contents), pa.string()), pa.array(contents, pa.large_binary())], schema=BLOBS
    )


class FamilyTest(SimpleTestCase):
    def test_rows_are_sorted_spans_in_bytes_of_the_texts_that_hold_any(self) -> None:
        table = family().compute(blobs(b"x = 1", EMAIL, b"\xff ada@maths.org", EMAIL + b"\0", NETWORK, b""))
        self.assertEqual(table.schema, PII)
        self.assertEqual(
            [tuple(row.values()) for row in table.to_pylist()],
            [
                (blob_id(EMAIL), 3, 16, "EMAIL"),
                (blob_id(NETWORK), 7, 20, "IP_ADDRESS"),
                (blob_id(NETWORK), 25, 38, "EMAIL"),
            ],
        )
        self.assertEqual(redact(EMAIL, [(3, 16, "EMAIL")]), "é <EMAIL>\n".encode())

    def test_a_table_without_rows_and_a_slice_are_tables_too(self) -> None:
        self.assertEqual(family().compute(BLOBS.empty_table()).num_rows, 0)
        self.assertEqual(family().compute(blobs(b"x", EMAIL, b"y").slice(1, 2)).num_rows, 1)

    def test_many_threads_give_the_same_rows(self) -> None:
        tables = [blobs(*(f"{number} {row} a{row}@maths.org".encode() for row in range(50))) for number in range(8)]
        one = family()
        with ThreadPoolExecutor(4) as pool:
            self.assertEqual(list(pool.map(one.compute, tables)), [one.compute(table) for table in tables])

    def test_the_rules_are_the_same_in_every_process(self) -> None:
        code = "from datasets_app.pipeline.pii.family import family; print(family().rules)"
        for seed in ("1", "2"):
            told = subprocess.run(
                [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
            )
            self.assertEqual(told.stdout.strip(), family().rules)

    def test_another_pattern_or_list_gives_other_rules(self) -> None:
        before = family().rules
        with mock.patch.object(emails, "LONGEST_LOCAL", 63):
            self.assertNotEqual(family().rules, before)
        with mock.patch.object(secrets, "KEY_PLUGINS", secrets.KEY_PLUGINS[1:]):
            self.assertNotEqual(family().rules, before)
        self.assertEqual(family().rules, before)

    def test_nothing_of_torch_is_loaded_without_a_model(self) -> None:
        code = (
            "import sys; from datasets_app.pipeline.pii.family import family; family(); "
            "print([name for name in ('torch', 'transformers', 'django') if name in sys.modules])"
        )
        told = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True, check=True)
        self.assertEqual(told.stdout.strip(), "[]")


class ModelTest(SimpleTestCase):
    folder: Path

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        config = TinyModel(steps=100, batch=4, hidden=32, layers=1, vocabulary=400, learning_rate=1e-2)
        cls.loss = train(cls.folder, config)
        cls.model = TokenClassifier(cls.folder)

    def test_training_learns(self) -> None:
        self.assertLess(self.loss, 1.0)  # chance among seven labels is 1.9

    def test_examples_stand_between_lines_of_code_and_are_told_where(self) -> None:
        source, code = random.Random(7), [["import one\n", "x = 1\n", "last_line"] * 10, ["alone"]]
        for _ in range(50):
            text, places = example(source, 3)
            whole, moved = between(source, text, places, code)
            self.assertIn(text, whole)
            self.assertEqual([whole[a:b] for a, b, _ in moved], [text[a:b] for a, b, _ in places])

    def test_code_is_read_without_tests(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for path in ("a.py", "test/b.py", "site-packages/c.py", "empty.py", "no.txt"):
                Path(folder, path).parent.mkdir(exist_ok=True)
                Path(folder, path).write_text("" if path == "empty.py" else f"# {path}\nx = 1\n")
            self.assertEqual(background(Path(folder)), [["# a.py\n", "x = 1\n"]])

    def test_it_finds_what_it_learned_in_text_it_never_saw(self) -> None:
        content = '# é\npassword = "hX7!pQ2#vL9z"\nx = 1\n'.encode()
        found = [(content[start:end], kind) for start, end, kind in self.model.spans(content)]
        self.assertIn((b"hX7!pQ2#vL9z", "PASSWORD"), found)

    def test_a_long_text_is_seen_to_its_end(self) -> None:
        filler = b"import handler\n" * 400  # thousands of tokens, several windows
        content = filler + b'password = "hX7!pQ2#vL9z"\n' + filler
        found = [content[start:end] for start, end, kind in self.model.spans(content) if kind == "PASSWORD"]
        self.assertIn(b"hX7!pQ2#vL9z", found)

    def test_its_spans_join_those_of_the_patterns_and_its_digest_the_rules(self) -> None:
        with_model, without = family(self.model), family()
        self.assertTrue(with_model.rules.startswith(without.rules + "."))
        content = b'password = "hX7!pQ2#vL9z"  # ada@maths.org\n'
        spans = [(row["start"], row["end"], row["kind"]) for row in with_model.compute(blobs(content)).to_pylist()]
        published = redact(content, spans)
        self.assertIn(b"<PASSWORD>", published)
        self.assertIn(b"<EMAIL>", published)
        self.assertEqual(len(without.compute(blobs(content))), 1)

    def test_threads_may_share_it(self) -> None:
        contents = [f'password = "hX7!pQ2#vL9{number}"\n'.encode() for number in range(12)]
        with ThreadPoolExecutor(4) as pool:
            self.assertEqual(list(pool.map(self.model.spans, contents)), [self.model.spans(one) for one in contents])

    def test_a_text_without_tokens_has_no_spans(self) -> None:
        self.assertEqual(self.model.spans(b""), [])

    def test_what_is_no_model_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(ModelUnusable, r"config\.json"):
            TokenClassifier(Path(folder))
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "config.json").write_text("{}")
            with self.assertRaisesRegex(ModelUnusable, "cannot be loaded"):
                TokenClassifier(Path(folder))


class TrainingTest(SimpleTestCase):
    def test_the_same_seed_gives_the_same_examples_with_values_in_their_places(self) -> None:
        import random

        text, places = example(random.Random(3), pieces=30)
        self.assertEqual((text, places), example(random.Random(3), pieces=30))
        self.assertEqual({kind for _, _, kind in places}, {"NAME", "USERNAME", "PASSWORD"})
        for start, end, kind in places:
            self.assertGreaterEqual(len(text[start:end]), 4)
            self.assertEqual(kind == "NAME", " " in text[start:end])

    def test_the_command_writes_a_model(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(main([folder, "--steps", "2"]), 0)
            self.assertEqual(len(TokenClassifier(Path(folder)).digest), 64)

    def test_a_wrong_number_is_refused_by_name(self) -> None:
        for wrong, said in (({"steps": 0}, "steps"), ({"hidden": 10}, "hidden"), ({"vocabulary": 10}, "vocabulary")):
            with self.assertRaisesRegex(ValueError, said):
                TinyModel(**wrong)
