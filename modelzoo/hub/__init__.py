"""The Hub wire protocol for models: what ``hf``, huggingface_hub and transformers ask, answered as they expect it."""
