#!/usr/bin/env python3
"""A LoRA training step of the embedded base beside PyTorch and PEFT: the same weights, batch and adapter, two threads, in turn.

    bench/peers/lora_step.py [--rounds 5] [--precisions fp32,bf16] [--batch 8x256] [--venv DIR] [--json]

Both sides: SmolLM2-135M from models/mini/base.gguf, dequantised to the precision; LoRA of rank 8 in fp32 on all linear layers;
random tokens, the loss on the second half of each sequence; forward and backward pass, clipping of the gradients to 1 and AdamW;
the median of five steps behind one that is not counted. The loss of the first step, which the adapter does not change, shows
that both compute the same. The peer takes PyTorch's defaults for training: attention by scaled_dot_product_attention and the
fused AdamW; in bf16 the faster of a base in bf16 and of autocast. Peak memory is VmHWM, the whole process.
"""
import argparse, json, os, statistics, subprocess, sys, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RANK, STEPS, THREADS = 8, 5, 2
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
WAYS = {"fp32": ("fp32",), "bf16": ("bf16", "autocast")}  # the peer's, by precision


def java_random_ints(seed: int, count: int, bound: int) -> list:
    """java.util.Random(seed).ints(count, 0, bound), for the same batch on both sides; bound is no power of two."""
    state = (seed ^ 0x5DEECE66D) & (2**48 - 1)
    values = []
    while len(values) < count:
        state = (state * 0x5DEECE66D + 0xB) & (2**48 - 1)
        u = state >> 17  # 31 bits
        if u + bound - 1 - u % bound < 2**31:
            values.append(u % bound)
    return values


def peer(gguf: Path, way: str, batch: int, tokens: int) -> None:
    """The peer's side of a round, in its own process; prints one JSON object."""
    import contextlib, torch, transformers, peft

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(THREADS)
    dtype = torch.bfloat16 if way == "bf16" else torch.float32
    base = transformers.LlamaForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=dtype)
    base.config.use_cache = False
    model = peft.get_peft_model(base, peft.LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules=TARGETS, task_type="CAUSAL_LM"))
    model.train()
    adapter = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(adapter, lr=1e-4, weight_decay=0, fused=True)
    ids = torch.tensor(java_random_ints(1, batch * tokens, base.config.vocab_size)).view(batch, tokens)
    labels = ids.clone()
    labels[:, : tokens // 2] = -100
    seconds, losses = [], []
    for _ in range(1 + STEPS):
        start = time.perf_counter()
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16) if way == "autocast" else contextlib.nullcontext():
            loss = model(input_ids=ids, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(adapter, 1)
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    print(json.dumps({"seconds": statistics.median(seconds[1:]), "peak_bytes": peak, "loss": losses[0], "versions": [torch.__version__, transformers.__version__, peft.__version__]}))


def ours(command: Path, precision: str, size: str) -> dict:
    arguments = [command, "bench", "--json", "--train", size, "--quantize", precision]
    result = json.loads(subprocess.run(arguments, check=True, stdout=subprocess.PIPE).stdout)
    return {"seconds": result["step_seconds"], "peak_bytes": result["peak_bytes"], "loss": result["loss"]}


def main() -> None:
    cache = Path(os.environ.get("RADIALOG_CACHE", Path.home() / ".cache" / "radialog"))
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--precisions", default="fp32,bf16")
    options.add_argument("--batch", default="8x256", metavar="BxT")
    options.add_argument("--venv", type=Path, default=cache / "peft")
    options.add_argument("--radialog", type=Path, default=ROOT / "radialog", help="the command to measure")
    options.add_argument("--json", action="store_true")
    options.add_argument("--peer", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    gguf = ROOT / "models" / "mini" / "base.gguf"
    batch, tokens = map(int, chosen.batch.split("x"))
    if chosen.peer:
        return peer(gguf, chosen.peer, batch, tokens)
    from peft_setup import python_of

    python = python_of(chosen.venv)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])  # both sides take a thread per processor
    results = {}
    for precision in chosen.precisions.split(","):
        rounds = results[precision] = []
        for number in range(chosen.rounds):
            peers = {}
            for way in WAYS[precision]:
                command = [python, "-I", "-W", "ignore", __file__, "--peer", way, "--batch", chosen.batch]
                peers[way] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            rounds.append({"peers": peers, "ours": ours(chosen.radialog, precision, chosen.batch)})
            print(f"{precision}, round {number + 1}/{chosen.rounds}: " + json.dumps(rounds[-1]), file=sys.stderr)
    if chosen.json:
        print(json.dumps(results))
        return
    print("| | samples/s, PyTorch + PEFT | ours | × each round | peak memory, GB, PyTorch + PEFT | ours | × | loss of the first step, PyTorch + PEFT | ours |")
    print("|---|---|---|---|---|---|---|---|---|")
    for precision, rounds in results.items():
        def median(of, key):
            return statistics.median(of(r)[key] for r in rounds)

        way = min(WAYS[precision], key=lambda w: median(lambda r: r["peers"][w], "seconds"))
        theirs, own = (lambda r: r["peers"][way]), (lambda r: r["ours"])
        ratios = " ".join(f"{theirs(r)['seconds'] / own(r)['seconds']:.2f}" for r in rounds)
        memory = [median(of, "peak_bytes") / 1e9 for of in (theirs, own)]
        print(
            f"| {precision}" + (f" (PyTorch: {way})" if way != precision else "")
            + f" | {batch / median(theirs, 'seconds'):.2f} | {batch / median(own, 'seconds'):.2f} | {ratios}"
            + f" | {memory[0]:.2f} | {memory[1]:.2f} | {memory[1] / memory[0]:.2f} | {median(theirs, 'loss'):.4f} | {median(own, 'loss'):.4f} |"
        )


if __name__ == "__main__":
    main()
