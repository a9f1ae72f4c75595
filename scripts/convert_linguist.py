"""Make the language table of the pipeline from linguist's, as the npm package linguist-languages carries them.

Usage: npm pack linguist-languages@9.5.0; unpack it, then (node is needed, since the tables are JavaScript modules)

    python scripts/convert_linguist.py LINGUIST/package
"""

import argparse
import json
import subprocess
from pathlib import Path

from datasets_app.pipeline import languages

NOTICE = (
    "Languages, extensions, file names and interpreters from github-linguist (Copyright (c) 2017 GitHub, Inc.), as "
    "converted by linguist-languages (Copyright (c) Ika). Both under the MIT licence: Permission is hereby granted, free "
    'of charge, to any person obtaining a copy of this software and associated documentation files (the "Software"), to '
    "deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, "
    "publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is "
    "furnished to do so, subject to the following conditions: The above copyright notice and this permission notice "
    'shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS PROVIDED "AS IS", WITHOUT '
    "WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS "
    "FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY "
    "CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN "
    "CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE."
)
DUMP = "import * as all from '{index}'; console.log(JSON.stringify(Object.values(all)))"
# In The Stack, not in linguist.
OURS = ({"name": "Maple", "type": "programming", "extensions": [".mpl"]},)
KEPT = ("extensions", "filenames", "interpreters")


def main() -> None:
    """Write ``data/languages.json``, one language a line, and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("package", type=Path)
    package = parser.parse_args().package.resolve()
    version = json.loads((package / "package.json").read_text())["version"]
    dump = DUMP.format(index=(package / "index.js").as_uri())
    found = subprocess.run(
        ["node", "--input-type=module", "-e", dump], check=True, capture_output=True, text=True
    ).stdout
    lines = []
    for language in sorted([*json.loads(found), *OURS], key=lambda entry: entry["name"].casefold()):
        entry = {"type": language["type"], **{key: language[key] for key in KEPT if language.get(key)}}
        lines.append(f"  {json.dumps(language['name'], ensure_ascii=False)}: {json.dumps(entry, ensure_ascii=False)}")
    head = {"source": f"https://www.npmjs.com/package/linguist-languages, version {version}", "notice": NOTICE}
    opening = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    text = opening + ',\n "languages": {\n' + ",\n".join(lines) + "\n }\n}\n"
    json.loads(text)
    languages.DATA.write_text(text, encoding="utf-8")
    print(languages.DATA, len(lines), "languages,", languages.DATA.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
