"""Load the model with transformers, as a stranger would. A process of its own: ``python -m tests.modelzoo.load_model``; prints JSON."""

import json

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

REPO = "fairstack/demo"

if __name__ == "__main__":
    torch.set_num_threads(1)
    model, loading = AutoModelForCausalLM.from_pretrained(REPO, output_loading_info=True)
    tokenizer = AutoTokenizer.from_pretrained(REPO)
    prompt = tokenizer("def f(", return_tensors="pt")
    written = model.generate(**prompt, max_new_tokens=5, do_sample=False)
    complete = pipeline(model=REPO, device="cpu")
    print(
        json.dumps(
            {
                "class": type(model).__name__,
                "parameters": model.num_parameters(),
                "missing": sorted(loading["missing_keys"]),
                "unexpected": sorted(loading["unexpected_keys"]),
                "roundtrip": tokenizer.decode(prompt["input_ids"][0]),
                "written": written.shape[1] - prompt["input_ids"].shape[1],
                "task": complete.task,
                "completed": complete("x = ", max_new_tokens=3, do_sample=False)[0]["generated_text"][:4],
            }
        )
    )
