"""A simulated multicentre cohort of early post-operative glioblastoma MRI whose truth is known.

The heads are simple, the task is not: blood along the resection cavity looks like residual tumour on T1w-CE and is told
apart by T1w alone, which is why the study compares input configurations.
"""
