"""Four public sets of glioma MRI after surgery, each as its documentation lays it out.

Only RHUH-GBM documents that its scans are early post-operative. The others are follow-ups: their patients are left out,
with the reason, unless a clinical table proves the interval or the user assumes it.
"""
