"""Addresses sealed at rest: only whoever holds the house's key reads more of a channel than its kind.

`wecombot://~…`: the scheme stays readable, since rules and pages speak of kinds of channels, and is bound to the rest. Sealed by AES-SIV
(RFC 5297), which gives the same word for the same address: loading a township again changes nothing, and what goes to the same robot
can be counted without the key. It tells that two channels are the same, and about how long an address is; docs/adr/0010.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from models.keys import key_for
from models.refusal import Refusal

SEALED = re.compile(r"([^:/]*)://~([A-Za-z0-9_=-]+)")


class Locked(Refusal):
    """An address that was sealed with another key than the one that is here."""


def seal(url: str, key: bytes | None = None) -> str:
    """The address as it is kept; one that is sealed already stays as it is."""
    if SEALED.fullmatch(url):
        return url
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    return f"{scheme}://~{urlsafe_b64encode(_cipher(key).encrypt(rest.encode(), [scheme.encode()])).decode()}"


def opened(kept: str, key: bytes | None = None) -> str:
    """The address that `kept` stands for; one from before there was a seal is read as it is. Raises Locked."""
    sealed = SEALED.fullmatch(kept)
    if sealed is None:
        return kept
    scheme, rest = sealed.groups()
    try:
        return f"{scheme}://{_cipher(key).decrypt(urlsafe_b64decode(rest), [scheme.encode()]).decode()}"
    except (InvalidTag, NotBase64, ValueError):
        raise Locked(
            f"这个{scheme}地址是用另一把密钥封存的：请找回 BIHUAN_HOME/key（或 BIHUAN_KEY），或重新载入镇的文件夹。",
            f"This {scheme} address was sealed with another key: bring back BIHUAN_HOME/key (or BIHUAN_KEY), or load the township again.",
        ) from None


def readable(kept: str) -> str:
    """The address, or what is kept of it where the key is another one."""
    try:
        return opened(kept)
    except Locked:
        return kept


def _cipher(key: bytes | None) -> AESSIV:
    return AESSIV(key or key_for("seal"))
