"""The model card: README.md with the front matter that Hub clients read, written from the records alone.

The same records give the same card, byte for byte.
"""

from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from datasets_app.models import BlockEntry, Release
from datasets_app.pipeline import reasons
from modelzoo.models import LicenceTerms, Revision
from modelzoo.scan import Checkpoint

GATED_PROMPT = (
    "Accept the licence on the model's page of this site: its use restrictions and its sharing requirements "
    "bind whoever uses the model."
)
# What the card says of a training, in this order: key of the record, words, format.
TRAINING = (
    ("steps", "Optimizer steps", "{:,}"),
    ("tokens", "Tokens learnt from", "{:,}"),
    ("loss", "Training loss (nats a token)", "{:.3f}"),
    ("validation_loss", "Loss on held-out files (nats a token)", "{:.3f}"),
    ("unigram_entropy", "For comparison, guessing by frequency alone (nats a token)", "{:.3f}"),
    ("wall_seconds", "Seconds of training", "{:,.0f}"),
)
SAID_ABOVE = ("release", "base", "blocklist")  # what lineage repeats of the release and the base
SHAPE = (
    ("n_layer", "Layers"),
    ("n_head", "Attention heads"),
    ("n_embd", "Width"),
    ("n_positions", "Context (tokens)"),
    ("vocab_size", "Vocabulary"),
)


def build_card(
    *,
    org: str,
    name: str,
    checkpoint: Checkpoint,
    release: Release,
    lineage: dict[str, Any],
    training: dict[str, Any],
    base: Revision | None,
    terms: LicenceTerms,
) -> tuple[dict[str, Any], str]:
    """The front matter as a dict, and the whole README.md."""
    from huggingface_hub import ModelCardData

    config = checkpoint.config
    trained_with = training.get("config") or {}
    model_type = str(config.get("model_type", ""))
    fim_rate = float(trained_with.get("fim_rate") or 0)
    tags = ["code", *([model_type] if model_type else []), *(["fill-in-the-middle"] if fim_rate else [])]
    data = ModelCardData(
        license=terms.key,
        library_name="transformers",
        pipeline_tag="text-generation",
        datasets=[f"{settings.FAIRSTACK_ORGANISATION}/{release.name}"],
        base_model=base.model.repo_id if base else None,
        tags=tags,
        extra_gated_prompt=GATED_PROMPT,
        ignore_metadata_errors=False,
    )
    body = render_to_string(
        "modelzoo/card.md",
        {
            "repo_id": f"{org}/{name}",
            "site_name": settings.FAIRSTACK_SITE_NAME,
            "site_url": settings.FAIRSTACK_SITE_URL,
            "contact": settings.FAIRSTACK_CONTACT,
            "architecture": ", ".join(config.get("architectures") or []) or model_type,
            "shape": [(words, f"{config[key]:,}") for key, words in SHAPE if isinstance(config.get(key), int)],
            "multi_query": bool(config.get("multi_query")),
            "parameters": [(kind, f"{count:,}") for kind, count in checkpoint.parameters.items()],
            "release": release,
            "release_path": release.get_absolute_url(),
            "blocklist_date": blocklist_date(release),
            "languages": release.languages[:12],
            "more_languages": max(0, len(release.languages) - 12),
            "funnel": public_funnel(release),
            "fim_rate": f"{fim_rate:.0%}" if fim_rate else "",
            "training": [
                (words, form.format(training[key]))
                for key, words, form in TRAINING
                if isinstance(training.get(key), int | float)
            ],
            "lineage": [
                (key.replace("_", " ").capitalize(), value)
                for key, value in sorted(lineage.items())
                if isinstance(value, str | int) and not key.startswith(SAID_ABOVE)
            ],
            "base": base,
            "terms": terms,
            "has_tokenizer": any(path.startswith("tokenizer") for path in checkpoint.files),
        },
    )
    return data.to_dict(), f"---\n{data.to_yaml()}\n---\n\n{body.strip()}\n"


def blocklist_date(release: Release) -> str:
    """The date of the last opt-out that the release honours, or an empty string where it honours none."""
    entry = BlockEntry.objects.filter(position__lte=release.blocklist_position).order_by("-position").first()
    return f"{entry.created_at:%-d %B %Y}" if entry else ""


def public_funnel(release: Release) -> list[dict[str, Any]]:
    """The funnel as everybody may see it: in the public buckets, each with its ``text``."""
    return [{**row, "text": reasons.PUBLIC_TEXTS[row["reason"]]} for row in reasons.public_funnel(release.funnel)]
