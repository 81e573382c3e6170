"""Rule take_initial_weights."""

from importlib import import_module

from _here import job

from residua.networks.registry import settings_of
from residua.publishing.publish import stage

arch = job.wildcards.arch
settings = settings_of(arch).model_validate(job.params.settings)
with stage(job.output[0]) as part:
    # Found by name, as all that a network has of its own.
    import_module(f"residua.networks.{arch}.from_onnx").take_weights(settings, part)
