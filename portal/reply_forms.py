"""Forms by which people answer: a question, a rejection, or somebody else's request."""

from django import forms

from portal.forms import ServiceErrors
from portal.texts import LONGEST

_TOO_LONG = f"Shorten this to {LONGEST:,} characters."


class AnswerForm(ServiceErrors):
    """The answer to a reviewer's question."""

    answer = forms.CharField(
        label="Your answer",
        help_text="The reviewers read it. Do not send passwords or keys.",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": "Write your answer.", "max_length": _TOO_LONG},
    )


class AppealForm(ServiceErrors):
    """An appeal."""

    text = forms.CharField(
        label="Why is the decision wrong?",
        help_text="Say what the first reviewer did not see or know.",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": "Say why you think that the decision is wrong.", "max_length": _TOO_LONG},
    )


class ObjectionForm(ServiceErrors):
    """An objection."""

    standing = forms.CharField(
        label="How are you affected?",
        help_text="Such as “I own a copy of the repository” or “I am an owner of the organisation”.",
        max_length=200,
        error_messages={"required": "Say how you are affected.", "max_length": "Shorten this to 200 characters."},
    )
    text = forms.CharField(
        label="What speaks against the request?",
        help_text="The reviewers and the person who asked read this. Your account's name is shown to the reviewers alone.",
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": "Say what speaks against the request.", "max_length": _TOO_LONG},
    )
