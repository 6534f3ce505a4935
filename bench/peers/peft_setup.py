"""PyTorch, transformers and PEFT in a virtual environment of their own, from the package registry."""
import subprocess, sys
from pathlib import Path

PACKAGES = ("torch==2.15.0", "transformers==5.24.0", "peft==0.21.2", "gguf==0.19.0")


def python_of(venv: Path) -> Path:
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    if subprocess.run([python, "-I", "-c", "import torch, transformers, peft, gguf"], stderr=subprocess.DEVNULL).returncode:
        print(f"setting up {', '.join(PACKAGES)} in {venv}, several GB", file=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return python
