"""Files and bundles of an application that were replaced under the same path, whatever their time."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bundles import CARD, write_micro_bundle
from residua.bundle.names import model_file
from residua.bundle.write import write_bundle
from residua.errors import ResiduaError
from residua.inference import given_files
from residua.inference.folder import prepare_folder
from residua.inference.given_files import GIVEN, GivenFiles
from residua.inference.predict import open_checked
from residua.inference.request import NewPatient
from residua.inference.unpacked import holds_others
from residua.inference.unpacking import publish_models
from residua.publishing.publish import digest

OTHER_FILES = "patient P1: other files than in the last call; the results are made again"
YEARS_AGO_S = 1.5e9


def replaced_by_an_older_one(scan: Path) -> None:
    """As ``cp -p`` and ``mv`` do."""
    other = scan.with_name("other")
    other.write_bytes(b"another scan")
    os.utime(other, (YEARS_AGO_S, YEARS_AGO_S))
    os.replace(other, scan)


def replaced_by_one_of_the_same_size_and_time(scan: Path) -> None:
    status = scan.stat()
    other = scan.with_name("other")
    other.write_bytes(scan.read_bytes()[::-1])
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(other, scan)


def overwritten_in_place(scan: Path) -> None:
    status = scan.stat()
    scan.write_bytes(scan.read_bytes()[::-1])
    os.utime(scan, ns=(status.st_atime_ns, status.st_mtime_ns))


def led_elsewhere(scan: Path) -> None:
    """A link in place of the file, to an older one."""
    replaced_by_an_older_one(other := Path(shutil.copy(scan, scan.with_name("elsewhere"))))
    scan.unlink()
    scan.symlink_to(other)


REPLACED = (
    replaced_by_an_older_one,
    replaced_by_one_of_the_same_size_and_time,
    overwritten_in_place,
    led_elsewhere,
)


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    file = tmp_path / "scans" / "t1ce.nii.gz"
    file.write_bytes(b"a scan of P1")
    return file


@pytest.mark.parametrize("replace", REPLACED)
@pytest.mark.parametrize("settled_ns", [0, 10**18])
def test_a_file_with_another_content_was_replaced_whatever_its_time(
    tmp_path: Path, scan: Path, replace: Callable[[Path], None], settled_ns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_files, "_SETTLED_NS", settled_ns)
    record = tmp_path / "given.json"
    GivenFiles(record).keep([str(scan)])
    assert not GivenFiles(record).was_replaced(str(scan))
    replace(scan)
    now = GivenFiles(record)
    assert now.was_replaced(str(scan))
    assert now.digest_of(str(scan)) == digest(scan)
    now.keep([str(scan)])
    assert not GivenFiles(record).was_replaced(str(scan))


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_files, "_SETTLED_NS", 0)
    record = tmp_path / "given.json"
    GivenFiles(record).keep([str(scan)])
    read: list[str] = []
    monkeypatch.setattr(given_files, "digest", lambda path: read.append(path) or digest(path))
    assert GivenFiles(record).digest_of(str(scan)) == digest(scan)
    assert read == []
    os.utime(scan)
    touched = GivenFiles(record)
    assert not touched.was_replaced(str(scan))
    assert read == [str(scan)]


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', "{", '{"a": {"stamp": 1}}'])
def test_a_damaged_record_counts_for_nothing(tmp_path: Path, scan: Path, content: str) -> None:
    record = tmp_path / "given.json"
    record.write_text(content.replace('"a"', json.dumps(str(scan))))
    given = GivenFiles(record)
    assert not given.was_replaced(str(scan))
    given.keep([str(scan)])
    assert json.loads(record.read_text())[str(scan)]["sha256"] == digest(scan)


def other_by_name(scan: Path) -> None:
    """Two folders exchange their names: no time of any file changes."""
    other = scan.parent.with_name("other")
    shutil.copytree(scan.parent, other)
    os.utime(other / scan.name, (YEARS_AGO_S, YEARS_AGO_S))
    scan.parent.rename(scan.parent.with_name("former"))
    other.rename(scan.parent)


@pytest.mark.parametrize("replace", [*REPLACED, other_by_name])
def test_a_file_of_a_study_that_was_replaced_since_it_was_first_seen_may_be_another(
    tmp_path: Path, scan: Path, replace: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_files, "_SETTLED_NS", 0)
    record, path, later_s = tmp_path / "given.json", str(scan), 2e10
    GivenFiles(record).keep_as_seen([path])
    assert "sha256" not in json.loads(record.read_text())[path]
    assert not GivenFiles(record).may_be_other(path, later_s)
    replace(scan)
    now = GivenFiles(record)
    assert now.may_be_other(path, later_s)
    # A run of a part of the study did not read it: the next one must.
    now.keep_as_seen([path])
    assert GivenFiles(record).may_be_other(path, later_s)
    now.digest_of(path)
    now.keep_as_seen([])
    now.keep_as_seen([path])
    assert json.loads(record.read_text())[path]["sha256"] == digest(scan)
    # Of what was read the digest is compared, which costs nothing any more: a job may have read the former file.
    assert GivenFiles(record).may_be_other(path, later_s)


def test_a_file_that_no_start_has_seen_is_another_by_its_time_of_change_alone(tmp_path: Path, scan: Path) -> None:
    given = GivenFiles(tmp_path / "given.json")
    changed_s = scan.stat().st_ctime
    assert given.may_be_other(str(scan), changed_s - 1)
    assert not given.may_be_other(str(scan), changed_s + 1)
    assert not given.may_be_other(str(tmp_path / "absent"), 0)


def test_a_file_that_changed_just_before_it_was_seen_is_read(tmp_path: Path, scan: Path) -> None:
    record = tmp_path / "given.json"
    GivenFiles(record).keep_as_seen([str(scan), str(tmp_path / "absent")])
    assert list(json.loads(record.read_text())) == [str(scan)]
    assert GivenFiles(record).may_be_other(str(scan), 2e10)


def test_a_file_that_is_away_for_a_while_is_known_when_it_is_back(tmp_path: Path, scan: Path) -> None:
    record, away = tmp_path / "given.json", tmp_path / "away"
    GivenFiles(record).keep([str(scan)])
    scan.rename(away)
    without = GivenFiles(record)
    assert without.digest_of(str(scan)) is None
    assert not without.was_replaced(str(scan))
    without.keep([str(scan)])
    away.rename(scan)
    replaced_by_an_older_one(scan)
    assert GivenFiles(record).was_replaced(str(scan))


@pytest.fixture(params=["b.zip", "b"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A bundle as a file or a folder."""
    write_micro_bundle(tmp_path / request.param)
    return tmp_path / str(request.param)


