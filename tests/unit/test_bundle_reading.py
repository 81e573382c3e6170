"""A bundle is read whole or refused with one clear message; nothing in it is trusted."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bundles import CARD, safetensors, write_micro_bundle
from residua.bundle import container, read
from residua.bundle.names import RECORD, model_file
from residua.bundle.read import read_bundle, unpack, unpack_models
from residua.bundle.record_file import DIGEST
from residua.errors import ResiduaError
from residua.inference.unpacking import publish_models
from residua.publishing.publish import digest, record_digest, verified

PLANS, WEIGHTS = model_file(0, "plans.json"), model_file(1, "weights.safetensors")


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.place),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_micro_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def refusal(path: Path, **arguments: Any) -> str:
    with pytest.raises(ResiduaError) as caught:
        read_bundle(path, **arguments)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value).removeprefix(f"{path}: ")


def zipped(folder: Path, *more: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    """A folder as a zip of another program, with more entries behind its files."""
    out = folder.with_suffix(".zip")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder).as_posix())
        for entry, content in more:
            archive.writestr(entry, content)
    return out


def sealed(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change the record as somebody does who also corrects its own digest."""
    record = json.loads((folder / RECORD).read_text())
    change(record)
    record.pop(DIGEST, None)
    (folder / RECORD).write_text(json.dumps({**record, DIGEST: record_digest(record)}))
    return folder


def replaced(folder: Path, name: str, content: bytes) -> Path:
    """Change a file as somebody does who also corrects its digest."""
    (folder / name).write_bytes(content)
    return sealed(folder, lambda record: record["files"].update({name: digest(folder / name)}))


@pytest.mark.parametrize("arch", ["nnunet", "agunet"])
@pytest.mark.parametrize("name", ["b", "b.zip"])
def test_what_was_written_is_read(tmp_path: Path, arch: str, name: str) -> None:
    written = write_micro_bundle(tmp_path / name, arch, licence="CC-BY-4.0")
    read = read_bundle(tmp_path / name)
    assert read == written
    assert (read.arch, read.inputs, read.folds, read.licence) == (arch, "B", (0, 1), "CC-BY-4.0")
    assert [channel.name for channel in read.channels] == ["post_t1ce", "post_t1"]
    assert (read.chosen_threshold, read.out_of_fold_score) == (0.5, 0.4)
    assert read.as_study("new.tsv").cohort == "new.tsv"


def test_a_zip_of_another_program_is_read(folder: Path) -> None:
    assert read_bundle(zipped(folder)) == read_bundle(folder)


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_unpacking_gives_the_same_files(folder: Path, tmp_path: Path, form: str) -> None:
    bundle = folder if form == "folder" else zipped(folder)
    assert unpack(bundle, tmp_path / "all") == read_bundle(folder)
    files = sorted(file.relative_to(folder) for file in folder.rglob("*") if file.is_file())
    assert [file for file in files if (tmp_path / "all" / file).read_bytes() == (folder / file).read_bytes()] == files
    unpack_models(bundle, {1: tmp_path / "model"})
    names = {file.name for file in (tmp_path / "model").iterdir()}
    assert names == {"plans.json", "dataset.json", "weights.safetensors"}
    assert (tmp_path / "model" / "weights.safetensors").read_bytes() == (folder / WEIGHTS).read_bytes()


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_bundle_is_published_as_models_of_a_study_and_checked_once(
    folder: Path, tmp_path: Path, monkeypatch: Any, form: str
) -> None:
    bundle = folder if form == "folder" else zipped(folder)
    hashed = []
    monkeypatch.setattr(read, "digest_in", lambda found, name: hashed.append(name) or container.digest_in(found, name))
    manifests = {fold: f"{tmp_path}/results/fold{fold}/manifest.json" for fold in (0, 1)}
    publish_models(str(bundle), manifests, f"{tmp_path}/results/threshold.json")
    for fold, manifest in manifests.items():
        for name, file in verified(manifest).items():
            assert file.read_bytes() == (folder / model_file(fold, name)).read_bytes()
    once, record = sorted(hashed), read_bundle(folder)
    assert once == sorted(record.files)
    assert json.loads((tmp_path / "results" / "threshold.json").read_text()) == record.threshold


