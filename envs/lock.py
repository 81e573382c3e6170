"""Write envs/locks/NAME.txt: every package of envs/NAME.yaml with the digests of its files, as the index states them.

    python envs/lock.py            make lock: write them anew, after the pins of a YAML file changed
    python envs/lock.py --check    exit 1 when one is missing or of other pins

PyTorch and TensorFlow have other files for each kind of card, from other indexes: they are pinned without digests.
"""

import re
import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
OF_THE_CARD = ("torch", "torchvision", "tensorflow")


def pins(environment: Path) -> list[str]:
    """Return the pinned packages of an environment file."""
    listed: list[str] = yaml.safe_load(environment.read_text(encoding="utf-8"))["dependencies"][2]["pip"]
    return listed


def locked(lock: Path) -> list[str]:
    """Return the pinned packages of a lock, without digests."""
    return re.findall(r"^[\w.\-\[\]]+==[^\s\\;]+", lock.read_text(encoding="utf-8"), re.MULTILINE)


def lock_of(environment: Path) -> str:
    """Ask the index for the digests of all files of the pinned packages."""
    listed = pins(environment)
    own = [pin for pin in listed if re.split(r"[\[=]", pin)[0] in OF_THE_CARD]
    asked = [sys.executable, "-m", "uv", "--no-config", "pip", "compile", "--quiet", "--no-deps", "--generate-hashes"]
    asked += ["--no-annotate", "--no-header", "--python-version", "3.11", "-"]
    given = "\n".join(pin for pin in listed if pin not in own)
    answer = subprocess.run(asked, input=given, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"{environment}: {answer.stderr.strip()}")
    without = "".join(f"{pin}\n" for pin in own)
    title = f"# The packages of {environment.name} with the digests of their files; made by: make lock\n"
    return f"{title}{answer.stdout}{without}"


def main() -> None:
    """Write the locks, or compare them."""
    stale = []
    for environment in sorted(HERE.glob("*.yaml")):
        lock = HERE / "locks" / f"{environment.stem}.txt"
        if "--check" not in sys.argv:
            lock.parent.mkdir(exist_ok=True)
            lock.write_text(lock_of(environment), encoding="utf-8")
        elif not lock.is_file() or sorted(locked(lock)) != sorted(pins(environment)):
            stale.append(lock.name)
    if stale:
        sys.exit(f"envs/locks: {', '.join(stale)} are not of the pins in envs/*.yaml: run make lock")


if __name__ == "__main__":
    main()
