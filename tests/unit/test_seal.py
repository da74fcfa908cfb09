"""Addresses at rest: what is kept tells nothing but the kind, and only the right key opens it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.seal import SEALED, Locked, opened, readable, seal

KEY, OTHER = b"k" * 32, b"o" * 32
SCHEMES = st.from_regex(r"[a-z][a-z0-9+.-]{0,15}", fullmatch=True)
RESTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=60)


@given(SCHEMES, RESTS)
def test_what_was_sealed_is_opened_by_the_same_key_and_is_the_same_word_again(scheme: str, rest: str) -> None:
    url = f"{scheme}://{rest}"
    kept = seal(url, KEY)
    assert opened(kept, KEY) == url or SEALED.fullmatch(url)
    assert seal(url, KEY) == kept == seal(kept, KEY)
    assert kept.split("://")[0] == scheme


@given(st.from_regex(r"[A-Za-z0-9/@:?=&%.-]{12,40}", fullmatch=True))
def test_nothing_of_an_address_but_its_kind_stands_in_what_is_kept(rest: str) -> None:
    """No run of five characters of it (a shorter one falls into base64 by chance)."""
    kept = seal(f"wecombot://{rest}", KEY).removeprefix("wecombot://")
    assert not [rest[at : at + 5] for at in range(len(rest) - 4) if rest[at : at + 5] in kept]


@given(SCHEMES, RESTS)
def test_another_key_opens_nothing_and_says_what_to_do(scheme: str, rest: str) -> None:
    kept = seal(f"{scheme}://{rest}", KEY)
    if kept == f"{scheme}://{rest}":
        return
    with pytest.raises(Locked, match=r"BIHUAN_KEY.*load the township") as no:
        opened(kept, OTHER)
    assert len(rest) < 12 or rest not in str(no.value)


def test_a_kind_cant_be_put_before_another_kinds_address() -> None:
    kept = seal("mailto://somebody@town.test", KEY)
    with pytest.raises(Locked):
        opened(kept.replace("mailto", "json"), KEY)


@pytest.mark.parametrize("spoilt", ["json://~", "json://~AAAA", "json://~" + "A" * 22, "json://~=="])
def test_what_nobody_sealed_is_locked_or_read_as_it_stands(spoilt: str) -> None:
    assert readable(spoilt) == spoilt
    if SEALED.fullmatch(spoilt):
        with pytest.raises(Locked):
            opened(spoilt, KEY)


def test_an_address_from_before_there_was_a_seal_is_read_as_it_is() -> None:
    assert opened("json://127.0.0.1/~somebody", KEY) == "json://127.0.0.1/~somebody"
    assert re.fullmatch(SEALED, seal("JSON://x", KEY))
