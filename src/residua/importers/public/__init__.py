"""Import four public sets of glioma MRI after surgery, each as documented.

Only RHUH-GBM documents that its scans are early post-operative. The others are follow-ups: their patients are excluded,
with the reason, unless a clinical table proves the interval or the user assumes it.
"""
