#!/usr/bin/env python3
"""Loads a trained model in PEFT, transformers and PyTorch and compares its logits with RaDialog's.

    bench/peers/peft_load.py MODEL BASE [--venv DIR] [--json]

MODEL is a model folder of `radialog train published`, whose subfolder published/ is read. BASE is the language model that it
was trained on, as a folder of Hugging Face's transformers or a GGUF file. The packages come from their registry into a virtual
environment. Ends with 1 if a tensor is missing or a logit differs by more than 1e-4 of the largest one.
"""
import argparse, json, os, subprocess, sys
from pathlib import Path

PREFIX = "base_model.model.model."
TOLERANCE = 1e-4


def check(published: Path, base: Path) -> dict:
    """Everything that needs the packages, in its own process."""
    import torch, transformers, peft
    from safetensors.torch import load_file

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    reference = load_file(published / "reference.safetensors")
    ids, rows, at, expected = reference["ids"], reference["image"], int(reference["image_at"]), reference["logits"]
    stored = load_file(published / "adapter_model.safetensors")

    folder, options = (base, {}) if base.is_dir() else (base.parent, {"gguf_file": base.name})
    language = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, **options).eval()

    for checkpoint in (*published.glob("*.pth"), *published.glob("**/*.ckpt")):
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
        assert all(isinstance(t, torch.Tensor) for t in content["state_dict" if checkpoint.suffix == ".ckpt" else "model"].values())
    others = published / "non_lora_trainables.bin"
    if others.exists():  # version 2; LLaVA's loader renames the tensors in the same way
        trained = torch.load(others, map_location="cpu", weights_only=True)
        state = {k.removeprefix("base_model.").removeprefix("model."): v for k, v in trained.items()}
        state = {k.removeprefix("model.mm_projector."): v for k, v in state.items() if k.startswith("model.mm_projector.")}
        (hidden, channels), out = state["0.weight"].shape, state["2.weight"].shape[0]
        projector = torch.nn.Sequential(torch.nn.Linear(channels, hidden), torch.nn.GELU(), torch.nn.Linear(hidden, out))
    else:  # version 1 has its linear layer beside the adapter
        state = {k.removeprefix(PREFIX + "img_proj_layer."): v for k, v in stored.items() if ".img_proj_layer." in k}
        projector = torch.nn.Linear(*reversed(state["weight"].shape))
    projector.load_state_dict(state)

    def logits(model):
        with torch.no_grad():
            text = model.get_input_embeddings()(ids)
            embeddings = torch.cat([text[:at], projector(rows)[0], text[at:]])
            return model(inputs_embeds=embeddings[None]).logits[0, -len(expected):]

    def difference(other):
        return float((other - expected).abs().max() / expected.abs().max())

    without = difference(logits(language))
    model = peft.PeftModel.from_pretrained(language, published).eval()
    loaded = peft.get_peft_model_state_dict(model, save_embedding_layers=False)
    wanted = {k: v for k, v in stored.items() if ".lora_" in k}
    assert loaded.keys() == wanted.keys(), loaded.keys() ^ wanted.keys()
    assert all(torch.equal(loaded[k].float(), v.float()) for k, v in wanted.items())
    return {
        "torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__,
        "adapter_tensors": len(wanted), "largest_logit": float(expected.abs().max()),
        "largest_difference": difference(logits(model)), "without_adapter": without,
    }


def main() -> int:
    cache = Path(os.environ.get("RADIALOG_CACHE", Path.home() / ".cache" / "radialog"))
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("model", type=Path, metavar="MODEL")
    options.add_argument("base", type=Path, metavar="BASE")
    options.add_argument("--venv", type=Path, default=cache / "peft")
    options.add_argument("--json", action="store_true")
    options.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.peer:
        print(json.dumps(check(chosen.model / "published", chosen.base)))
        return 0
    from peft_setup import python_of

    command = [python_of(chosen.venv), "-I", "-W", "ignore", __file__, "--peer", chosen.model, chosen.base]
    found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    same = found["largest_difference"] <= TOLERANCE
    if chosen.json:
        print(json.dumps(found))
    else:
        print("torch {torch}, transformers {transformers}, PEFT {peft}: {adapter_tensors} tensors of the adapter".format(**found))
        print("largest difference of a logit {largest_difference:.1e} of the largest one, without the adapter {without_adapter:.1e}".format(**found))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
