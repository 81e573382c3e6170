"""Rule split_folds."""

import _here  # noqa: F401

from residua.publishing.publish import write_json

write_json(snakemake.output[0], snakemake.params.split)
