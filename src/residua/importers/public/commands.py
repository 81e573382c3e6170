"""The commands of the public sets: ``residua import rhuh-gbm`` and the others."""

from __future__ import annotations

from residua.importers.command import (
    AssumeEarly,
    Columns,
    Deface,
    EveryScan,
    Hospital,
    Out,
    Source,
    WindowHours,
    deliver,
)
from residua.importers.public.lumiere import LUMIERE, find_lumiere
from residua.importers.public.mu_glioma_post import MU_GLIOMA_POST, find_mu_glioma_post
from residua.importers.public.rhuh_gbm import RHUH_GBM, find_rhuh_gbm
from residua.importers.public.sessions import PublicOptions
from residua.importers.public.ucsf_alptdg import UCSF_ALPTDG, find_ucsf_alptdg
from residua.importers.window import Window

_WINDOW_HOURS = Window().hours


def rhuh_gbm(
    source: Source,
    out: Out,
    hospital: Hospital = RHUH_GBM.hospital,
    column: Columns = None,
    every_scan: EveryScan = False,
    deface: Deface = False,
) -> None:
    """Import RHUH-GBM: scans before surgery and within 72 h after it."""
    options = PublicOptions(hospital, tuple(column or ()), every_scan=every_scan)
    deliver(source, out, lambda _: find_rhuh_gbm(source, options), within=None, deface=deface)


def lumiere(
    source: Source,
    out: Out,
    hospital: Hospital = LUMIERE.hospital,
    column: Columns = None,
    assume_early: AssumeEarly = False,
    every_scan: EveryScan = False,
    deface: Deface = False,
) -> None:
    """Import LUMIERE: scans rated Pre-Op and Post-Op; the hours after surgery are not documented."""
    options = PublicOptions(hospital, tuple(column or ()), Window(assume_early=assume_early), every_scan)
    deliver(source, out, lambda _: find_lumiere(source, options), within=None, deface=deface)


def ucsf_alptdg(
    source: Source,
    out: Out,
    hospital: Hospital = UCSF_ALPTDG.hospital,
    column: Columns = None,
    window_hours: WindowHours = _WINDOW_HOURS,
    assume_early: AssumeEarly = False,
    every_scan: EveryScan = False,
    deface: Deface = False,
) -> None:
    """Import UCSF-ALPTDG: the first of two follow-ups; early only if the clinical table proves it."""
    options = PublicOptions(hospital, tuple(column or ()), Window(window_hours, assume_early), every_scan)
    deliver(source, out, lambda _: find_ucsf_alptdg(source, options), within=None, deface=deface)


def mu_glioma_post(
    source: Source,
    out: Out,
    hospital: Hospital = MU_GLIOMA_POST.hospital,
    column: Columns = None,
    window_hours: WindowHours = _WINDOW_HOURS,
    assume_early: AssumeEarly = False,
    every_scan: EveryScan = False,
    deface: Deface = False,
) -> None:
    """Import MU-Glioma-Post: the first follow-up; early only if the clinical table proves it."""
    options = PublicOptions(hospital, tuple(column or ()), Window(window_hours, assume_early), every_scan)
    deliver(source, out, lambda _: find_mu_glioma_post(source, options), within=None, deface=deface)
