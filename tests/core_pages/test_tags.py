"""The components as tags and filters."""

from datetime import date, timedelta
from types import SimpleNamespace

from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory, SimpleTestCase
from django.utils import timezone

from core import icons


def render(source: str, **context: object) -> str:
    """A template's source with the tags loaded, rendered."""
    return Template("{% load fairstack %}" + source).render(Context(context))


class OneOfEach(forms.Form):
    name = forms.CharField(help_text="As on the forge.")
    note = forms.CharField(required=False, widget=forms.Textarea)
    agree = forms.BooleanField()
    scopes = forms.MultipleChoiceField(
        choices=[("read", "Read"), ("write", "Write")], widget=forms.CheckboxSelectMultiple
    )
    step = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self) -> None:
        if self.cleaned_data.get("note") == "whole":
            raise forms.ValidationError("The form as a whole is wrong.")


class FilterTests(SimpleTestCase):
    def test_figures(self) -> None:
        self.assertEqual(
            render("{{ 1200000|bytes }} {{ 12345|number }} {{ 2|number:1 }} {{ 0.5|share }}"), "1.2 MB 12,345 2.0 50%"
        )
        self.assertEqual(render("{{ x|duration }}", x=timedelta(seconds=200)), "3 min 20 s")
        self.assertEqual(render("{{ 1|is_number }} {{ t|is_number }} {{ 'x'|is_number }}", t=True), "True False False")

    def test_a_moment_is_absolute_with_the_relative_beside_it(self) -> None:
        html = render("{{ x|when }}", x=timezone.now() - timedelta(days=2, minutes=1))
        self.assertRegex(
            html, r'<time datetime="\d{4}-.*">\d+ \w+ \d{4}, \d\d:\d\d UTC</time> <span class="muted">\(2 days ago\)'
        )
        self.assertIn("today", render("{{ x|ago }}", x=timezone.now().date()))
        self.assertEqual(render("{{ x|when }}{{ x|ago }}", x=None), "\u2013\u2013")

    def test_a_span_runs_until_now_where_it_has_no_end(self) -> None:
        start = timezone.now() - timedelta(seconds=90)
        self.assertEqual(render("{{ a|span:b }}", a=start, b=start + timedelta(seconds=60)), "1 min")
        self.assertEqual(render("{{ a|span:b }}", a=start, b=None), "1 min 30 s")
        self.assertEqual(render("{{ a|span:b }}", a=None, b=None), "\u2013")

    def test_messages_have_tones(self) -> None:
        self.assertEqual(
            render("{{ 'error'|message_tone }} {{ 'success'|message_tone }} {{ 'error'|message_icon }}"),
            "danger success cross",
        )


class BadgeTests(SimpleTestCase):
    def test_a_state_has_tone_icon_and_words(self) -> None:
        html = render("{% badge 'failed' %}")
        self.assertIn("badge--danger", html)
        self.assertIn("<svg", html)
        self.assertIn("Failed</span>", html)

    def test_label_and_tone_may_be_given(self) -> None:
        self.assertIn("badge--info", render("{% badge 'x' 'Staff' 'info' %}"))
        self.assertIn("&lt;Staff&gt;", render("{% badge 'x' label 'info' %}", label="<Staff>"))

    def test_a_tone_that_does_not_exist_is_refused(self) -> None:
        with self.assertRaisesMessage(ValueError, "no tone “purple”"):
            render("{% badge 'x' 'X' 'purple' %}")

    def test_icons_are_hidden_from_screen_readers(self) -> None:
        for name in icons.NAMES:
            self.assertIn('aria-hidden="true"', icons.icon(name))


class FormTests(SimpleTestCase):
    def test_hint_and_error_are_tied_to_the_field(self) -> None:
        form = OneOfEach({"name": "", "scopes": []})
        html = render("{% field form.name %}", form=form)
        self.assertInHTML('<label class="field__label" for="id_name">Name</label>', html)
        self.assertIn('aria-describedby="id_name_helptext id_name_error"', html)
        self.assertIn('id="id_name_helptext"', html)
        self.assertIn('id="id_name_error"', html)
        self.assertIn('aria-invalid="true"', html)

    def test_optional_fields_say_so(self) -> None:
        self.assertIn("(optional)", render("{% field form.note %}", form=OneOfEach()))
        self.assertNotIn("(optional)", render("{% field form.name %}", form=OneOfEach()))

    def test_a_group_of_choices_is_a_fieldset(self) -> None:
        html = render("{% field form.scopes %}", form=OneOfEach({}))
        self.assertIn("<legend", html)
        self.assertIn('aria-describedby="id_scopes_error"', html)

    def test_a_tick_box_stands_before_its_label(self) -> None:
        html = render("{% field form.agree %}", form=OneOfEach())
        self.assertLess(html.index("<input"), html.index("<label"))

    def test_a_hidden_field_is_the_input_alone(self) -> None:
        self.assertNotIn("<label", render("{% field form.step %}", form=OneOfEach()))

    def test_a_hint_may_stand_in_for_the_help_text(self) -> None:
        html = render("{% field form.name hint='Other words.' %}", form=OneOfEach())
        self.assertIn("Other words.", html)
        self.assertNotIn("As on the forge", html)

    def test_the_summary_links_each_error_to_its_field(self) -> None:
        html = render("{% error_summary form %}", form=OneOfEach({"note": "whole"}))
        self.assertIn("<li>The form as a whole is wrong.</li>", html)
        self.assertIn('<a href="#id_name">Name: This field is required.</a>', html)
        self.assertIn('<a href="#id_scopes_0">', html)
        self.assertIn("autofocus", html)

    def test_no_errors_no_summary(self) -> None:
        self.assertEqual(render("{% error_summary form %}", form=OneOfEach()).strip(), "")


