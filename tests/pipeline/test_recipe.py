"""Recipes: what they allow, and that their digest follows what they mean."""

from dataclasses import fields, replace

from django.test import SimpleTestCase

from datasets_app.pipeline.language_sets import language_set
from datasets_app.pipeline.recipe import MIB, PRESETS, Recipe, preset


class RecipeTest(SimpleTestCase):
    def test_a_recipe_comes_back_from_its_dict(self):
        recipe = Recipe(name="mine", languages=("Python", "C"), largest=5000)
        self.assertEqual(Recipe.from_dict(recipe.to_dict()), recipe)
        self.assertEqual(Recipe.from_dict(recipe.to_dict()).digest(), recipe.digest())

    def test_the_order_of_languages_does_not_change_the_digest(self):
        self.assertEqual(Recipe(languages=("C", "Python")).digest(), Recipe(languages=("Python", "C", "C")).digest())

    def test_every_field_changes_the_digest(self):
        other = {
            "name": "x",
            "languages": ("C",),
            "languages_without": ("C",),
            "smallest": 2,
            "largest": 9999,
            "longest_line": 7,
            "mean_line": 7.0,
            "long_lines_allowed": (),
            "alphanumeric": 0.1,
            "alphabetic": 0.1,
            "data_languages": (),
            "data_smallest": 1,
            "data_largest": 51,
            "alphabetic_extensions": (),
            "alphabetic_of_extensions": 0.1,
            "xml_allowed": (),
            "html_languages": (),
            "html_visible_share": 0.1,
            "html_visible_characters": 1,
            "comment_share_smallest": 0.1,
            "comment_share_largest": 0.9,
            "encoded_share": 0.1,
            "longest_encoded": 1,
            "minified_languages": (),
            "minified_whitespace": 0.1,
            "notebooks": "script",
            "with_vendored": False,
            "with_generated": False,
            "benchmarks": (),
            "redact": ("KEY",),
            "pii_model": "tiny",
            "near_duplicates": "off",
            "near_threshold": 0.8,
            "shard_bytes": 2048,
            "row_group_bytes": 2048,
            "zstd_level": 1,
        }
        self.assertEqual(other.keys(), {field.name for field in fields(Recipe)})
        digests = {replace(Recipe(), **{name: value}).digest() for name, value in other.items()}
        self.assertEqual(len(digests - {Recipe().digest()}), len(other))

    def test_a_bad_value_is_refused_with_the_name_of_its_field(self):
        bad = {
            "name": "",
            "languages": (),
            "languages_without": ["C"],
            "benchmarks": ("../../etc/passwd",),
            "redact": ("HEIGHT",),
            "pii_model": "../elsewhere",
            "near_duplicates": "maybe",
            "near_threshold": 0.0,
            "data_languages": ("",),
            "smallest": -1,
            "data_smallest": 6000,
            "longest_line": 0,
            "mean_line": -1.0,
            "alphanumeric": 1.5,
            "alphabetic": -0.1,
            "comment_share_smallest": 2.0,
            "comment_share_largest": 1.5,
            "encoded_share": -0.5,
            "html_visible_characters": -1,
            "longest_encoded": -1,
            "html_languages": [],
            "notebooks": "burn",
            "shard_bytes": 10,
            "row_group_bytes": 10,
            "zstd_level": 23,
        }
        for name, value in bad.items():
            with self.subTest(name), self.assertRaisesMessage(ValueError, f"{name}:"):
                Recipe(**{name: value})

    def test_unknown_fields_and_other_rules_are_refused(self):
        with self.assertRaisesMessage(ValueError, "colour: a recipe has no such field"):
            Recipe.from_dict({"colour": "red"})
        with self.assertRaisesMessage(ValueError, "version 99 of the rules"):
            Recipe.from_dict({"rules": 99})

    def test_presets_are_found_by_name(self):
        for name, recipe in PRESETS.items():
            self.assertEqual(preset(name), recipe)
            self.assertEqual(recipe.name, name)
        with self.assertRaisesMessage(ValueError, "there are demo, santacoder, starcoder, the-stack"):
            preset("gourmet")

    def test_the_starcoder_recipe_has_the_published_thresholds(self):
        recipe = preset("starcoder")
        self.assertEqual((recipe.longest_line, recipe.mean_line, recipe.alphanumeric), (1000, 100, 0.25))
        self.assertEqual((recipe.alphabetic, recipe.data_smallest, recipe.data_largest), (0.5, 50, 5000))
        self.assertEqual((recipe.html_visible_share, recipe.html_visible_characters), (0.2, 100))
        self.assertEqual((recipe.comment_share_smallest, recipe.comment_share_largest), (0, 1))
        self.assertEqual(recipe.languages, language_set("starcoder"))
        self.assertIn("JSON", recipe.long_lines_allowed)

    def test_the_stack_takes_all_its_languages_and_has_no_rule_on_text(self):
        recipe = preset("the-stack")
        self.assertEqual(recipe.languages, language_set("the_stack"))
        self.assertEqual(recipe.largest, MIB)
        for share in ("alphanumeric", "alphabetic", "alphabetic_of_extensions", "comment_share_smallest"):
            self.assertEqual(getattr(recipe, share), 0)

    def test_santacoder_wants_comments(self):
        recipe = preset("santacoder")
        self.assertEqual((recipe.comment_share_smallest, recipe.comment_share_largest), (0.01, 0.8))
        self.assertEqual(recipe.languages, ("Java", "JavaScript", "Python"))
