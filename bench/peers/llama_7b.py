#!/usr/bin/env python3
"""Decode and prompt rates at the shape of a 7B model beside llama.cpp, weights at random, two threads each, in turn.

    bench/peers/llama_7b.py [--rounds 5] [--types int4,int8] [--venv DIR] [--work DIR] [--json]

Sets the peer up from its package registry as llama_cpp.py does (llama-cpp-python, which compiles llama.cpp for this CPU), writes
a GGUF file of the same shape and type for it, and lets `radialog bench --shape llama-7b` make its own weights: some 11 GB a type
in the working folder, which stay for the next run. Both sides: 40 steps behind a prompt of 300 tokens, the best of two; a prompt
of 600 tokens, the median of two.
"""
import argparse, json, os, statistics, struct, subprocess, sys, time
from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]
CONTEXT, PROMPT, STEPS, REPEATS = 300, 600, 40, 2
HIDDEN, MLP, LAYERS, HEADS, VOCABULARY = 4096, 11008, 32, 32, 32000
PEER_TYPE = {"int4": "Q4_0", "int8": "Q8_0"}
GGML = {"F32": (0, 1, 4), "Q4_0": (2, 32, 18), "Q8_0": (8, 32, 34)}  # number, values and bytes of a block


def write_gguf(path: Path, matrices: str) -> None:
    """A Llama of 7B whose matrices are random blocks of one type (the head Q8_0, as ours has 8 bits there)."""
    import numpy as np

    def text(value: str) -> bytes:
        raw = value.encode()
        return struct.pack("<Q", len(raw)) + raw

    def entry(key: str, value) -> bytes:
        if isinstance(value, str):
            return text(key) + struct.pack("<I", 8) + text(value)
        return text(key) + (struct.pack("<If", 6, value) if isinstance(value, float) else struct.pack("<II", 4, value))

    metadata = {
        "general.architecture": "llama", "llama.block_count": LAYERS, "llama.context_length": 4096, "llama.embedding_length": HIDDEN,
        "llama.feed_forward_length": MLP, "llama.attention.head_count": HEADS, "llama.attention.head_count_kv": HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.rope.dimension_count": HIDDEN // HEADS, "llama.rope.freq_base": 10000.0,
        "llama.vocab_size": VOCABULARY, "tokenizer.ggml.model": "no_vocab",
    }
    tensors = [("token_embd.weight", (HIDDEN, VOCABULARY), matrices), ("output.weight", (HIDDEN, VOCABULARY), "Q8_0"), ("output_norm.weight", (HIDDEN,), "F32")]
    square, wide, tall = (HIDDEN, HIDDEN), (HIDDEN, MLP), (MLP, HIDDEN)
    for i in range(LAYERS):
        tensors += [(f"blk.{i}.{name}.weight", (HIDDEN,), "F32") for name in ("attn_norm", "ffn_norm")]
        tensors += [(f"blk.{i}.{name}.weight", square, matrices) for name in ("attn_q", "attn_k", "attn_v", "attn_output")]
        tensors += [(f"blk.{i}.ffn_gate.weight", wide, matrices), (f"blk.{i}.ffn_up.weight", wide, matrices), (f"blk.{i}.ffn_down.weight", tall, matrices)]
    header, offset = b"", 0
    for name, shape, kind in tensors:
        number, values, size = GGML[kind]
        header += text(name) + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in shape) + struct.pack("<IQ", number, offset)
        offset += -(-int(np.prod(shape)) // values * size // 32) * 32
    random = np.random.default_rng(1)
    temporary = path.with_suffix(".tmp")
    with open(temporary, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)) + b"".join(entry(*e) for e in metadata.items()) + header)
        file.write(bytes(-file.tell() % 32))
        for _, shape, kind in tensors:
            if kind == "F32":
                raw = np.ones(shape, np.float32).tobytes()
            else:
                _, values, size = GGML[kind]
                blocks = random.integers(0, 256, (int(np.prod(shape)) // values, size), dtype=np.uint8)
                scale = np.float16(1 / ((4.6 if kind == "Q4_0" else 74) * shape[0] ** 0.5))  # values as large as trained ones
                blocks[:, :2] = np.frombuffer(scale.tobytes(), np.uint8)
                raw = blocks.tobytes()
            file.write(raw + bytes(-len(raw) % 32))
    temporary.rename(path)


def peer(gguf: str) -> None:
    """The peer's side of a round, in its own process; prints one JSON object."""
    import ctypes
    import llama_cpp as api
    import numpy as np

    silent = api.llama_log_callback(lambda level, text, data: None)  # a name, so that it lives as long as the library calls it
    api.llama_log_set(silent, ctypes.c_void_p(0))
    api.llama_backend_init()
    model = api.llama_model_load_from_file(gguf.encode(), api.llama_model_default_params())
    parameters = api.llama_context_default_params()
    parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = 1024, 1024, 512
    parameters.n_threads = parameters.n_threads_batch = 2
    context = api.llama_init_from_model(model, parameters)
    memory = api.llama_get_memory(context)

    def prefill(tokens: int) -> float:
        api.llama_memory_clear(memory, True)
        prompt = (api.llama_token * tokens)(*[100 + i * 7 % 1000 for i in range(tokens)])
        start = time.perf_counter()
        assert api.llama_decode(context, api.llama_batch_get_one(prompt, tokens)) == 0
        np.ctypeslib.as_array(api.llama_get_logits_ith(context, -1), (VOCABULARY,)).argmax()
        return tokens / (time.perf_counter() - start)

    def decode() -> float:
        prefill(CONTEXT)
        one = (api.llama_token * 1)(5)
        start = time.perf_counter()
        for _ in range(STEPS):
            assert api.llama_decode(context, api.llama_batch_get_one(one, 1)) == 0
            one[0] = int(np.ctypeslib.as_array(api.llama_get_logits_ith(context, -1), (VOCABULARY,)).argmax())
        return STEPS / (time.perf_counter() - start)

    print(json.dumps({"decode": max(decode() for _ in range(REPEATS)), "prefill": statistics.median(prefill(PROMPT) for _ in range(REPEATS))}))


def ours(kind: str, work: Path) -> dict:
    command = [ROOT / "radialog", "bench", "--json", "--shape", "llama-7b", "--quantize", kind, "--work", work, "--context", str(CONTEXT), "--context", str(PROMPT)]
    result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    decode, prefill = result["decode"][0], result["prefill"][1]
    return {
        "decode": decode["tokens_per_second"], "read_share": decode["read_share"], "prefill": prefill["tokens_per_second"],
        "matmul_share": prefill["matmul_share"], "machine": result["machine"],
    }


def main() -> None:
    cache = Path(os.environ.get("RADIALOG_CACHE", Path.home() / ".cache" / "radialog"))
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--types", default="int4,int8")
    options.add_argument("--venv", type=Path, default=cache / "llama_cpp")
    options.add_argument("--work", type=Path, default=cache / "llama-7b")
    options.add_argument("--json", action="store_true")
    options.add_argument("--peer", help=argparse.SUPPRESS)
    options.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.peer:
        return peer(chosen.peer)
    if chosen.write:
        return write_gguf(Path(chosen.write[0]), chosen.write[1])
    from llama_cpp_setup import python_of  # in the folder of this file, which the peer must not have on its path

    python = python_of(chosen.venv)
    chosen.work.mkdir(parents=True, exist_ok=True)
    results = {}
    for kind in chosen.types.split(","):
        gguf = chosen.work / f"llama-7b-{PEER_TYPE[kind]}.gguf"
        if not gguf.exists():
            subprocess.run([python, "-I", __file__, "--write", gguf, PEER_TYPE[kind]], check=True)
        rounds = results[kind] = []
        for number in range(chosen.rounds):
            theirs = json.loads(subprocess.run([python, "-I", __file__, "--peer", gguf], check=True, stdout=subprocess.PIPE).stdout)
            rounds.append({"llama.cpp": theirs, "ours": ours(kind, chosen.work)})
            print(f"{kind}, round {number + 1}/{chosen.rounds}: " + json.dumps(rounds[-1]), file=sys.stderr)
    if chosen.json:
        print(json.dumps(results))
        return
    print("| type | decode, tokens/s, llama.cpp | ours | × each round | of the read bandwidth | prompt of 600, tokens/s, llama.cpp | ours | × each round | of the bf16 matmul rate |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind, rounds in results.items():
        row = [f"{kind} beside {PEER_TYPE[kind]}"]
        for key, share in (("decode", "read_share"), ("prefill", "matmul_share")):
            row += [f"{statistics.median(r[side][key] for r in rounds):.1f}" for side in ("llama.cpp", "ours")]
            row.append(" ".join(f"{r['ours'][key] / r['llama.cpp'][key]:.2f}" for r in rounds))
            row.append(f"{statistics.median(r['ours'][share] for r in rounds):.2f}")
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