def test_nothing_of_a_damaged_bundle_is_published(folder: Path, tmp_path: Path) -> None:
    (folder / WEIGHTS).write_bytes(safetensors(7))
    manifests = {fold: f"{tmp_path}/results/fold{fold}/manifest.json" for fold in (0, 1)}
    with pytest.raises(ResiduaError, match="was changed or damaged"):
        publish_models(str(folder), manifests, f"{tmp_path}/results/threshold.json")
    assert not list((tmp_path / "results").rglob("*.json"))


OUTSIDE = ["../outside.json", "/tmp/outside.json", "models/../../outside.json", "..\\outside.json", "C:/outside.json"]


@pytest.mark.parametrize("name", [*OUTSIDE, "models/fold0/..", "../"])
def test_a_path_outside_its_folder_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    entry = zipfile.ZipInfo("x")
    entry.filename = entry.orig_filename = name
    bundle = zipped(folder, (entry, b"{}"))
    assert refusal(bundle).startswith("names a file outside its folder (")
    with pytest.raises(ResiduaError):
        unpack(bundle, tmp_path / "deep" / "out")
    assert not list(tmp_path.rglob("outside.json"))
    assert not (tmp_path / "deep").exists()


def test_a_link_in_a_zip_is_refused(folder: Path) -> None:
    link = zipfile.ZipInfo("models/link.json")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    assert refusal(zipped(folder, (link, b"/etc/passwd"))).startswith("models/link.json is a link or a device")


@pytest.mark.parametrize("name", [PLANS, "models/fold0/more.json"])
def test_a_link_in_a_folder_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere.json"
    shutil.copy(folder / PLANS, elsewhere)
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(elsewhere)
    assert refusal(folder).startswith(f"{name} is a link or a device")


def test_a_folder_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "models" / "fold1").rename(tmp_path / "fold1")
    (folder / "models" / "fold1").symlink_to(tmp_path / "fold1")
    assert refusal(folder).startswith("models/fold1 is a link or a device")


@pytest.mark.parametrize("suffix", [".pth", ".pkl", ".PT", ".npy", ".h5", ".keras"])
def test_a_pickle_is_refused_and_never_loaded(folder: Path, tmp_path: Path, suffix: str) -> None:
    name = f"models/fold0/weights{suffix}"
    (folder / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    for bundle in (folder, zipped(folder)):
        assert "is of a kind that can run code when it is loaded; weights must be safetensors" in refusal(bundle)
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_that_calls_itself_safetensors_is_refused(folder: Path, tmp_path: Path) -> None:
    bundle = replaced(folder, WEIGHTS, pickle.dumps(Trap(tmp_path / "sprung")))
    assert refusal(bundle).startswith(f"{WEIGHTS} is no safetensors file: ")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "content",
    [
        safetensors(dtype="X9"),
        safetensors(shape=[7]),
        safetensors(shape=[-1, -6]),
        safetensors(shape="6"),
        safetensors(data_offsets=[4, 28]),
        safetensors(data_offsets=[0, 4 * 10**12], shape=[10**12]),
        safetensors()[:-1],
        safetensors() + b"more",
        (10**18).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (3).to_bytes(8, "little") + b"{,}",
        b"",
    ],
)
def test_a_safetensors_file_must_be_what_its_header_says(folder: Path, content: bytes) -> None:
    assert refusal(replaced(folder, WEIGHTS, content)).startswith(f"{WEIGHTS} is no safetensors file: ")


def test_nested_headers_are_refused(folder: Path) -> None:
    header = b"[" * 100_000 + b"]" * 100_000
    whole = (folder / WEIGHTS).read_bytes()
    replaced(folder, WEIGHTS, len(header).to_bytes(8, "little") + header)
    assert "its header cannot be read" in refusal(folder)
    replaced(folder, WEIGHTS, whole)
    assert "cannot be read as JSON" in refusal(replaced(folder, PLANS, header))


