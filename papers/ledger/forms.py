"""The forms that there are, by name."""

from __future__ import annotations

from papers.ledger.form import Form
from papers.ledger.full import FULL
from papers.ledger.official import STATION18, STREET21, TOWNSHIP15

FORMS: dict[str, Form] = {form.code: form for form in (FULL, STREET21, STATION18, TOWNSHIP15)}
