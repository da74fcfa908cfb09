"""The dead man's switch: a clean self-audit calls an address outside, and its silence raises the alarm there."""

from __future__ import annotations

import logging
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

SECONDS = 10.0

log = logging.getLogger("bihuan.watch")


class _StayHere(HTTPRedirectHandler):
    """A redirect is a failure: nobody else is to be told that all is well."""

    def redirect_request(self, *_: Any) -> None:
        return None


def ping(url: str) -> bool:
    """One GET of `url`; whether it was answered with 2xx. Never raises; the log names the host alone, as the rest is a secret.

    To be called while no transaction is open: it may take ten seconds to connect and ten to answer.
    """
    try:
        with build_opener(_StayHere).open(Request(url, headers={"User-Agent": "bihuan"}), timeout=SECONDS):
            return True
    except (OSError, HTTPException, ValueError) as error:
        log.warning("the dead man's switch at %s was not reached: %s", urlsplit(url).hostname, type(error).__name__)
        return False