def prepared(bundle: Path, out: Path, scan: Path) -> list[str]:
    files = {"post_t1ce": scan, "post_t1": scan.parent / "t1.nii"}
    return prepare_folder(out, [bundle], [NewPatient("P1", files)], open_checked([bundle])[0])


@pytest.mark.parametrize("replace", REPLACED)
def test_a_second_call_says_whose_files_were_replaced(
    tmp_path: Path, scan: Path, replace: Callable[[Path], None]
) -> None:
    write_micro_bundle(tmp_path / "b.zip")
    out = tmp_path / "out"
    assert prepared(tmp_path / "b.zip", out, scan) == []
    assert prepared(tmp_path / "b.zip", out, scan) == []
    replace(scan)
    assert prepared(tmp_path / "b.zip", out, scan) == [OTHER_FILES]
    assert prepared(tmp_path / "b.zip", out, scan) == []


def test_a_folder_from_before_digests_were_kept_goes_on(tmp_path: Path, scan: Path, bundle: Path) -> None:
    out = tmp_path / "out"
    prepared(bundle, out, scan)
    unpack(bundle, out)
    (out / GIVEN).unlink()
    assert prepared(bundle, out, scan) == []


def unpack(bundle: Path, out: Path, arch: str = "nnunet") -> None:
    record = open_checked([bundle])[1][0].record
    manifests = {fold: f"{out}/results/models/{arch}/B/fold{fold}/manifest.json" for fold in record.folds}
    publish_models(str(bundle), manifests, f"{out}/results/segmentations/{arch}/B/threshold.json")


def put_in_place(other: Path, bundle: Path) -> None:
    """Replace a bundle by another one that is as old; a folder is updated where it lies."""
    time = bundle.stat().st_mtime
    if bundle.is_dir():
        shutil.copytree(other, bundle, dirs_exist_ok=True)
    else:
        os.replace(other, bundle)
    os.utime(bundle, (time, time))


def other_weights(bundle: Path) -> None:
    other, trained = bundle.parent / f"new_{bundle.name}", bundle.parent / "trained"
    weights = trained / model_file(0, "weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"1")
    files = {str(file.relative_to(trained)): file for file in trained.rglob("*.*")}
    write_bundle(open_checked([bundle])[1][0].record, CARD, files, other)
    put_in_place(other, bundle)


def other_threshold(bundle: Path) -> None:
    other, threshold = bundle.parent / f"new_{bundle.name}", open_checked([bundle])[1][0].record.threshold
    write_micro_bundle(other, threshold={**threshold, "nested_performance": {"score": 0.123}})
    put_in_place(other, bundle)


def other_network(bundle: Path) -> None:
    other = bundle.parent / f"new_{bundle.name}"
    write_micro_bundle(other, "agunet")
    if bundle.is_dir():
        shutil.rmtree(bundle / "models")
    put_in_place(other, bundle)


@pytest.mark.parametrize("replace", [other_weights, other_threshold, other_network])
def test_a_second_call_refuses_a_bundle_that_was_replaced(
    tmp_path: Path, scan: Path, bundle: Path, replace: Callable[[Path], None]
) -> None:
    out = tmp_path / "out"
    prepared(bundle, out, scan)
    unpack(bundle, out)
    assert prepared(bundle, out, scan) == []
    replace(bundle)
    with pytest.raises(ResiduaError, match=rf"out: holds results of other models than are now in .*{bundle.name}"):
        prepared(bundle, out, scan)


def test_what_a_bundle_left_that_the_application_no_longer_names_is_no_reason_to_unpack_again(
    tmp_path: Path, bundle: Path
) -> None:
    other = tmp_path / "other" / "agunet.zip"
    other.parent.mkdir()
    write_micro_bundle(other, "agunet")
    named, out = open_checked([bundle])[1], tmp_path / "out"
    unpack(bundle, out)
    unpack(other, out, "agunet")
    # A fold that the bundle had before it was replaced.
    folds = out / "results/models/nnunet/B"
    shutil.copytree(folds / "fold0", folds / "fold4")
    assert holds_others(out, named)
    assert not holds_others(out, named, former=False)
    other_weights(bundle)
    assert holds_others(out, open_checked([bundle])[1], former=False)


def test_a_bundle_that_was_never_unpacked_may_be_replaced(tmp_path: Path, scan: Path, bundle: Path) -> None:
    prepared(bundle, tmp_path / "out", scan)
    other_weights(bundle)
    assert prepared(bundle, tmp_path / "out", scan) == []
    unpack(bundle, tmp_path / "out")
    # What is damaged is made again.
    (tmp_path / "out/results/models/nnunet/B/fold0/manifest.json").write_text("{")
    assert prepared(bundle, tmp_path / "out", scan) == []
