"""The licence of each file of one repository, by the first of these that says something:

1. a table of REUSE (:mod:`~datasets_app.pipeline.licence_reuse`) that overrides what files say;
2. the side file ``<path>.license`` of REUSE;
3. the file's own header (see :mod:`~datasets_app.pipeline.licence_headers`);
4. the nearest table of REUSE that speaks for the path (one that says so adds to 2 and 3: both count);
5. the licence files of the nearest folder up the tree that has any, below the root;
6. what the source states, for this file or for the repository (metadata of a package or of a forge);
7. the licence files of the root; if there are none, the texts in its folder ``LICENSES`` (REUSE), as a sum.

So metadata decides at the root, where its field and its file speak of the same thing and the field is exact; below the root
the nearer one wins, since a folder with a licence of its own is most often another's work. What says something that is not
understood stops the search: such a file is not permissive.
"""

from dataclasses import dataclass, field

from datasets_app.pipeline import licence_files, licence_headers, licence_reuse, licences
from datasets_app.pipeline.licences import Licence

LARGEST_LICENCE = 1_000_000  # bytes; what is larger is no licence text
SIDE = ".license"
REUSE_FOLDER = "LICENSES"
NOTHING = Licence(None, None, False)


def header(path: str, content: bytes) -> Licence | None:
    """The licence that a file states itself; a licence file states it of its folder, not of itself."""
    name = path.rpartition("/")[2]
    return None if licence_files.is_licence_file(name) else licence_headers.of_file(content)


@dataclass
class FileLicences:
    """What the licence files of one repository say, collected as its files pass by, in any order; asked at its end."""

    _texts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    _reuse: list[tuple[str, str]] = field(default_factory=list)
    _sides: dict[str, Licence] = field(default_factory=dict)
    _tables: dict[str, list[licence_reuse.Table]] = field(default_factory=dict)  # by folder
    _folders: dict[str, Licence | None] = field(default_factory=dict)

    def see(self, path: str, content: bytes) -> None:
        """Take note of a file, if it is one that speaks for others."""
        folder, _, name = path.rpartition("/")
        if len(content) > LARGEST_LICENCE:
            return
        if licence_files.is_licence_file(name):
            self._texts.setdefault(folder, []).append((name, content.decode("utf-8", errors="replace")))
        elif name.endswith(SIDE) and (stated := licence_headers.of_file(content)):
            self._sides[path.removesuffix(SIDE)] = Licence(stated.expression, f"side file {name}", stated.permissive)
        elif table := licence_reuse.read(path, content):
            self._tables.setdefault(table.folder, []).append(table)
        elif folder == REUSE_FOLDER:
            self._reuse.append((name, content.decode("utf-8", errors="replace")))

    def of(self, path: str, header: Licence | None, stated: Licence) -> Licence:
        """The licence of one file; ask only after every file was seen.

        Args:
            path: Its path in the repository.
            header: What the file says itself, as :func:`header` found it.
            stated: What the source says of the file or the repository; without evidence it says nothing.
        """
        tabled = self._of_tables(path)
        if tabled is not None and tabled.precedence == licence_reuse.OVERRIDE:
            return tabled.licence
        own = self._sides.get(path) or header
        if tabled is not None:
            return (
                _both(own, tabled.licence)
                if own and tabled.precedence == licence_reuse.AGGREGATE
                else own or tabled.licence
            )
        if own is not None:
            return own
        folder = path.rpartition("/")[0]
        while folder:
            if (licence := self._of_folder(folder)) is not None:
                return licence
            folder = folder.rpartition("/")[0]
        if stated.expression or stated.evidence:
            return stated
        return self.of_root()

    def of_root(self) -> Licence:
        """The licence of the repository as a whole, by the files of its root."""
        if (licence := self._of_folder("")) is not None:
            return licence
        if not self._reuse:
            return NOTHING
        return _of_texts(self._reuse, REUSE_FOLDER)

    def _of_tables(self, path: str) -> licence_reuse.Entry | None:
        """What the tables say of a path: of those that override the outermost, else the nearest."""
        found: list[licence_reuse.Entry] = []
        parts = path.split("/")
        for depth in range(len(parts) if self._tables else 0):
            for table in self._tables.get("/".join(parts[:depth]), ()):
                if entry := table.of(path):
                    found.append(entry)
        overriding = (entry for entry in found if entry.precedence == licence_reuse.OVERRIDE)
        return next(overriding, found[-1] if found else None)

    def _of_folder(self, folder: str) -> Licence | None:
        if folder not in self._folders:
            texts = self._texts.pop(folder, None)
            self._folders[folder] = _of_texts(texts, folder) if texts else None
        return self._folders[folder]


def _both(one: Licence, other: Licence) -> Licence:
    """Both licences at once; not recognised where one of them is not."""
    if one.expression is None or other.expression is None:
        return one if one.expression is None else other
    whole = licences.combine([one.expression, other.expression])
    return Licence(whole, f"{one.evidence}; {other.evidence}", licences.is_permissive(whole))


def _of_texts(texts: list[tuple[str, str]], folder: str) -> Licence:
    texts = sorted(texts)
    names = ", ".join(f"{folder}/{name}" if folder else name for name, _ in texts)
    expression = licence_files.of_files(texts)
    evidence = f"text of {names}" if expression else f"not recognised: {names}"
    return Licence(expression, evidence, licences.is_permissive(expression))
