"""Rule compare_raters_paired."""

from _here import job

import pandas as pd

from residua.publishing.publish import writing
from residua.raters.paired import paired_raters
from residua.raters.ranks import rater_ranks
from residua.settings.statistics import Statistics

statistics = Statistics.model_validate(job.params.statistics)
scores = [pd.read_parquet(file) for file in (job.input.scores, job.input.further)]
every = pd.concat([frame for frame in scores if len(frame)], ignore_index=True)
persons = job.params.persons
frames = {"paired": paired_raters(every, persons, statistics), "ranks": rater_ranks(every, persons, statistics)}
for name, frame in frames.items():
    with writing(job.output[name]) as beside:
        frame.to_parquet(beside, index=False)
