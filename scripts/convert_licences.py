"""Make the licence data of the pipeline from two packages of the npm registry.

Usage: npm pack @blueoak/list@15.0.0 spdx-license-list@6.12.0; unpack each, then

    python scripts/convert_licences.py BLUEOAK/package SPDX/package

It writes ``data/permissive.json`` (every licence that the Blue Oak Council rates, whatever the rating),
``data/licence_texts.json`` (fingerprints of the texts that code is most often under; see licence_texts.py) and
``data/licence_full_texts.json.xz`` (the texts themselves, of these and of the permissive ones; see licence_full_texts.py).
"""

import argparse
import json
import lzma
import re
from pathlib import Path

from datasets_app.pipeline import licence_texts

DATA = Path(licence_texts.__file__).parent / "data"

# The texts that licence files are compared with. Where SPDX has several ids for one text, the narrowest stands for it.
TEXTS = (
    "0BSD AFL-2.1 AFL-3.0 AGPL-3.0-only Apache-1.0 Apache-1.1 Apache-2.0 Artistic-1.0-Perl Artistic-2.0 BSD-1-Clause BSD-2-Clause "
    "BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-3-Clause-LBNL BSD-4-Clause BSL-1.0 BUSL-1.1 BlueOak-1.0.0 CC-BY-3.0 "
    "CC-BY-4.0 CC-BY-NC-4.0 CC-BY-NC-SA-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CECILL-2.1 CNRI-Python ECL-2.0 EPL-1.0 EPL-2.0 "
    "EUPL-1.1 EUPL-1.2 Elastic-2.0 FTL GFDL-1.3-only GPL-1.0-only GPL-2.0-only GPL-3.0-only HPND ICU IJG ISC JSON LGPL-2.0-only "
    "LGPL-2.1-only LGPL-3.0-only MIT MIT-0 MIT-CMU MPL-1.0 MPL-1.1 MPL-2.0 MS-PL MS-RL MulanPSL-2.0 NCSA OFL-1.1 OSL-3.0 OpenSSL "
    "PHP-3.01 PSF-2.0 PolyForm-Noncommercial-1.0.0 PostgreSQL Python-2.0 Ruby SSPL-1.0 TCL UPL-1.0 "
    "Unicode-3.0 Unicode-DFS-2016 Unlicense Vim W3C WTFPL X11 ZPL-2.1 Zlib bzip2-1.0.6 curl libpng-2.0"
)


def convert_permissive(package: Path) -> dict[str, object]:
    """The table of permissive ids from the list of the Blue Oak Council (CC0-1.0)."""
    version = json.loads((package / "package.json").read_text())["version"]
    ratings = json.loads((package / "index.json").read_text())
    ids = sorted({licence["id"] for rating in ratings for licence in rating["licenses"]}, key=str.lower)
    return {"source": f"https://blueoakcouncil.org/list, version {version}, CC0-1.0", "permissive": ids}


def convert_texts(package: Path) -> dict[str, object]:
    """Fingerprints of the texts of the SPDX licence list (CC0-1.0)."""
    version = json.loads((package / "package.json").read_text())["version"]
    full = json.loads((package / "spdx-full.json").read_text())
    licences = {}
    for spdx in TEXTS.split():
        text = _text(full[spdx])
        if spdx == "ISC":  # its text names its first user where projects name themselves
            text = text.replace("ISC DISCLAIMS", "THE AUTHOR DISCLAIMS").replace("SHALL ISC BE", "SHALL THE AUTHOR BE")
        if spdx == "LGPL-3.0-only":  # SPDX appends the whole of GPL-3.0, projects do not
            text = text.partition("GNU GENERAL PUBLIC LICENSE\n")[0]
        licences[spdx] = licence_texts.fingerprint(text).to_json()
    return {"source": f"texts of the SPDX licence list, spdx-license-list {version}, CC0-1.0", "licences": licences}


def convert_full_texts(package: Path, permissive: list[str]) -> dict[str, object]:
    """The texts of the SPDX licence list (CC0-1.0) of all licences that code here may be under."""
    version = json.loads((package / "package.json").read_text())["version"]
    full = json.loads((package / "spdx-full.json").read_text())
    wanted = sorted(full.keys() & {*permissive, *TEXTS.split()}, key=str.lower)
    texts = {spdx: _text(full[spdx]).strip() + "\n" for spdx in wanted}
    return {"source": f"texts of the SPDX licence list, spdx-license-list {version}, CC0-1.0", "texts": texts}


def _text(licence: dict[str, str]) -> str:
    text = licence["licenseText" if "licenseText" in licence else "license"]
    return re.sub(r"<<beginOptional>>|<<endOptional>>|<<var;.*?>>", " ", text, flags=re.S)


def main() -> None:
    """Write the files and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("blueoak", type=Path)
    parser.add_argument("spdx", type=Path)
    arguments = parser.parse_args()
    for name, table in (
        ("permissive.json", convert_permissive(arguments.blueoak)),
        ("licence_texts.json", convert_texts(arguments.spdx)),
    ):
        target = DATA / name
        target.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(target, target.stat().st_size, "bytes")
    texts = convert_full_texts(arguments.spdx, json.loads((DATA / "permissive.json").read_text())["permissive"])
    target = DATA / "licence_full_texts.json.xz"
    target.write_bytes(lzma.compress(json.dumps(texts, ensure_ascii=False).encode(), preset=9))
    print(target, target.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