@pytest.mark.parametrize("name", [PLANS, WEIGHTS, "MODEL_CARD.md"])
def test_one_altered_byte_is_found(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    for bundle in (folder, zipped(folder)):
        assert refusal(bundle).startswith(f"{name} was changed or damaged")


def test_an_altered_record_is_found(folder: Path) -> None:
    text = (folder / RECORD).read_text()
    assert '"threshold": 0.5' in text
    (folder / RECORD).write_text(text.replace('"threshold": 0.5', '"threshold": 0.3'))
    assert refusal(folder).startswith("bundle.json was changed or damaged")


def test_any_altered_byte_of_a_zip_is_found(tmp_path: Path) -> None:
    bundle = tmp_path / "b.zip"
    written = write_micro_bundle(bundle)
    whole = bundle.read_bytes()
    for place in range(0, len(whole), 997):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        bundle.write_bytes(changed)
        try:
            assert read_bundle(bundle) == written  # a byte that says nothing, such as a date
        except ResiduaError as error:
            assert str(bundle) in str(error)  # noqa: PT017 - one of the two


@pytest.mark.parametrize("cut", [10, 0.5, 0.99])
def test_a_cut_zip_is_refused(tmp_path: Path, cut: float) -> None:
    bundle = tmp_path / "b.zip"
    write_micro_bundle(bundle)
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[: int(cut if cut > 1 else cut * len(whole))])
    assert "is no folder and no whole zip" in refusal(bundle)


@pytest.mark.parametrize("found", [2, 0, "1", None])
def test_another_format_says_which_is_read(folder: Path, found: Any) -> None:
    message = refusal(sealed(folder, lambda record: record.update(format=found, residua="9.0")))
    assert message.startswith(f"has the format {found!r}, written by Residua 9.0; Residua 0.1.0 reads format 1")


def test_another_network_is_refused(folder: Path) -> None:
    assert refusal(folder, arch="agunet").startswith("holds models of the network nnunet, and agunet is wanted")
    message = refusal(sealed(folder, lambda record: record.update(arch="unheard")))
    assert message.startswith("holds models of the network 'unheard'; this Residua knows agunet, nnunet")


def test_models_of_another_network_than_the_record_says_are_refused(folder: Path, tmp_path: Path) -> None:
    write_micro_bundle(tmp_path / "other" / "bundle", "agunet")
    shutil.copy(tmp_path / "other" / "bundle" / RECORD, folder / RECORD)
    assert refusal(folder).startswith("lacks models/fold0/network.json, models/fold1/network.json")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("network_class_name", "subprocess.Popen"),
        ("arch_kwargs", {"conv_op": "os.system"}),
        ("_kw_requires_import", ["conv_op", "features_per_stage"]),
    ],
)
def test_plans_that_name_other_code_are_refused(folder: Path, key: str, value: Any) -> None:
    plans = json.loads((folder / PLANS).read_text())
    architecture = plans["configurations"]["3d_fullres"]["architecture"]
    architecture[key] = {**architecture[key], **value} if isinstance(value, dict) else value
    message = refusal(replaced(folder, PLANS, json.dumps(plans).encode()))
    assert message.startswith(f"{PLANS} describes another network than the settings in bundle.json")


@pytest.mark.parametrize("content", [b"[]", b"{}", b"null", b'{"residua_inference": 1}', b"{", b"\xff"])
def test_plans_of_any_form_are_refused_in_words(folder: Path, content: bytes) -> None:
    assert refusal(replaced(folder, PLANS, content)).startswith(PLANS)


