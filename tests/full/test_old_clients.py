"""Hub clients of earlier generations, each in an environment of its own, download a gated model."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from django.test import tag

from tests.base import make_user
from tests.modelzoo.server import ServerCase

GENERATIONS = ("0.36.2", "1.33.0")
SCRIPT = """
import json, tempfile
from pathlib import Path
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
try:
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError
except ImportError:
    from huggingface_hub.utils import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError

def refused(call, *kinds):
    try:
        call()
    except kinds as error:
        return type(error).__name__
    return "not refused"

folder = Path(snapshot_download("fairstack/demo"))
print(json.dumps({
    "sizes": {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()},
    "sha": HfApi().model_info("fairstack/demo").sha,
    "anonymous": refused(
        lambda: hf_hub_download("fairstack/demo", "config.json", token=False, cache_dir=tempfile.mkdtemp()), GatedRepoError
    ),
    "no_model": refused(lambda: HfApi().model_info("fairstack/nothing"), RepositoryNotFoundError),
    "no_file": refused(lambda: hf_hub_download("fairstack/demo", "nothing.json"), EntryNotFoundError),
}))
"""


@tag("full")
class OldClientTests(ServerCase):
    def test_each_generation_downloads_and_understands_refusals(self) -> None:
        revision = self.publish()
        user = make_user()
        self.accept(user)
        plain = self.token(user)
        sizes = {file.path: file.size for file in revision.files.all()}
        for version in GENERATIONS:
            with self.subTest(version), tempfile.TemporaryDirectory() as folder:
                subprocess.run([sys.executable, "-m", "venv", folder], check=True)
                python = str(Path(folder) / "bin" / "python")
                subprocess.run([python, "-m", "pip", "install", "-q", f"huggingface_hub=={version}"], check=True)
                ran = self.run_client([python, "-c", SCRIPT], plain)
                self.assertEqual(ran.returncode, 0, ran.stderr[-3000:])
                said = json.loads(ran.stdout.splitlines()[-1])
                self.assertEqual((said["sizes"], said["sha"]), (sizes, revision.sha))
                self.assertEqual(said["anonymous"], "GatedRepoError")
                self.assertEqual(said["no_model"], "RepositoryNotFoundError")
                self.assertIn("EntryNotFoundError", said["no_file"])