class ProgressTests(SimpleTestCase):
    def test_figures_stand_beside_the_bar(self) -> None:
        html = render("{% progress_bar 12204 20000 'Read' 'files' %}")
        self.assertIn("12,204 of 20,000 files (61%)", html)
        self.assertIn('max="20000" value="12204"', html)

    def test_bytes_are_sizes_and_a_finished_bar_is_a_success(self) -> None:
        html = render("{% progress_bar 2000000 2000000 'Write' 'bytes' %}")
        self.assertIn("2.0 MB of 2.0 MB (100%)", html)
        self.assertIn("progress--success", html)

    def test_an_unknown_total_shows_the_figure_so_far(self) -> None:
        html = render("{% progress_bar 731 0 'Find' %}")
        self.assertIn("731 so far", html)
        self.assertNotIn("max=", html)

    def test_more_than_all_stays_within_the_bar(self) -> None:
        self.assertIn('max="10" value="10"', render("{% progress_bar 12 10 'Read' %}"))


class BarTests(SimpleTestCase):
    def test_tuples_dicts_and_objects_give_the_same_bars(self) -> None:
        kinds = (
            [("Python", 30), ("C", 10)],
            [{"label": "Python", "value": 30}, {"label": "C", "value": 10}],
            [SimpleNamespace(label="Python", value=30), SimpleNamespace(label="C", value=10)],
        )
        one, two, three = (render("{% bars rows %}", rows=rows) for rows in kinds)
        self.assertEqual(one, two)
        self.assertEqual(two, three)
        self.assertIn('width="100.00"', one)
        self.assertIn('width="33.33"', one)
        self.assertIn("75%", one)

    def test_small_values_stay_visible_and_nothing_has_no_bar(self) -> None:
        html = render("{% bars rows %}", rows=[("much", 10**9), ("little", 1), ("none", 0)])
        self.assertIn('width="0.60"', html)
        self.assertIn('width="0.00"', html)

    def test_links_tones_sizes_and_given_shares(self) -> None:
        rows = [{"label": "<b>", "value": 2_000_000, "url": "/x", "tone": "danger", "share": 0.5}]
        html = render("{% bars rows 'Sizes' 'bytes' %}", rows=rows)
        for part in ('<a href="/x">&lt;b&gt;</a>', "bars__bar--danger", "2.0 MB", "50%", "<caption>Sizes</caption>"):
            self.assertIn(part, html)

    def test_no_rows_no_table(self) -> None:
        self.assertEqual(render("{% bars rows %}", rows=[]).strip(), "")


class PaginationTests(SimpleTestCase):
    def test_it_keeps_the_rest_of_the_address(self) -> None:
        page = Paginator(range(500), 10).page(7)
        request = RequestFactory().get("/jobs/?state=failed&page=7")
        html = render("{% pagination page %}", page=page, request=request)
        self.assertIn('href="?state=failed&amp;page=8"', html)
        self.assertIn("61 to 70 of 500", html)
        self.assertIn('aria-current="page"', html)

    def test_one_page_needs_none(self) -> None:
        page = Paginator(range(5), 10).page(1)
        self.assertEqual(render("{% pagination page %}", page=page, request=RequestFactory().get("/")).strip(), "")


class OtherTests(SimpleTestCase):
    def test_a_copy_button_is_hidden_until_the_script_shows_it(self) -> None:
        html = render("{% copy_button text 'Copy it' %}", text='a "b" <c>')
        self.assertIn(" hidden>", html)
        self.assertIn('data-copy="a &quot;b&quot; &lt;c&gt;"', html)

    def test_curves_have_a_table_and_without_address_no_script(self) -> None:
        html = render("{% loss_curves series title='Loss' %}", series={"loss": [[1, 2.0], [2, 1.0]]})
        self.assertIn("<polyline", html)
        self.assertIn("<table", html)
        self.assertNotIn("<script", html)

    def test_curves_with_an_address_are_drawn_again_by_the_script(self) -> None:
        html = render("{% loss_curves series '/m/' True %}", series={})
        self.assertIn('data-curves="/m/" data-live="true"', html)
        self.assertIn("No figures yet", html)
        self.assertIn("curves.js", html)

    def test_code_scrolls_by_keyboard_and_names_its_file(self) -> None:
        html = render("{% code text 'a.py' %}", text="x = 1")
        self.assertIn('tabindex="0"', html)
        self.assertIn("Source of a.py", html)

    def test_dates_alone_have_no_time(self) -> None:
        self.assertIn(">2 Nov 2026</time>", render("{{ x|when }}", x=date(2026, 11, 2)))
