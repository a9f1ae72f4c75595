"""Two marks of a file: *vendored* (a copy of others' work that a repository carries along), and *generated*.

Vendored follows the kinds of linguist's vendor.yml: folders of dependencies, and the well-known browser libraries by
their file names. Its rules on ``dist/``, ``tools/``, ``cache/``, ``docs/`` and ``.d.ts`` are left out: they mean not to
count in a repository's statistics, which is not the same as being others' work. Generated follows what generators write
into the first lines, and the names they give.
"""

import re

HEAD_LINES = 40  # where generators say so; protoc writes at line 1, some put a licence before it
_HEAD_BYTES = 4096

_VENDORED = re.compile(
    r"""
    (?:^|/)(?:
        _?vendor(?:s|ed|ized)?(?:_packages)? | third[-_]?party | 3rd[-_]?party | node_modules | bower_components | jspm_packages
      | extern | externals | Godeps | Carthage | Pods | _distutils_hack | \.yarn
    )/
  | (?:^|/)(?:
        jquery(?:[.-][\w.-]*)? | bootstrap(?:[.-][\w.-]*)? | angular(?:[.-][\w.-]*)?
      | react(?:-dom)?(?:[.-](?:production|development)[\w.-]*)?
      | d3(?:\.v\d+)? | modernizr[\w.-]* | underscore | backbone | lodash | mootools[\w.-]* | prototype | ember | vue | moment
      | raphael
      | select2(?:\.full)? | leaflet | normalize | font-?awesome | require | html5shiv | codemirror | ckeditor | tinymce | xregexp
      | highlight(?:\.pack)? | sizzle | handlebars[\w.-]* | mathjax | three | chart | knockout[\w.-]* | dojo | foundation[\w.-]*
    )(?:[.-]min|[.-]slim|[.-]full)*\.(?:js|css|scss|less)$
  | (?:^|/)(?:gradlew(?:\.bat)?|mvnw(?:\.cmd)?|aclocal\.m4|libtool\.m4|lt[~\w]+\.m4|config\.guess|config\.sub|configure)$
  | (?:^|/)(?:erlang\.mk|cpplint\.py|versioneer\.py|ez_setup\.py)$
  | (?:^|/)gradle/wrapper/
    """,
    re.X | re.I,
)

_GENERATED_PATH = re.compile(
    r"""
    [.-]min\.(?:js|css|mjs)$ | \.(?:js|css|mjs)\.map$
  | _pb2(?:_grpc)?\.pyi?$ | \.pb(?:\.gw)?\.go$ | \.pb\.(?:h|cc|c)$ | \.g\.(?:dart|cs)$ | \.designer\.cs$ | _generated\.\w+$
  | (?:^|/)(?:package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|Cargo\.lock|poetry\.lock|Pipfile\.lock|uv\.lock
             |composer\.lock|Gemfile\.lock|go\.sum|flake\.lock|bun\.lockb?)$
  | (?:^|/)__generated__/
    """,
    re.X | re.I,
)

_HINT = re.compile(rb"(?i:generated|do not (?:edit|modify))")  # most files stop here, at a twentieth of the time

_GENERATED_HEAD = re.compile(
    rb"""
    \bdo\ not\ (?:edit|modify)\b(?!\ (?:below|above|beyond))
  | ^\W{0,8}(?:@|this\ (?:file|code|module|header|source)\ (?:is|was|has\ been)\ )?(?:auto(?:matically)?[- ]?)?
        generated\ (?:by|from|with|using|automatically|at|on)\b
  | \bauto(?:matically)?[- ]?generated\ (?:file|code|by|from|with|using)\b
  | \bthis\ (?:file|code|module|header|source)\ (?:is|was|has\ been)\ (?:auto(?:matically)?[- ]?)?generated\b
  | ^\W{0,8}@generated\b | ^//\ code\ generated\ .*\ do\ not\ edit | \bgenerated\ by\ cython\b
    """,
    re.X | re.I | re.M,
)


def is_vendored(path: str) -> bool:
    """Whether the path says that the file is a copy of others' work."""
    return _VENDORED.search(path) is not None


def is_generated(path: str, content: bytes) -> bool:
    """Whether the path or the first :data:`HEAD_LINES` lines say that a program wrote the file.

    Also JavaScript and CSS whose lines are, on average, longer than a person writes (110 characters, linguist's limit).
    """
    if _GENERATED_PATH.search(path):
        return True
    head = b"\n".join(content[:_HEAD_BYTES].split(b"\n")[:HEAD_LINES])
    if _HINT.search(head) and _GENERATED_HEAD.search(head):
        return True
    return path.lower().endswith((".js", ".css", ".mjs")) and len(content) > 110 * (content.count(b"\n") + 1)
