import json
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import torch
from django.test import SimpleTestCase
from safetensors.torch import load_file

from tests.trainer.releases import source_texts, tiny, write_shard, write_tokenizer
from training_jobs.trainer.checkpoint import write_model
from training_jobs.trainer.encoding import Encoding
from training_jobs.trainer.errors import BadBase, BadTokenizer
from training_jobs.trainer.model import load_model, new_model, token_losses, weights_digest


class ModelTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        torch.set_num_threads(1)
        cls.root = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        shard = write_shard(cls.root / "shards", source_texts("json"))
        cls.encoding = Encoding(write_tokenizer([shard], cls.root / "tokenizer"))
        cls.config = tiny(dropout=0.25)
        torch.manual_seed(1)
        cls.model = new_model(cls.config, cls.encoding)
        cls.folder = cls.root / "model"
        cls.folder.mkdir()
        write_model(cls.folder, cls.model, cls.encoding.folder)

    def copy(self):
        folder = Path(self.enterContext(tempfile.TemporaryDirectory())) / "base"
        shutil.copytree(self.folder, folder)
        return folder

    def test_a_new_model_is_gptbigcode_with_multi_query_attention(self):
        facts = json.loads((self.folder / "config.json").read_text())
        self.assertEqual(facts["model_type"], "gpt_bigcode")
        self.assertIs(facts["multi_query"], True)
        self.assertEqual(facts["n_positions"], self.config.context)
        self.assertEqual(facts["vocab_size"], self.encoding.vocab_size)
        self.assertEqual(facts["attn_pdrop"], 0.25)
        # One key and one value head beside the queries.
        head = self.config.hidden // self.config.heads
        self.assertEqual(self.model.transformer.h[0].attn.c_attn.weight.shape[0], self.config.hidden + 2 * head)

    def test_a_model_comes_back_from_its_folder_bit_for_bit(self):
        loaded = load_model(self.folder, self.encoding, context=64)
        for name, weight in self.model.state_dict().items():
            self.assertTrue(torch.equal(weight, loaded.state_dict()[name]), name)
        self.assertEqual(loaded.config.attn_pdrop, 0.0)
        self.assertEqual(weights_digest(self.folder), weights_digest(self.copy()))

    def test_the_loss_is_the_cross_entropy_of_the_next_tokens(self):
        model = load_model(self.folder, self.encoding, context=64).eval()
        batch = torch.randint(0, self.encoding.vocab_size, (2, 17))
        with torch.no_grad():
            wanted = model(input_ids=batch, labels=batch).loss
            self.assertAlmostEqual(float(token_losses(model, batch)), float(wanted), places=5)

    def test_training_never_uses_the_cache(self):
        # With a cache, transformers lets packed documents see each other without saying so.
        seen = []

        def model(**arguments):
            seen.append(arguments["use_cache"])
            return SimpleNamespace(logits=torch.zeros(1, 4, 8))

        token_losses(model, torch.ones(1, 5, dtype=torch.long))
        self.assertEqual(seen, [False])

    def test_pickled_weights_are_refused(self):
        folder = self.copy()
        torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
        with self.assertRaisesRegex(BadBase, r"pytorch_model\.bin, a pickle"):
            load_model(folder, self.encoding, context=64)

    def test_a_folder_without_weights_or_config_is_refused(self):
        folder = self.copy()
        (folder / "model.safetensors").unlink()
        with self.assertRaisesRegex(BadBase, "no weights"):
            load_model(folder, self.encoding, context=64)
        (folder / "config.json").unlink()
        with self.assertRaisesRegex(BadBase, "not a model folder"):
            load_model(folder, self.encoding, context=64)

    def test_damaged_weights_are_refused(self):
        folder = self.copy()
        with (folder / "model.safetensors").open("r+b") as file:
            file.truncate(1000)
        with self.assertRaisesRegex(BadBase, "cannot be loaded"):
            load_model(folder, self.encoding, context=64)

    def test_a_longer_context_than_the_positions_is_refused(self):
        with self.assertRaisesRegex(BadBase, "64 positions"):
            load_model(self.folder, self.encoding, context=65)

    def test_a_tokenizer_that_is_larger_than_the_model_is_refused(self):
        larger = SimpleNamespace(vocab_size=self.encoding.vocab_size + 1, folder=Path("larger"))
        with self.assertRaisesRegex(BadTokenizer, "the model in .* only"):
            load_model(self.folder, larger, context=64)
