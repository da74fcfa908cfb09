"""When a flow breaks, the operators hear of it: over a real receiver, not again and again, and whatever becomes of one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed, Failed

from flows import operators
from flows.deliver import deliver
from flows.escalate import escalate
from tests.acceptance.receiver import Phones

NOBODY = "json://127.0.0.1:9/nobody"


@pytest.fixture
def phones(monkeypatch: pytest.MonkeyPatch) -> Iterator[Phones]:
    monkeypatch.setattr(operators, "_told", {})
    with Phones() as phones:
        monkeypatch.setenv("BIHUAN_OPERATORS", f"{NOBODY} {phones.url_for('operator')}")
        yield phones


def breaks(*flows: object, crashed: bool = False) -> None:
    state = (Crashed if crashed else Failed)(message="no such table: notice")
    for flow in flows:
        asyncio.run(operators.tell_operators(flow, FlowRun(flow_id=uuid4(), name="送达 3月20日 18:05"), state))  # type: ignore[arg-type]


def test_each_broken_flow_is_told_once_past_an_operator_who_cant_be_reached(phones: Phones) -> None:
    breaks(deliver, deliver, escalate, deliver)
    told = phones.expect("operator", "流程 deliver 失败")
    assert "送达 3月20日 18:05" in told.text and "no such table: notice" in told.text and "/v2/runs/flow-run/" in told.text
    phones.expect("operator", "流程 escalate 失败")
    phones.nothing_else()


def test_what_keeps_the_outbox_itself_from_telling_is_told_once(phones: Phones) -> None:
    for _ in range(3):
        asyncio.run(operators.tell("locked", "闭环：通道地址打不开", "3个通道地址打不开"))
    assert "3个通道地址打不开" in phones.expect("operator", "闭环：通道地址打不开").text
    phones.nothing_else()


def test_half_an_hour_later_it_is_told_again(phones: Phones, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter((0.0, 1799.0, 1801.0))
    monkeypatch.setattr(operators, "monotonic", lambda: next(moments))
    breaks(deliver, deliver, deliver, crashed=True)
    assert [each.title or each.text for each in phones.to("operator")] == ["闭环：流程 deliver 中断"] * 2


def test_when_nobody_could_be_told_the_next_failure_tries_again(phones: Phones) -> None:
    phones.now("status", status=503)
    breaks(deliver)
    phones.now("ok")
    breaks(deliver, deliver)
    phones.expect("operator", "流程 deliver 失败")
    phones.nothing_else()


def test_without_operators_it_stands_in_the_log_alone(
    phones: Phones, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("BIHUAN_OPERATORS")
    breaks(deliver)
    assert "流程 deliver 失败" in caplog.text
    phones.nothing_else()
