"""What Bihuan says when it can't do what it was asked: one sentence, in Chinese and in English."""

from __future__ import annotations


class Refusal(Exception):
    """Nothing was done. `detail` and `detail_en` say why and what to do; the command line prints both and exits 1."""

    def __init__(self, detail: str, detail_en: str) -> None:
        super().__init__(detail, detail_en)
        self.detail = detail
        self.detail_en = detail_en

    def __str__(self) -> str:
        return f"{self.detail} {self.detail_en}"
