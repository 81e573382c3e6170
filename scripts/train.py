"""Rules train and train_preoperative."""

from dataclasses import replace

from _here import job, on_card, say

from residua.bundle.start import Training, digest_of_start, unpacked_start
from residua.networks.model_card import describe_training, model_card
from residua.networks.registry import settings_of, train_of
from residua.networks.selected import read_training_set
from residua.networks.training_data import data_beside
from residua.publishing.progress import show_progress
from residua.publishing.publish import digest, republished, stage, write_text
from residua.settings.machine import machine_of

arch, inputs, begun = job.wildcards.arch, job.wildcards.get("inputs"), list(job.input.start)
settings, version, scratch = job.params.settings, job.params.version, machine_of(job.config).local_scratch
settings = settings_of(arch).model_validate(settings)
resumes = describe_training(digest(job.input[0]) + digest_of_start(begun), version, settings)
if not republished(job.output[0], resumes):
    data, files = read_training_set(job.input[0])
    training = Training(arch, inputs, int(job.wildcards.fold), data.channels, settings)
    with (
        stage(job.output[0], resumes=resumes) as part,
        data_beside(data, files, part, scratch, say) as (near, watched),
        unpacked_start(begun, training, part / "start") as start,
    ):
        train, patients = on_card(train_of, arch), (len(data.training), len(data.validation))
        train(replace(near, start=start), settings, part, watched(show_progress("epoch", part / "progress.json")))
        write_text(part / "model_card.md", model_card(arch, data.channels, patients, version, settings, not inputs))
