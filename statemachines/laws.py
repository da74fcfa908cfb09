"""Every kind of case: its law, and what its steps change."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from models.enumerations import CaseKind
from statemachines import appeal, duty, effects, extension, hazard, listing, report, transfer
from statemachines.effects import replan, take_up
from statemachines.machine import Law
from statemachines.step import Change, Step

Effect = Callable[[Step], Change]
ANSWERING: Mapping[str, Effect] = {"take_up": take_up, "replan": replan}

LAWS: dict[CaseKind, Law] = {
    each.kind: each
    for each in (hazard.LAW, extension.LAW, appeal.LAW, transfer.LAW, listing.LAW, duty.LAW, report.LAW)
}
EFFECTS: dict[CaseKind, Mapping[str, Effect]] = {
    CaseKind.hazard: effects.EFFECTS,
    CaseKind.extension: {**extension.EFFECTS, **ANSWERING},
    CaseKind.appeal: {**appeal.EFFECTS, **ANSWERING},
    CaseKind.transfer: {**transfer.EFFECTS, **ANSWERING},
    CaseKind.listing: {**listing.EFFECTS, **ANSWERING},
    CaseKind.duty: {**duty.EFFECTS, **ANSWERING},
    CaseKind.report: {**report.EFFECTS, **ANSWERING},
}
# A case that opens about a hazard: its first trigger, its state then, and what is added to the hazard's code.
FIRST: dict[CaseKind, tuple[str, str, str]] = {
    CaseKind.extension: ("ask", "asked", "YQ"),
    CaseKind.appeal: ("ask", "asked", "SS"),
    CaseKind.transfer: ("send", "sent", "YS"),
    CaseKind.listing: ("propose", "proposed", "GP"),
}
# Decisions on what was asked about a hazard can be fired by the hazard's own code as well: which kind, and which trigger by what is said.
ROUTES: dict[str, tuple[CaseKind, str, Mapping[str, str]]] = {
    "decide_extension": (CaseKind.extension, "decision", {"granted": "grant", "declined": "decline", "refused": "decline"}),
    "decide_appeal": (CaseKind.appeal, "decision", {"upheld": "uphold", "dismissed": "dismiss"}),
    "transfer_reply": (CaseKind.transfer, "decision", {"accepted": "accept", "sent_back": "send_back"}),
    "delist": (CaseKind.listing, "decision", {"": "delist", "refused": "refuse_delisting"}),
}