def test_a_network_of_other_settings_is_refused(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    write_micro_bundle(bundle, "agunet")
    name = model_file(1, "network.json")
    network = {**json.loads((bundle / name).read_text()), "features": [8, 8, 8]}
    assert refusal(replaced(bundle, name, json.dumps(network).encode())).startswith(f"{name} describes another network")


@pytest.mark.parametrize("name", [PLANS, WEIGHTS, "MODEL_CARD.md"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refusal(folder).startswith(f"lacks {name} (1 in all")


def test_a_missing_record_says_what_a_bundle_is(folder: Path, tmp_path: Path) -> None:
    (folder / RECORD).unlink()
    assert refusal(folder).startswith("holds no bundle.json at its top; give a bundle, as residua bundle writes it")
    assert refusal(tmp_path / "nowhere.zip").startswith("cannot be read (No such file or directory)")
    (tmp_path / "text.zip").write_text("no zip")
    assert refusal(tmp_path / "text.zip").startswith("is no folder and no whole zip")


@pytest.mark.parametrize("name", ["models/fold2/plans.json", "models/fold0/notes.md", "bundle/bundle.json"])
def test_a_file_that_is_none_of_its_models_is_refused(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    assert refusal(folder).startswith(f"holds files that are none of its models', such as {name}")


@pytest.mark.parametrize("name", ["models/run.sh", ".DS_Store", "weights"])
def test_a_file_of_another_kind_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("x")
    assert refusal(folder).startswith(f"{name} is not a file of a bundle")


def test_digests_must_be_of_its_files(folder: Path) -> None:
    sealed(folder, lambda record: record["files"].pop(PLANS))
    assert refusal(folder).startswith(f"has no digest in bundle.json of {PLANS}")


BEST = {"threshold": 0.5, "score": 0.4}
CHOSEN = {"threshold": 0.5, "candidates": [BEST]}
ODD_SCORES = (None, "1", True, float("nan"), 10**400)
ODD_CANDIDATES = (3, None, "0.5", [], {}, {"score": 1}, {"threshold": 0.3}, *({**BEST, "score": s} for s in ODD_SCORES))
EVERY = "threshold: every candidate needs the numbers threshold and score"
NESTED = "threshold: nested_performance needs the number score, or is null"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inputs": "../../x"}, "inputs: "),
        ({"folds": [0, 0]}, "folds must rise"),
        ({"folds": []}, "folds: "),
        ({"channels": [{"name": "post_t1ce", "is_label": False}]}, "the settings are those of another model"),
        ({"channels": [{"name": n, "is_label": True} for n in ("post_t1ce", "post_t1")]}, "which channels are labels"),
        ({"threshold": {"threshold": 0, "candidates": []}}, "threshold: no threshold among its candidates"),
        ({"threshold": {"threshold": True, "candidates": [{"threshold": 1, "score": 1}]}}, "(found True)"),
        ({"threshold": {"threshold": 0.5, "candidates": 0.5}}, "threshold: no threshold among its candidates"),
        ({"threshold": {"threshold": [0.5], "candidates": [BEST]}}, "threshold: no threshold among its candidates"),
        *(({"threshold": {"threshold": 0.5, "candidates": [BEST, odd]}}, EVERY) for odd in ODD_CANDIDATES),
        *(({"threshold": {**CHOSEN, "nested_performance": odd}}, NESTED) for odd in ({"x": 1}, {"score": None}, {}, 1)),
        ({"files": {PLANS: "0" * 63}}, f"files.{PLANS}: "),
        ({"surprise": 1}, "surprise: unknown key; see docs/reference/bundle.md"),
        ({"study": {}}, "study"),
        ({"licence": float("nan")}, "licence: "),
    ],
)
def test_what_the_record_says_is_checked(folder: Path, change: dict[str, Any], said: str) -> None:
    message = refusal(sealed(folder, lambda record: record.update(change)))
    assert message.startswith("bundle.json cannot be used:\n  ")
    assert said in message


def test_weights_of_the_brain_mask_lie_inside(folder: Path) -> None:
    mask = {"method": "agunet", "weights": "/srv/weights.safetensors", "weights_sha256": "0" * 64}
    message = refusal(sealed(folder, lambda record: record["study"].update(brain_mask=mask)))
    assert "study.brain_mask.weights must be brain/weights.safetensors (found /srv/weights.safetensors)" in message


def test_the_authors_brain_model_is_named_and_not_searched_elsewhere(folder: Path) -> None:
    mask = {"method": "raidionics", "weights": "MRI_Brain.zip", "weights_sha256": "0" * 64}
    assert read_bundle(sealed(folder, lambda record: record["study"].update(brain_mask=mask))).arch == "nnunet"
    for name in ("../MRI_Brain.zip", "/srv/MRI_Brain.zip"):
        sealed(folder, lambda record, name=name: record["study"]["brain_mask"].update(weights=name))  # type: ignore[misc]
        assert f"study.brain_mask.weights must be the name of a file (found {name})" in refusal(folder)


def test_a_zip_that_would_fill_a_disk_is_refused_before_it_is_read(folder: Path, monkeypatch: Any) -> None:
    def read(*arguments: object) -> None:
        raise AssertionError("read")

    (folder / WEIGHTS).write_bytes(bytes(64 << 20))
    bundle = zipped(folder)
    assert bundle.stat().st_size < 1 << 18
    monkeypatch.setattr(zipfile.ZipFile, "open", read)
    assert refusal(bundle).startswith(f"{WEIGHTS} would grow to 64 MiB from ")


@pytest.mark.parametrize("name", [RECORD, "MODEL_CARD.md"])
def test_a_file_without_bound_is_refused(folder: Path, name: str) -> None:
    most = container.LARGEST[Path(name).suffix]
    with (folder / name).open("r+b") as stream:
        stream.truncate(most + 1)
    assert refusal(folder).startswith(f"{name} has {most >> 20} MiB; such a file has at most {most >> 20} MiB")


def test_a_zip_that_lies_about_a_size_gives_no_more_than_it_declares(folder: Path) -> None:
    bundle = zipped(folder)
    declared = (folder / "MODEL_CARD.md").stat().st_size
    content = bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        entry = archive.getinfo("MODEL_CARD.md")
    packed = entry.CRC.to_bytes(4, "little") + entry.compress_size.to_bytes(4, "little")
    assert content.count(packed + declared.to_bytes(4, "little")) == 2
    bundle.write_bytes(content.replace(packed + declared.to_bytes(4, "little"), packed + (3).to_bytes(4, "little")))
    assert "Bad CRC-32" in refusal(bundle)


def test_too_many_files_are_refused(folder: Path) -> None:
    entries = [(f"models/{number}.json", b"{}") for number in range(container.MOST_FILES)]
    assert refusal(zipped(folder, *entries)).startswith("holds more than 1000 files")
    for name, content in entries:
        (folder / name).write_bytes(content)
    assert refusal(folder).startswith("holds more than 1000 files")


def test_files_and_folders_are_counted_together_wherever_they_lie(folder: Path) -> None:
    for number in range(3):
        (folder / f"more{number}").mkdir()
        for file in range(400):
            (folder / f"more{number}" / f"{file}.json").touch()
    assert refusal(folder).startswith("holds more than 1000 files and folders")
    shutil.rmtree(folder)
    for number in range(container.MOST_FILES + 1):
        (folder / f"more{number}").mkdir(parents=True)
    assert refusal(folder).startswith("holds more than 1000 files and folders")


def test_a_folder_that_cannot_be_listed_is_told_in_words(folder: Path) -> None:
    opened = [os.open(folder, os.O_RDONLY)]
    for _ in range(21):  # longer than any path that a system opens
        os.mkdir("x" * 200, dir_fd=opened[-1])
        opened.append(os.open("x" * 200, os.O_RDONLY, dir_fd=opened[-1]))
    for each in opened:
        os.close(each)
    assert refusal(folder) == "cannot be read (File name too long); give a bundle"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(folder: Path) -> None:
    assert refusal(zipped(folder, ("MODEL_CARD.md", CARD.encode()))).startswith("holds two files of the same name")


def test_an_encrypted_file_is_refused(folder: Path) -> None:
    bundle = zipped(folder)
    content = bytearray(bundle.read_bytes())
    begin = content.index(b"PK\x01\x02")
    content[begin + 8] |= 1
    bundle.write_bytes(content)
    assert "is encrypted" in refusal(bundle)


def test_writing_refuses_a_name_that_is_taken(tmp_path: Path) -> None:
    for name in ("b.zip", "b"):
        write_micro_bundle(tmp_path / name)
        with pytest.raises(ResiduaError, match=f"{name}: exists already; remove it, or name another"):
            write_micro_bundle(tmp_path / name)


def test_two_writings_give_the_same_bytes(tmp_path: Path, monkeypatch: Any) -> None:
    write_micro_bundle(tmp_path / "one" / "b.zip")
    for file in (tmp_path / "one" / "trained").rglob("*.json"):
        os.utime(file, (10**9, 10**9))
    old = os.umask(0o077)
    write_micro_bundle(tmp_path / "another place" / "c.zip")
    os.umask(old)
    assert (tmp_path / "one" / "b.zip").read_bytes() == (tmp_path / "another place" / "c.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one" / "b.zip") as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
