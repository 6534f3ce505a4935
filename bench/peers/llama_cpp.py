#!/usr/bin/env python3
"""Prompt and decode rates beside llama.cpp on the same GGUF file, two threads each, in turn.

    bench/peers/llama_cpp.py [--rounds 5] [--venv DIR] [--gguf models/mini/base.gguf] [--json]

Sets the peer up from its package registry (llama-cpp-python, which compiles llama.cpp for this CPU: some ten minutes, once).
Both sides: a prompt of 300 tokens, the median of five; then 200 greedy steps behind it, one sequence, the best of three. Ours
runs with the model's adapter and counts its own median and best the same way (`radialog bench --context 300`); the peer runs the
bare base model, which is in its favour.
"""
import argparse, json, os, statistics, subprocess, sys, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTEXT, STEPS = 300, 200


def peer(gguf: str) -> None:
    """The peer's side of a round, in its own process; prints one JSON object."""
    import ctypes
    import llama_cpp as api
    import numpy as np

    silent = api.llama_log_callback(lambda level, text, data: None)  # a name, so that it lives as long as the library calls it
    api.llama_log_set(silent, ctypes.c_void_p(0))
    api.llama_backend_init()
    of_model = api.llama_model_default_params()
    # Its buffers for AMX crash on the Q4_1 matrices of the embedded model (llama-cpp-python 0.3.36).
    of_model.use_extra_bufts = "amx_tile" not in Path("/proc/cpuinfo").read_text()
    model = api.llama_model_load_from_file(gguf.encode(), of_model)
    parameters = api.llama_context_default_params()
    parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = 1024, 512, 512
    parameters.n_threads = parameters.n_threads_batch = 2
    context = api.llama_init_from_model(model, parameters)
    vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(model))
    memory = api.llama_get_memory(context)
    prompt = (api.llama_token * CONTEXT)(*[100 + i * 7 % 1000 for i in range(CONTEXT)])

    def choice() -> int:
        return int(np.ctypeslib.as_array(api.llama_get_logits_ith(context, -1), (vocabulary,)).argmax())

    def prefill() -> float:
        api.llama_memory_clear(memory, True)
        start = time.perf_counter()
        assert api.llama_decode(context, api.llama_batch_get_one(prompt, CONTEXT)) == 0
        choice()
        return time.perf_counter() - start

    def decode() -> float:
        prefill()
        one = (api.llama_token * 1)(choice())
        start = time.perf_counter()
        for _ in range(STEPS):
            assert api.llama_decode(context, api.llama_batch_get_one(one, 1)) == 0
            one[0] = choice()
        return STEPS / (time.perf_counter() - start)

    prefill()
    print(json.dumps({"prefill_ms": 1000 * statistics.median(prefill() for _ in range(5)), "decode": max(decode() for _ in range(3))}))


def ours(*arguments: str) -> dict:
    output = subprocess.run([ROOT / "radialog", "bench", "--json", *arguments], check=True, stdout=subprocess.PIPE).stdout
    return json.loads(output)


def measured(precision: str) -> dict:
    result = ours("--precision", precision, "--context", str(CONTEXT))
    return {
        "prefill_ms": 1000 * CONTEXT / result["prefill"][0]["tokens_per_second"],
        "decode": result["decode"][0]["tokens_per_second"],
        "first_100_ms": ours("--precision", precision, "--fresh")["first_100_tokens_ms"],
    }


def main() -> None:
    # -I: this file has the name of the package that it imports, so its folder must not be on the path.
    cache = Path(os.environ.get("RADIALOG_CACHE", Path.home() / ".cache" / "radialog"))
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--venv", type=Path, default=cache / "llama_cpp")
    options.add_argument("--gguf", type=Path, default=ROOT / "models" / "mini" / "base.gguf")
    options.add_argument("--json", action="store_true")
    options.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.peer:
        return peer(str(chosen.gguf))
    from llama_cpp_setup import VERSION, python_of  # in the folder of this file, which the peer must not have on its path

    python = python_of(chosen.venv)
    ours("--fresh")  # builds and packs what is missing
    rounds = []
    for number in range(chosen.rounds):
        theirs = subprocess.run([python, "-I", __file__, "--peer", "--gguf", chosen.gguf], check=True, stdout=subprocess.PIPE).stdout
        rounds.append({"llama.cpp": json.loads(theirs), "int8": measured("int8"), "int4": measured("int4")})
        print(f"round {number + 1}/{chosen.rounds}: " + json.dumps(rounds[-1]), file=sys.stderr)
    if chosen.json:
        print(json.dumps({"peer": VERSION, "rounds": rounds}))
        return

    def row(name: str, key: str, digits: int) -> str:
        return f"{statistics.median(r[name][key] for r in rounds):.{digits}f}" if key in rounds[0][name] else ""

    print("| | prompt of 300 tokens, ms | decode, tokens/s | × llama.cpp, each round | first 100 tokens of a process, ms |")
    print("|---|---|---|---|---|")
    for name in rounds[0]:
        ratios = "" if name == "llama.cpp" else " ".join(f"{r[name]['decode'] / r['llama.cpp']['decode']:.2f}" for r in rounds)
        print(f"| {name} | {row(name, 'prefill_ms', 0)} | {row(name, 'decode', 0)} | {ratios} | {row(name, 'first_100_ms', 0)} |")


if __name__ == "__main__":
    main()
