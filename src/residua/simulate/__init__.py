"""A simulated multicentre cohort of early post-operative glioblastoma MRI whose truth is known.

Blood along the resection cavity looks like residual tumour on T1w-CE and FLAIR and is told apart by T1w alone, which is
why the study compares input configurations. docs/explanation/simulator.md says how a patient is made and what is
assumed.
"""
