"""The project's own texts, for tests that read them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CPP = (".hpp", ".cpp", ".h", ".cc", ".inc")
TEXT = (*CPP, ".py", ".pyi", ".md", ".toml", ".txt", ".cmake", ".in", ".sh", ".yml", "")
FOLDERS = ("cpp", "python", "tests", "bench", "docs", "examples", "cmake", ".ci")


def files(root, folders=FOLDERS, suffixes=TEXT):
    """The project's own texts below the folders, and those at the top when all folders are asked for."""
    found = [path for folder in folders for path in (root / folder).rglob("*")]
    found += [path for path in root.iterdir() if path.name != ".git"] if folders is FOLDERS else []
    return sorted(p for p in found if p.is_file() and p.suffix in suffixes and "__pycache__" not in p.parts)
