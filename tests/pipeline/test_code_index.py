"""The indexes of shards: exact and near copies are found, in any form of their line ends, and a damaged index is known as one."""

import random
import shutil
import tempfile
from pathlib import Path

import pyarrow as pa
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from datasets_app.pipeline import code_index
from datasets_app.pipeline.blobs import blob_id
from datasets_app.pipeline.code_index import LINE_ENDS, SAME, CodeIndex, IndexDamaged, ask, index_path, index_shard
from datasets_app.pipeline.format import SHARD, shard_path
from datasets_app.pipeline.shards import text_hashes, write_shard

WRITE = {"zstd_level": 1, "row_group_bytes": 2000}


def words(seed: int, count: int = 300) -> str:
    chance = random.Random(seed)
    return "\n".join(f"word_{chance.randrange(10**6)} = call_{chance.randrange(10**6)}()" for _ in range(count)) + "\n"


class Case(SimpleTestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="fairstack-index-"))
        self.addCleanup(shutil.rmtree, self.root)

    def shard(self, *texts: str, digest: str = "ab" * 32) -> CodeIndex:
        """An index of a shard with these texts; the second line of each row's origin tells its number."""
        path = shard_path(self.root, digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = pa.array(texts, pa.large_string())
        rows = {
            "blob_id": [blob_id(text.encode()) for text in texts],
            "content": content,
            "path": [f"src/{number}.py" for number in range(len(texts))],
            "repository_key": [f"github.com/o/r{number}" for number in range(len(texts))],
            "size": [len(text.encode()) for text in texts],
            "copies": [0] * len(texts),
            "sha256": text_hashes(content),
            "published_sha256": text_hashes(content),
        }
        for name in ("forge", "owner", "repository", "owner_key", "language", "licence"):
            rows[name] = [name] * len(texts)
        write_shard(
            pa.table(rows, schema=pa.schema([SHARD.field(name) for name in rows])).select(SHARD.names).cast(SHARD),
            path,
            WRITE,
        )
        out = self.root / "out"
        made = index_shard(str(self.root), str(out), {"digest": digest})
        self.assertEqual(made["rows"], len(texts))
        return CodeIndex.open(index_path(out, digest))


class Finding(Case):
    def test_every_row_is_found_by_its_bytes_and_by_its_sketch(self):
        texts = [words(seed) for seed in range(40)] + ["a b\n", ""]
        index = self.shard(*texts)
        for row, text in enumerate(texts):
            asked = ask(text.encode())
            self.assertEqual(index.by_blob(list(asked.blob_ids)), [row])
            self.assertEqual(index.by_text(list(asked.texts)), [row])
            if row < 40:
                [one] = index.alike(asked.sketch, asked.bands, 0.5)
                self.assertEqual((one.row, round(one.alike, 2)), (row, 1.0))
            else:
                self.assertIsNone(asked.sketch)
        self.assertEqual(index.facts(3)["path"], "src/3.py")
        self.assertEqual(index.repository_keys([1, 0]), ["github.com/o/r1", "github.com/o/r0"])

    def test_a_copy_with_some_lines_changed_is_found_with_its_likeness(self):
        text = words(1)
        lines = text.splitlines()
        index = self.shard(words(2), text)
        changed = [line if number % 15 else f"other_{number} = 1" for number, line in enumerate(lines)]
        asked = ask("\n".join(changed).encode())
        [one] = index.alike(asked.sketch, asked.bands, 0.5)
        self.assertEqual(one.row, 1)
        self.assertTrue(0.6 < one.alike < 0.95, one.alike)
        self.assertEqual(index.by_blob(list(asked.blob_ids)), [])

    def test_nothing_like_an_unknown_text_is_found(self):
        index = self.shard(*[words(seed) for seed in range(10)])
        asked = ask(words(99).encode())
        self.assertEqual(index.alike(asked.sketch, asked.bands, 0.5), [])
        self.assertFalse(index.holds([bytes.fromhex(blob_id(words(99).encode()))]))
        self.assertTrue(index.holds([bytes(20), bytes.fromhex(blob_id(words(9).encode()))]))

    def test_very_many_candidates_are_bounded(self):
        same = words(5)
        index = self.shard(*[f"{same}# {number}\n" for number in range(60)])
        asked = ask(same.encode())
        code_index.MOST_CANDIDATES, before = 20, code_index.MOST_CANDIDATES
        self.addCleanup(setattr, code_index, "MOST_CANDIDATES", before)
        self.assertEqual(len(index.alike(asked.sketch, asked.bands, 0.5)), 20)

    def test_an_empty_shard_has_an_index(self):
        index = self.shard()
        asked = ask(words(1).encode())
        self.assertEqual((index.by_blob(list(asked.blob_ids)), index.alike(asked.sketch, asked.bands, 0)), ([], []))
        self.assertFalse(index.holds([bytes(20)]))


class Forms(SimpleTestCase):
    @given(st.lists(st.text("ab é", max_size=5), max_size=6), st.booleans(), st.booleans(), st.booleans())
    def test_any_change_of_line_ends_is_seen_through(self, lines, windows, last, mark):
        """What is held with unix line ends, with or without the last one, is found from every other form of it."""
        for held in ("\n".join(lines), "\n".join(lines) + "\n"):
            asked = (("\ufeff" if mark else "") + "\n".join(lines) + ("\n" if last else "")).encode()
            asked = asked.replace(b"\n", b"\r\n") if windows else asked
            found = ask(asked).blob_ids.get(bytes.fromhex(blob_id(held.encode())))
            self.assertEqual(found, SAME if asked == held.encode() else LINE_ENDS)

    def test_the_first_form_is_that_of_the_bytes_as_they_came(self):
        for content in (b"", b"\n", b"a\r\nb", b"a\rb\n", b"\xef\xbb\xbf"):
            first = next(iter(ask(content).blob_ids.items()))
            self.assertEqual(first, (bytes.fromhex(blob_id(content)), SAME))


class Damage(Case):
    def test_an_index_that_was_cut_off_or_is_of_other_rules_is_made_anew(self):
        self.shard(words(1), words(2))
        path = index_path(self.root / "out", "ab" * 32)
        whole = path.read_bytes()
        for bytes_of in (b"", whole[:-64], whole[:40], b"x" * 500, whole.replace(b'"rules": "1/', b'"rules": "0/')):
            path.write_bytes(bytes_of)
            with self.assertRaises(IndexDamaged):
                CodeIndex.open(path)
            index_shard(str(self.root), str(self.root / "out"), {"digest": "ab" * 32})
            self.assertEqual(path.read_bytes(), whole)

    def test_an_index_that_is_there_is_not_made_again(self):
        self.shard(words(1))
        shard_path(self.root, "ab" * 32).unlink()
        self.assertEqual(index_shard(str(self.root), str(self.root / "out"), {"digest": "ab" * 32})["rows"], 1)
        with self.assertRaises(FileNotFoundError):
            index_shard(str(self.root), str(self.root / "out"), {"digest": "cd" * 32})
