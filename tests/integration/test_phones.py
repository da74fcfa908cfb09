"""The demo's far ends: what Apprise really sends arrives and is written down."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from drill.phones import Memory, Message, Ports, demo_ports, machine_time, received, receivers
from models.settings import Settings
from notifications.channels.apprise import send

THEIRS = {"phone": "wecombot://somekey", "mail": "mailto://user:secret@example.org?to=someone@example.org"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.read({"BIHUAN_HOME": str(tmp_path)})


@pytest.mark.parametrize("channel", ["phone", "mail"])
def test_what_apprise_sends_arrives(channel: str) -> None:
    arrived: list[Message] = []
    with receivers(arrived.append) as ports:
        outcome = send(ports.url(THEIRS[channel], "p-owner"), "隐患交办 YH-2023-0001", "请于3月5日前整改，签收：http://localhost/h/1")
    assert outcome.kind == "sent"
    (message,) = arrived
    assert (message.person, message.channel, message.title) == ("p-owner", channel, "隐患交办 YH-2023-0001")
    assert "请于3月5日前整改" in message.body


def test_every_channel_is_replaced_by_one_on_loopback() -> None:
    ports = Ports(1001, 1002)
    assert ports.url(THEIRS["mail"], "甲").startswith("mailto://127.0.0.1:1002/")
    for theirs in (THEIRS["phone"], "json://10.0.0.1/x", "dingtalk://token", "nonsense"):
        assert ports.url(theirs, "p1") == "json://127.0.0.1:1001/phone/p1"


@pytest.mark.parametrize("channel", ["phone", "mail"])
def test_what_is_written_without_the_network_says_the_same(channel: str) -> None:
    arrived: list[Message] = []
    with receivers(arrived.append) as ports:
        url = ports.url(THEIRS[channel], "p1")
        send(url, "标题", "正文")
    direct = received(url, "标题", "正文")
    assert [(each.person, each.channel, each.title, each.body) for each in arrived] == [(direct.person, direct.channel, "标题", "正文")]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/phone/p1", b"", 404),
        ("POST", "/elsewhere/p1", b"{}", 404),
        ("POST", "/phone/", b"{}", 404),
        ("POST", "/phone/p1", b"no json", 400),
        ("POST", "/phone/p1", b"[]", 400),
        ("POST", "/phone/p1", b'{"title": "x"}', 400),
        ("POST", "/phone/p1", b" " * 70_000, 413),
    ],
)
def test_nonsense_is_refused_and_kills_nothing(method: str, path: str, body: bytes, status: int) -> None:
    arrived: list[Message] = []
    with receivers(arrived.append) as ports:
        connection = http.client.HTTPConnection("127.0.0.1", ports.phone, timeout=5)
        connection.request(method, path, body)
        assert connection.getresponse().status == status
        connection.close()
        assert send(ports.url("json://x", "p1"), "还在", "还在").kind == "sent"
    assert len(arrived) == 1


def test_the_memory_is_bounded(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "demo" / "phones.jsonl", limit=10_000)
    for number in range(500):
        memory(Message(machine_time(), "p1", "phone", "标题", f"第{number}条"))
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "demo").iterdir()}
    assert set(sizes) == {"phones.jsonl", "phones.old.jsonl"}
    assert all(size <= 10_500 for size in sizes.values())
    assert "第499条" in (tmp_path / "demo" / "phones.jsonl").read_text()


def test_ports_are_kept_from_start_to_start(settings: Settings) -> None:
    first = demo_ports(settings)
    assert demo_ports(settings) == first
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", first.phone))
        somebody.listen()
        assert first.phone not in (demo_ports(settings).phone, demo_ports(settings).mail)


def test_spoilt_ports_are_chosen_anew(settings: Settings) -> None:
    demo_ports(settings)
    (settings.home / "demo" / "ports.json").write_text("{")
    assert demo_ports(settings).phone > 0


def test_the_program_writes_one_line_a_message(settings: Settings) -> None:
    ports = demo_ports(settings)
    environment = {**os.environ, "BIHUAN_HOME": str(settings.home)}
    program = subprocess.Popen([sys.executable, "-m", "drill.phones"], env=environment)
    try:
        _until_open(ports.phone)
        for channel in THEIRS.values():
            assert send(ports.url(channel, "p7"), "标题", "正文").kind == "sent"
    finally:
        program.send_signal(signal.SIGTERM)
        program.wait(10)
    lines = [json.loads(line) for line in (settings.home / "demo" / "phones.jsonl").read_text().splitlines()]
    assert [(line["person"], line["channel"], line["title"], line["body"]) for line in lines] == [
        ("p7", "phone", "标题", "正文"),
        ("p7", "mail", "标题", "正文"),
    ]


def test_a_taken_port_is_one_sentence_and_exit_1(settings: Settings) -> None:
    ports = demo_ports(settings)
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", ports.mail))
        somebody.listen()
        environment = {**os.environ, "BIHUAN_HOME": str(settings.home)}
        command = [sys.executable, "-m", "drill.phones"]
        program = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=30)
    assert program.returncode == 1
    assert str(ports.mail) in program.stderr
    assert "Traceback" not in program.stderr


def _until_open(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nobody listens")
