import dataclasses
import json
from pathlib import Path

from django.test import SimpleTestCase

from training_jobs.trainer.config import PRESETS, TrainConfig


class ConfigTests(SimpleTestCase):
    def test_every_preset_comes_back_from_its_json(self):
        for name, config in PRESETS.items():
            self.assertEqual(TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))), config)
            self.assertEqual(config.name, name)

    def test_a_base_comes_back_as_a_path(self):
        config = TrainConfig.preset("tiny", base="/models/one")
        self.assertEqual(config.base, Path("/models/one"))
        self.assertEqual(TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))), config)

    def test_it_cannot_be_changed(self):
        with self.assertRaises(dataclasses.FrozenInstanceError):
            PRESETS["tiny"].lr = 1.0

    def test_a_value_out_of_range_is_refused_with_the_name_of_its_field(self):
        wrong = {
            "vocab_size": 274,
            "hidden": 33,
            "layers": 0,
            "context": 7,
            "dropout": 1.0,
            "steps": 0,
            "seconds": float("nan"),
            "batch": 0,
            "accumulation": 0,
            "lr": 0.0,
            "min_lr": 1.0,
            "warmup_steps": -1,
            "weight_decay": -0.1,
            "beta1": 1.0,
            "beta2": -0.1,
            "clip": float("inf"),
            "precision": "fp8",
            "threads": -1,
            "seed": -1,
            "fim_rate": 1.1,
            "spm_rate": -0.1,
            "max_bytes": 0,
            "validation_share": 0.6,
            "validation_tokens": 0,
            "metrics_every": 0,
            "keep_last": 0,
            "sample_every": -1,
        }
        for name, value in wrong.items():
            with self.subTest(name), self.assertRaisesRegex(ValueError, f"^{name}: "):
                TrainConfig.preset("tiny", **{name: value})

    def test_a_value_of_another_kind_is_refused_with_the_name_of_its_field(self):
        for name, value in {"steps": "20", "lr": "fast", "layers": 2.0, "batch": True, "name": 3, "seed": None}.items():
            with self.subTest(name), self.assertRaisesRegex(ValueError, f"^{name}: "):
                TrainConfig.preset("tiny", **{name: value})

    def test_a_run_without_an_end_is_refused(self):
        with self.assertRaisesRegex(ValueError, "^steps: "):
            TrainConfig()

    def test_an_unknown_field_or_preset_is_refused(self):
        with self.assertRaisesRegex(ValueError, "^speed: "):
            TrainConfig.from_dict({"steps": 1, "speed": 3})
        with self.assertRaisesRegex(ValueError, "^speed: "):
            TrainConfig.preset("tiny", speed=3)
        with self.assertRaisesRegex(ValueError, "tiny, demo"):
            TrainConfig.preset("huge")
