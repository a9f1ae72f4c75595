"""Made-up code with names, user names and passwords whose places are known: what a tiny model learns from.

Nobody is in it: names are put together from lists and from syllables, so that a model has to go by what stands around
them, and the rest comes from random numbers. A model of use is
trained on annotated code; this one shows that the path works from training to redaction.
"""

import random
import string
from collections.abc import Callable

from datasets_app.pipeline.pii.spans import NAME, PASSWORD, USERNAME

_FIRST = (
    "Ada Alan Amina Barbara Bo Carlos Chen Claire Dana Edsger Elena Fatima Frances Grace Hana Hedy Igor Ines Jean Jonas "
    "Katherine Kenji Lars Leila Linus Maria Mei Nadia Noor Olga Omar Paulo Petra Priya Radia Rosa Sami Sofia Tariq Yuki"
)
_LAST = (
    "Abbott Almeida Babic Berg Chowdhury Costa Dijkman Dubois Eriksen Farouk Fischer Garcia Haddad Hopfer Ivanova Jansen "
    "Johnson Kaya Kowalska Larsen Liskova Lovell Mbeki Moreau Nakamura Novak Okafor Perlmann Petrov Quist Rossi Sato Silva "
    "Tanaka Turin Usman Vargas Weber Yilmaz Zhang"
)
_WORDS = (
    "default config value index result handler parser buffer module token client server request session cache helper "
    "option total current filter image widget matrix vector reader writer"
)

# {name}, {user} and {password} are told of; {word} and {number} are there to be told from them.
_TEMPLATES = (
    '__author__ = "{name}"\n',
    "# Copyright (c) 20{number} {name}\n",
    "# TODO({user}): fix the {word}\n",
    " * @author {name}\n",
    "// Written by {name} in 20{number}.\n",
    "Maintainer: {name}\n",
    'authors = ["{name}", "{name}"]\n',
    'username = "{user}"\npassword = "{password}"\n',
    "user: {user}\npass: {password}\n",
    'connect(host="{word}", user="{user}", passwd="{password}")\n',
    "DB_USER={user}\nDB_PASSWORD={password}\n",
    '{{"login": "{user}", "password": "{password}"}}\n',
    "cd /home/{user}/{word}\n",
    'PASSWORD = "{password}"  # {word}\n',
    'self.{word} = "{word}"\n',
    "def {word}_{word}({word}, {word}={number}):\n    return {word}.{word}({number})\n",
    '{word} = get_{word}("{word} {word}", {number})\n',
    "# The {word} of the {word} is a {word}.\n",
    'title = "{word} {word}"\n',
    "import {word}\nfrom {word} import {word}\n",
    'password = get_{word}("{word}")\n',
    "if user is None:\n    raise ValueError('no {word}')\n",
)
_KINDS = {"name": NAME, "user": USERNAME, "password": PASSWORD}


def example(source: random.Random, pieces: int = 4) -> tuple[str, list[tuple[int, int, str]]]:
    """A text of some lines, and where in it (characters) is what."""
    makers: dict[str, Callable[[], str]] = {
        "name": lambda: f"{_part(source, _FIRST)} {_part(source, _LAST)}",
        "user": lambda: _user(source),
        "password": lambda: _password(source),
        "word": lambda: source.choice(_WORDS.split()),
        "number": lambda: str(source.randrange(10, 100)),
    }
    text = ""
    places: list[tuple[int, int, str]] = []
    for template in source.choices(_TEMPLATES, k=pieces):
        for literal, field, _, _ in string.Formatter().parse(template):
            text += literal
            if field is None:
                continue
            value = makers[field]()
            if field in _KINDS:
                places.append((len(text), len(text) + len(value), _KINDS[field]))
            text += value
    return text, places


def _part(source: random.Random, names: str) -> str:
    """A name from the list, or one that was never heard."""
    if source.random() < 0.5:
        return source.choice(names.split())
    return "".join(
        source.choice("bcdfghjklmnprstvwz") + source.choice("aeiou") + source.choice(("", "", "n", "r", "l", "s"))
        for _ in range(source.randrange(2, 5))
    ).capitalize()


def _user(source: random.Random) -> str:
    first, last = _part(source, _FIRST).lower(), _part(source, _LAST).lower()
    return source.choice(
        (f"{first[0]}{last}", f"{first}.{last}", f"{first}{source.randrange(100)}", f"{last}_{first[0]}")
    )


def _password(source: random.Random) -> str:
    alphabet = string.ascii_letters + string.digits + "!@#$%^&*-_"
    return "".join(source.choices(alphabet, k=source.randrange(8, 16)))
