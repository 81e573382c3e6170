"""A figure or caption that was damaged since it was made is refused by name, and no report is made with it."""

from __future__ import annotations

import os

from studies import Study

REPORT = "results/report/index.html"


def test_no_report_is_made_with_a_damaged_figure(study: Study) -> None:
    figures = study.folder / "results" / "figures"
    one, other = sorted(figures.glob("*.png"))[:2]
    caption = min(figures.glob("*.txt"))
    whole = one.read_bytes()
    middle = len(whole) // 2
    damages = {
        "empty": (one, b""),
        "cut off": (one, whole[:middle]),
        "one bit": (one, whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]),
        "another figure": (one, other.read_bytes()),
        "another caption": (caption, b"Another caption\n"),
    }
    for what, (file, content) in damages.items():
        (study.folder / REPORT).unlink(missing_ok=True)
        sound, times = file.read_bytes(), file.stat()
        file.write_bytes(content)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        tried = study.snakemake(REPORT)
        said, name = tried.stdout + tried.stderr, f"results/figures/{file.name}"
        assert tried.returncode != 0, what
        assert f"{name}: changed or damaged since it was made" in said, what
        assert f"rm {name} and run the same snakemake command again" in said, what
        assert not (study.folder / REPORT).exists(), what
        file.write_bytes(sound)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = study.snakemake(REPORT)
    assert done.returncode == 0, done.stdout + done.stderr
