"""llama-cpp-python in a virtual environment of its own, compiled for this CPU from the package registry."""
import os, subprocess, sys
from pathlib import Path

VERSION = "0.3.36"


def python_of(venv: Path) -> Path:
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    if subprocess.run([python, "-I", "-c", "import llama_cpp"], stderr=subprocess.DEVNULL).returncode:
        print(f"setting up llama-cpp-python {VERSION} in {venv}", file=sys.stderr)
        subprocess.run([python, "-m", "pip", "install", "-q", f"llama-cpp-python=={VERSION}"], check=True, env={**os.environ, "CMAKE_ARGS": "-DGGML_NATIVE=ON"})
    return python
