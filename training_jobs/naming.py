"""How the API and the command line name a release and a model to start from."""

from core.errors import FairstackError
from datasets_app.models import Release
from modelzoo.models import Revision, ZooModel
from modelzoo.models.zoo import MAIN


class BadReference(FairstackError):
    """There is nothing of that name."""


def release_of(text: str) -> Release:
    """The release that ``name:version`` names; a ``v`` before the version may be there or not.

    Raises:
        BadReference: There is none.
    """
    name, _, version = text.partition(":")
    bare = version.removeprefix("v")
    release = Release.objects.filter(name=name, version__in=(version, bare, f"v{bare}")).first() if version else None
    if release is None:
        raise BadReference(f"There is no release “{text}”. Name one as name:version, such as the-stack-demo:1.0.")
    return release


def base_of(text: str) -> Revision:
    """The revision that ``org/name`` (its newest) or ``org/name@ref`` (a branch, a tag or a commit) names.

    Raises:
        BadReference: There is none.
    """
    model_id, _, ref = text.partition("@")
    org, _, name = model_id.partition("/")
    model = ZooModel.objects.filter(org__iexact=org, name__iexact=name).first()
    if model is None:
        raise BadReference(f"There is no model “{model_id}” in the zoo. Name one as org/name or org/name@revision.")
    revision = model.at(ref or MAIN) or model.revisions.filter(sha=ref).first()
    if revision is None:
        raise BadReference(f"The model {model_id} has no revision “{ref or MAIN}”.")
    return revision
