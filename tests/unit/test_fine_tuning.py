"""Trainings that start from a bundle: what the configuration may say, what fits, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from bundles import CHANNELS, FOLDS, MICRO, record_of, write_micro_bundle
from residua.bundle.card import card_of
from residua.bundle.start import Training, fitting_bundle, unpacked_start
from residua.cohort.commands.initial_bundles import initial_bundle_problems
from residua.cohort.split.split import Split
from residua.errors import ResiduaError
from residua.inference.bundles import Bundle, shared_study
from residua.networks.cases import Channel
from residua.networks.model_card import describe_training, model_card
from residua.report.deviations import DEVIATIONS
from residua.report.methods import methods
from residua.report.provenance import study_digest
from residua.settings.initial_bundle import InitialBundle, StartingFromBundles
from residua.settings.study import Study, load_study
from residua.wiring.training import require_initial_bundles

NOTHING = "0" * 64
NETWORKS = pytest.mark.parametrize("arch", ["nnunet", "agunet"])
MICRO_RATES = {"nnunet": 0.05, "agunet": 0.003}


def study_of(arch: str, bundle: dict[str, Any] | None = None, **changes: Any) -> Study:
    """The micro study of one network, which starts its trainings on inputs B from a bundle."""
    config: dict[str, Any] = {**yaml.safe_load(MICRO.read_text()), "archs": [arch], **changes}
    if bundle is not None:
        config["networks"][arch]["initial_bundles"] = {"B": bundle}
    return load_study(config)


def settings_of(arch: str, **changes: Any) -> StartingFromBundles:
    settings = study_of(arch).settings_of(arch)
    assert isinstance(settings, StartingFromBundles)
    return settings.model_copy(update=changes)


def written(folder: Path, arch: str = "nnunet", **changes: Any) -> tuple[Path, InitialBundle]:
    """A bundle of the micro study in ``folder``, and the entry of the configuration for it."""
    file = folder / "b.zip"
    write_micro_bundle(file, arch, **changes)
    return file, InitialBundle(file=str(file), sha256=sha256(file.read_bytes()).hexdigest())


def refusal(settings: dict[str, Any] | None = None, arch: str = "nnunet", **changes: Any) -> str:
    with pytest.raises(ResiduaError) as caught:
        study_of(arch, settings, **changes)
    return str(caught.value)


@NETWORKS
def test_the_learning_rate_is_a_tenth_unless_it_is_given(arch: str) -> None:
    settings = settings_of(arch)
    starting = settings.model_copy(update={"initial_bundles": {"B": InitialBundle(file="b.zip", sha256=NOTHING)}})
    assert starting.learning_rate_of("B") == pytest.approx(MICRO_RATES[arch] / 10)
    assert starting.learning_rate_of("A") == settings.learning_rate_of("B") == MICRO_RATES[arch]
    own = InitialBundle(file="b.zip", sha256=NOTHING, learning_rate=0.2)
    assert settings.model_copy(update={"initial_bundles": {"B": own}}).of_inputs("B").learning_rate == 0.2


@NETWORKS
def test_a_training_without_a_bundle_is_described_as_before_there_were_any(arch: str) -> None:
    plain, config = settings_of(arch), yaml.safe_load(MICRO.read_text())["networks"][arch]
    assert "initial_bundles" not in plain.model_dump(mode="json")
    assert set(plain.model_dump(mode="json")) == set(config) - {"init"}
    of_b = plain.model_copy(update={"initial_bundles": {"B": InitialBundle(file="b.zip", sha256=NOTHING)}})
    assert of_b.of_inputs("A") == plain
    assert describe_training("cases", 1, of_b.of_inputs("A")) == describe_training("cases", 1, plain)


@NETWORKS
def test_a_training_is_told_by_the_content_of_its_bundle_and_not_by_its_place(arch: str) -> None:
    def identity(file: str, digest: str) -> str:
        start = {"B": InitialBundle(file=file, sha256=digest)}
        return describe_training("cases", 1, settings_of(arch, initial_bundles=start).of_inputs("B"))

    assert identity("/here/b.zip", NOTHING) == identity("/there/other.zip", NOTHING)
    assert identity("b.zip", NOTHING) != identity("b.zip", "1" * 64)
    assert identity("b.zip", NOTHING) != describe_training("cases", 1, settings_of(arch))


def test_the_configuration_refuses_what_cannot_be_meant() -> None:
    bundle = {"file": "b.zip", "sha256": NOTHING}
    weights = {**yaml.safe_load(MICRO.read_text())["networks"]}
    weights["agunet"] = {**weights["agunet"], "init": "file", "initial_weights": bundle}
    assert "start from initial_weights or from initial_bundles; give one" in refusal(bundle, "agunet", networks=weights)
    networks = yaml.safe_load(MICRO.read_text())["networks"]
    networks["nnunet"]["initial_bundles"] = {"F": bundle}
    assert "networks.nnunet.initial_bundles names F, which is missing under inputs" in refusal(networks=networks)
    for wrong in ({"learning_rate": 0}, {"fold": -1}, {"sha256": "abc"}, {"file": ""}, {"epochs": 3}):
        assert f"networks.nnunet.initial_bundles.B.{next(iter(wrong))}" in refusal({**bundle, **wrong})


def test_fold_n_starts_from_the_model_of_fold_n_or_from_the_one_that_is_named(tmp_path: Path) -> None:
    file, start = written(tmp_path)
    settings = settings_of("nnunet", initial_bundles={"B": start})
    for fold, expected in ((0, 0), (1, 1), (2, 0), (5, 1)):
        training = Training("nnunet", "B", fold, CHANNELS, settings)
        with unpacked_start([str(file)], training, tmp_path / "part" / "start") as folder:
            assert folder is not None
            for made in (tmp_path / "trained" / "models" / f"fold{expected}").iterdir():
                assert (folder / made.name).read_bytes() == made.read_bytes()
        assert not folder.exists()
    named = {"B": start.model_copy(update={"fold": 1})}
    assert [named["B"].fold_for(fold, FOLDS) for fold in range(4)] == [1, 1, 1, 1]
    with unpacked_start([], Training("nnunet", "A", 0, CHANNELS, settings), tmp_path / "part" / "start") as folder:
        assert folder is None


def test_what_a_killed_training_left_of_its_start_is_overwritten_and_gone_at_the_end(tmp_path: Path) -> None:
    file, start = written(tmp_path)
    training = Training("nnunet", "B", 0, CHANNELS, settings_of("nnunet", initial_bundles={"B": start}))
    left = tmp_path / "part" / "start" / "weights.safetensors"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    with unpacked_start([str(file)], training, left.parent):
        assert left.read_bytes() == (tmp_path / "trained/models/fold0/weights.safetensors").read_bytes()
    assert not left.parent.exists()
    failing = unpacked_start([str(file)], training, left.parent)
    with pytest.raises(ZeroDivisionError), failing:
        raise ZeroDivisionError
    assert not left.parent.exists()


@NETWORKS
def test_a_bundle_of_the_same_network_and_channels_fits_whatever_the_training(tmp_path: Path, arch: str) -> None:
    file, start = written(tmp_path, arch)
    other = {"epochs": 9, "batch_size": 1, "learning_rate": 0.7, "seed": 3, "save_every_epochs": 2}
    assert fitting_bundle(file, start, arch, CHANNELS, settings_of(arch, **other)).folds == FOLDS


MISFITS: dict[str, dict[str, Any]] = {
    "nnunet": {
        "spacing_mm": (3.0, 3.0, 2.0),
        "patch_size": (32, 32, 64),
        "features": (4, 8, 32),
        "kernels": ((3, 3, 1), (3, 3, 3), (3, 3, 3)),
        "strides": ((1, 1, 1), (2, 2, 1), (2, 2, 2)),
        "convolutions_per_level": 2,
        "residual_blocks": (1, 2, 2),
    },
    "agunet": {"spacing_mm": (1.0, 1.0, 2.0), "shape": (32, 16, 16), "features": (4, 8, 16)},
}


@pytest.mark.parametrize(("arch", "name"), [(arch, name) for arch, names in MISFITS.items() for name in names])
def test_another_network_is_refused(tmp_path: Path, arch: str, name: str) -> None:
    file, start = written(tmp_path, arch)
    with pytest.raises(ResiduaError) as caught:
        fitting_bundle(file, start, arch, CHANNELS, settings_of(arch, **{name: MISFITS[arch][name]}))
    said = str(caught.value)
    assert said.startswith(f"{file}: trainings of {arch} cannot start from these models: networks.{arch}.{name} is ")
    assert said.count(" in the bundle and ") == 1


@pytest.mark.parametrize(
    "channels",
    [
        CHANNELS[:1],
        (*CHANNELS, Channel("post_flair", False)),
        tuple(reversed(CHANNELS)),
        (CHANNELS[0], Channel("post_flair", False)),
        (CHANNELS[0], Channel("post_t1", True)),
    ],
    ids=["fewer", "more", "order", "name", "label"],
)
def test_other_channels_are_refused(tmp_path: Path, channels: tuple[Channel, ...]) -> None:
    file, start = written(tmp_path)
    with pytest.raises(ResiduaError, match="its channels are post_t1ce \\(image\\), post_t1 \\(image\\), and those"):
        fitting_bundle(file, start, "nnunet", channels, settings_of("nnunet"))


def test_all_that_does_not_fit_is_told_at_once(tmp_path: Path) -> None:
    file, start = written(tmp_path)
    settings = settings_of("nnunet", patch_size=(32, 32, 64), features=(4, 8, 32))
    with pytest.raises(ResiduaError) as caught:
        fitting_bundle(file, start.model_copy(update={"fold": 7}), "nnunet", CHANNELS[:1], settings)
    said = str(caught.value)
    assert all(word in said for word in ("channels", "patch_size", "features", "has the folds 0, 1"))


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def _altered(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Path.unlink, "cannot be read (No such file or directory)"),
        (lambda file: (file.unlink(), file.mkdir()), "a folder has no digest; give the bundle as a zip"),
        (_cut, "its sha256 differs from the one in the config"),
        (_altered, "its sha256 differs from the one in the config"),
    ],
)
def test_another_file_than_the_configured_one_is_refused(
    tmp_path: Path, change: Callable[[Path], object], said: str
) -> None:
    file, start = written(tmp_path)
    change(file)
    with pytest.raises(ResiduaError) as caught:
        fitting_bundle(file, start, "nnunet", CHANNELS, settings_of("nnunet"))
    assert str(caught.value).startswith(f"{file}: {said}")


def test_a_bundle_that_is_missing_is_told_before_snakemake_misses_a_file(tmp_path: Path) -> None:
    file, start = written(tmp_path)
    study = study_of("nnunet", start.model_dump())
    require_initial_bundles(study)
    for change in (file.unlink, file.mkdir):
        change()
        with pytest.raises(ResiduaError) as caught:
            require_initial_bundles(study)
        assert str(caught.value).startswith(f"{file}: there is no such file, and trainings are to start from it")
        assert "correct networks.nnunet.initial_bundles.B.file" in str(caught.value)
    require_initial_bundles(study_of("agunet"))


@pytest.mark.parametrize("change", [_cut, _altered])
def test_a_damaged_bundle_is_refused_even_if_the_configuration_describes_it(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    file, start = written(tmp_path)
    change(file)
    described = start.model_copy(update={"sha256": sha256(file.read_bytes()).hexdigest()})
    with pytest.raises(ResiduaError, match="nothing was read from it"):
        fitting_bundle(file, described, "nnunet", CHANNELS, settings_of("nnunet"))


def test_a_bundle_of_another_network_is_refused(tmp_path: Path) -> None:
    file, start = written(tmp_path, "agunet")
    with pytest.raises(ResiduaError, match="holds models of the network agunet, and nnunet is wanted"):
        fitting_bundle(file, start, "nnunet", CHANNELS, settings_of("nnunet"))


def split_of(**hospitals: tuple[str, ...]) -> Split:
    """A split by part (``fold0``, ``holdout``), each hospital with one patient."""
    folds = {int(part[4:]): tuple(f"{h}1" for h in of) for part, of in hospitals.items() if part != "holdout"}
    every = {f"{hospital}1": hospital for of in hospitals.values() for hospital in of}
    return Split(folds, tuple(f"{h}1" for h in hospitals["holdout"]), {}, every)


SAME = {"fold0": ("STO",), "fold1": ("GOT",), "holdout": ("AMS",)}


def found(study: Study, **hospitals: tuple[str, ...]) -> dict[str, str]:
    """The problems of a study by check, in words."""
    return {p.check: str(p) for p in initial_bundle_problems(study, split_of(**(hospitals or SAME)))}


def test_the_check_passes_what_fits_and_says_that_patients_cannot_be_told(tmp_path: Path) -> None:
    _, start = written(tmp_path)
    told = found(study_of("nnunet", start.model_dump()))
    assert set(told) == {"initial-bundle-of-seen"}
    assert "cannot be told whether its models were trained on patients of this cohort" in told["initial-bundle-of-seen"]
    assert "by the names of hospitals, none of a validation fold or of the hold-out" in told["initial-bundle-of-seen"]
    assert found(study_of("nnunet")) == {}


@pytest.mark.parametrize(
    ("hospitals", "told"),
    [
        ({"fold0": ("GOT",), "fold1": ("STO",), "holdout": ("AMS",)}, "(fold 0: GOT; fold 1: STO)"),
        ({"fold0": ("PAR",), "fold1": ("LIS",), "holdout": ("GOT", "STO")}, "(the hold-out: GOT, STO)"),
        ({"fold0": ("STO", "GOT"), "fold1": ("LIS",), "holdout": ("AMS",)}, "(fold 0: GOT)"),
    ],
)
def test_hospitals_that_the_models_know_are_named(
    tmp_path: Path, hospitals: dict[str, tuple[str, ...]], told: str
) -> None:
    _, start = written(tmp_path)
    assert told in found(study_of("nnunet", start.model_dump()), **hospitals)["initial-bundle-of-seen"]


def test_the_named_fold_decides_whom_the_start_knows(tmp_path: Path) -> None:
    _, start = written(tmp_path)
    of_fold_0 = {**start.model_dump(), "fold": 0}
    told = found(study_of("nnunet", of_fold_0))["initial-bundle-of-seen"]
    # The model of fold 0 was trained on the hospital of fold 1.
    assert "(fold 1: GOT)" in told


def test_a_bundle_whose_folds_are_no_lists_is_judged_by_its_population(tmp_path: Path) -> None:
    stated = {**record_of("nnunet").study, "folds": {"method": "leave_one_hospital_out"}}
    groups = [{"hospital": "GOT", "patients": 3, "residual_tumour": 2}, {"hospital": "AMS", "patients": 2}]
    population = [
        {"residual_tumour": 1, **g, "part": p} for g, p in zip(groups, ("out_of_fold", "holdout"), strict=True)
    ]
    _, start = written(tmp_path, study=stated, population=population)
    told = found(study_of("nnunet", start.model_dump()))["initial-bundle-of-seen"]
    assert "(fold 1: GOT)" in told
    (tmp_path / "b.zip").unlink()
    _, start = written(tmp_path, study=stated)
    told = found(study_of("nnunet", start.model_dump()))["initial-bundle-of-seen"]
    assert "nor does this one name their hospitals" in told


def test_a_difference_from_the_article_is_listed_while_it_applies() -> None:
    bundle, inputs = {"file": "b.zip", "sha256": NOTHING}, {"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]}

    def listed(study: Study) -> set[str]:
        names = {"Start of AGU-Net", "Start from a bundle"}
        return {deviation.what for deviation in DEVIATIONS if deviation.applies(study)} & names

    assert listed(study_of("agunet")) == {"Start of AGU-Net"}
    assert listed(study_of("agunet", bundle)) == {"Start from a bundle"}
    assert listed(study_of("agunet", bundle, inputs=inputs)) == {"Start of AGU-Net", "Start from a bundle"}
    assert listed(study_of("nnunet", bundle)) == {"Start from a bundle"}
    assert listed(study_of("nnunet")) == set()


def test_the_check_refuses_what_the_training_refuses_in_the_same_words(tmp_path: Path) -> None:
    file, start = written(tmp_path)
    study = study_of("nnunet", start.model_dump(), inputs={"B": ["post_t1ce", "post_flair"]})
    (error,) = initial_bundle_problems(study, split_of(**SAME))
    assert error.is_error
    channels = [Channel("post_t1ce", False), Channel("post_flair", False)]
    training = Training("nnunet", "B", 0, channels, study.settings_of("nnunet"))
    start_of_training = unpacked_start([str(file)], training, tmp_path / "start")
    with pytest.raises(ResiduaError) as caught, start_of_training:
        pass
    assert str(caught.value) == f"{file}: {error.what}"


def test_another_preparation_is_a_warning(tmp_path: Path) -> None:
    _, start = written(tmp_path)
    study = study_of("nnunet", start.model_dump(), preparation="composed", brain_mask={"method": "template"})
    told = found(study)["initial-bundle-prepared-differently"]
    assert "prepared in another way: brain_mask, preparation differ" in told


@NETWORKS
def test_another_region_is_a_warning_and_a_line_in_the_log_of_the_training(
    tmp_path: Path, arch: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stated = record_of(arch).study
    stated["networks"][arch]["region"] = {"label": "pre_tumor", "margin_mm": 12.5}
    file, start = written(tmp_path, arch, study=stated)
    study = study_of(arch, start.model_dump())
    said = "models saw the region of pre_tumor and 12.5 mm around it, and these trainings see the whole brain"
    assert said in found(study)["initial-bundle-of-other-region"]
    with unpacked_start([str(file)], Training(arch, "B", 0, CHANNELS, study.settings_of(arch)), tmp_path / "start"):
        assert said in capsys.readouterr().out
    same = yaml.safe_load(MICRO.read_text())["networks"]
    same[arch]["region"] = stated["networks"][arch]["region"]
    assert set(found(study_of(arch, start.model_dump(), networks=same))) == {"initial-bundle-of-seen"}


@NETWORKS
def test_card_and_report_name_the_bundle_by_its_digest_and_never_by_its_place(arch: str) -> None:
    bundle = {"file": "/secret/place.zip", "sha256": "ab" * 32}
    settings = study_of(arch, bundle, inputs={"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]})
    rate = f"{MICRO_RATES[arch] / 10:g}"
    said = " ".join(str(passage) for passage in methods(settings, {}, rated=False, folds=2))
    assert f"inputs B (learning rate {rate}) started from the models of a bundle" in said
    assert "ab" * 32 in said
    assert "secret" not in said
    assert "from scratch" not in said
    stated = record_of(arch).study
    stated["networks"][arch]["initial_bundles"] = {"B": {**bundle, "file": "b.zip"}}
    card = card_of(record_of(arch, study=stated))
    assert (
        f"the model of the same fold in the bundle with the SHA-256 {'ab' * 32}, with a learning rate of {rate}" in card
    )
    assert "- start of the trainings: random weights" in card_of(record_of(arch))
    own = settings.settings_of(arch)
    assert isinstance(own, StartingFromBundles)
    assert "secret" not in model_card(arch, CHANNELS, (3, 1), 1, own.of_inputs("B"))
    moved = study_of(arch, {**bundle, "file": "/moved.zip"}, inputs={"A": ["post_t1ce"], "B": ["post_t1ce", "post_t1"]})
    assert study_digest(moved) == study_digest(settings) != study_digest(study_of(arch))


@NETWORKS
def test_a_fine_tuned_bundle_is_applied_and_needs_no_file_of_its_start(arch: str) -> None:
    stated = record_of(arch).study
    stated["networks"][arch]["initial_bundles"] = {"B": {"file": "gone.zip", "sha256": NOTHING}}
    applied = shared_study([Bundle("b.zip", record_of(arch, study=stated))], "cohort.tsv")
    settings = applied.settings_of(arch)
    assert isinstance(settings, StartingFromBundles)
    assert settings.initial_bundles == {}
