"""What huggingface_hub makes of our answers. A process of its own: ``python -m tests.modelzoo.ask_hub <json>``; prints JSON.

It is given tokens of people in several situations and reports, for each, what the library gave or raised.
"""

import json
import sys
from pathlib import Path
from tempfile import mkdtemp

from huggingface_hub import (
    HfApi,
    HfFileSystem,
    get_safetensors_metadata,
    hf_hub_download,
    repo_exists,
    snapshot_download,
    try_to_load_from_cache,
)

REPO = "fairstack/demo"


def outcome(call):
    """What a call gives, or the name of what it raises with its text."""
    try:
        return call()
    except Exception as error:  # its name is what the test looks at
        return f"{type(error).__name__}: {error}"


def fetch(token, path="config.json", **more):
    """Download into a cache of its own."""
    return outcome(lambda: Path(hf_hub_download(REPO, path, token=token, cache_dir=mkdtemp(), **more)).name)


def ask(told):
    """Every question, by name."""
    api, token = HfApi(token=told["accepted"]), told["accepted"]
    cache = mkdtemp()
    snapshot = Path(snapshot_download(REPO, token=token, cache_dir=cache))
    info = api.model_info(REPO, files_metadata=True)
    yield "snapshot", {path.name: path.stat().st_size for path in snapshot.iterdir()}
    yield "snapshot_folder", snapshot.name
    yield "verified", outcome(lambda: _verified(api, cache))
    yield "info", [info.id, info.sha, info.gated, info.pipeline_tag, info.library_name, info.card_data.license]
    yield "sizes", {each.rfilename: each.size for each in info.siblings}
    yield "exists", [repo_exists(REPO), repo_exists("fairstack/none")]
    yield "file_exists", [api.file_exists(REPO, "config.json"), api.file_exists(REPO, "none.json")]
    yield "revision_exists", [api.revision_exists(REPO, "v1/rc"), api.revision_exists(REPO, "none")]
    yield "tags", [[ref.name, ref.target_commit] for ref in api.list_repo_refs(REPO).tags]
    yield "tree", sorted(each.path for each in api.list_repo_tree(REPO, recursive=True))
    yield "paths", [each.path for each in api.get_paths_info(REPO, ["config.json", "none.json"])]
    yield "list", [each.id for each in api.list_models(search="demo")]
    yield "whoami", outcome(lambda: api.whoami()["name"])
    yield "whoami_revoked", outcome(lambda: HfApi(token=told["revoked"]).whoami())
    yield "auth", [outcome(lambda name=name: api.auth_check(REPO, token=told[name])) for name in ("accepted", "bob")]
    yield "parameters", outcome(lambda: get_safetensors_metadata(REPO, token=token).parameter_count)
    yield "filesystem", outcome(lambda: _middle(told["accepted"]))
    yield "slash", fetch(token, revision="v1/rc")
    yield "commit", fetch(token, revision=told["sha"])
    for name in ("accepted", "bob", "withdrawn", "revoked", "anonymous"):
        yield f"fetch_{name}", fetch(told.get(name) or False)
    yield "no_file", fetch(token, "none.json")
    yield "no_revision", fetch(token, revision="none")
    yield "no_commit", fetch(token, revision="0" * 40)
    yield "gone", fetch(token, revision=told["gone"])
    yield (
        "gone_snapshot",
        outcome(lambda: snapshot_download(REPO, token=token, revision=told["gone"], cache_dir=mkdtemp())),
    )
    yield "no_repo", outcome(lambda: hf_hub_download("fairstack/none", "config.json", token=token))
    outcome(lambda: hf_hub_download(REPO, "absent.json", token=token, cache_dir=cache))
    yield "absence_is_cached", not isinstance(try_to_load_from_cache(REPO, "absent.json", cache_dir=cache), str | None)


def _verified(api, cache):
    found = api.verify_repo_checksums(REPO, cache_dir=cache)
    return [len(found.mismatches), len(found.missing_paths), found.checked_count]


def _middle(token):
    with HfFileSystem(token=token).open(f"{REPO}/model.safetensors", "rb") as file:
        file.seek(100)
        return file.read(50).hex()


if __name__ == "__main__":
    print(json.dumps(dict(ask(json.loads(sys.argv[1])))))
