"""A township's own words: written by the office or its folder, said from the next message on, every version kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from cli.main import app
from models.database import transaction
from notifications.deliver import deliver_due
from notifications.outcome import Kind, Outcome
from notifications.templates import zh
from papers.township import load, read
from tests.integration.test_api import problem
from tests.site import Site, serve
from tests.stage import Stage
from tests.town import write_town

OWN = "【请督办·{level}级】{code} {place}：{what}，{act}已超{over}。{idle}{you}，请今天督办。{late}{up}"
NOW = datetime(2023, 3, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def site(stage: Stage, tmp_path: Path) -> Iterator[Site]:
    with serve(stage, tmp_path) as running:
        yield running


def overdue(stage: Stage) -> list[str]:
    """What is heard when a hazard goes up to its first level."""
    heard: list[str] = []

    def listen(_url: str, _title: str, body: str) -> Outcome:
        heard.append(body)
        return Outcome(Kind.sent)

    stage.to_rectifying()
    stage.at("2023-02-25T08:00+08:00")
    stage.do("update notice set state = 'cancelled' where state = 'planned'")
    stage.sweep()
    deliver_due(stage.engine, stage.clock, channel=listen)
    return heard


def test_a_program_reads_and_changes_a_text_and_the_next_message_says_it(site: Site) -> None:
    head = site.api("office-head")
    before = head.get("/api/v1/wording/overdue").json()
    assert (before["own"], before["text"], before["version"], before["real"]) == (False, zh.TEMPLATES["overdue"], 0, False)
    assert {"name": "up", "needed": True} in [{key: each[key] for key in ("name", "needed")} for each in before["variables"]]
    bad = problem(head.put("/api/v1/wording/overdue", json={"text": "{code} {you} {nonsense}"}), 422)
    assert "{nonsense}" in bad["detail"] and "缺少 {up}" in bad["detail"]
    changed = head.put("/api/v1/wording/overdue", json={"text": OWN, "version": 0}).json()
    assert (changed["own"], changed["version"], changed["by_post"]) == (True, 1, "office-head")
    assert any(text.startswith("【请督办·1级】YH-2023-0001 小商店一：灭火器压力不足，整改已超1天8小时。") for text in overdue(site.stage))
    told = head.get("/api/v1/wording/overdue").json()
    assert told["real"] and told["preview"].startswith("【请督办·1级】YH-2023-0001 小商店一")
    english = head.get("/api/v1/wording/overdue?language=en").json()
    assert english["preview"].startswith("[Overdue, level 1] YH-2023-0001") and english["spoken"] == "zh"


def test_who_may_not_and_who_comes_too_late_changes_nothing(site: Site) -> None:
    head = site.api("office-head")
    assert head.put("/api/v1/wording/overdue", json={"text": OWN, "version": 0}).status_code == 200
    assert problem(head.put("/api/v1/wording/overdue", json={"text": OWN + "！", "version": 0}), 409)["current_version"] == 1
    assert problem(site.api("dispatcher").put("/api/v1/wording/overdue", json={"text": None}), 403)
    assert problem(site.api("owner").get("/api/v1/wording/overdue"), 403)
    assert problem(head.get("/api/v1/wording/nonsense"), 404)
    assert problem(head.get("/api/v1/wording/overdue?language=de"), 404)
    with pytest.raises(DBAPIError, match="permission denied"):
        site.stage.do("update wording set text = 'x'")
    with pytest.raises(DBAPIError, match="permission denied"):
        site.stage.do("delete from wording")
    assert head.put("/api/v1/wording/overdue", json={"text": None}).json()["own"] is False
    assert [row.text for row in site.stage.all("select text from wording order by id")] == [OWN, None]


def test_what_stands_around_many_lines_is_written_and_said_too(site: Site) -> None:
    head, page = site.api("office-head"), site.browser("office-head")
    assert "合并消息 · 没列出的" in page.get("/wording").text
    frame = "【{count}件事】{you}，请今天都看一遍：\r\n{lines}\r\n{more}{up}"
    done = page.post("/wording/bundle", data={"language": "zh", "version": "0", "text": frame})
    assert "已保存" in done.text
    more = head.put("/api/v1/wording/bundle.more", json={"text": "另有{count}项，点开看。"}).json()
    assert more["preview"].count("另有1项，点开看。") == 1
    assert "缺少 {more}" in problem(head.put("/api/v1/wording/digest", json={"text": "{you}{lines}"}), 422)["detail"]
    site.stage.do("""update township set rules = rules || '{"bundle_cap": 1}'""")
    site.stage.to_rectifying("shop-2")
    heard = [text for text in overdue(site.stage) if text.startswith("【2件事】您为")]
    assert heard and all("请今天都看一遍：\n1. 〔逾期〕YH-2023-0001" in text and "\n另有1项，点开看。\n" in text for text in heard)
    told = head.get("/api/v1/wording/bundle").json()
    assert told["real"] and told["preview"].startswith("【2件事】")


def test_the_office_writes_previews_and_takes_back_on_a_page_without_a_script(site: Site) -> None:
    head = site.browser("office-head")
    assert "逾期升级" in head.get("/wording").text
    assert 'href="/wording"' in head.get("/inbox").text
    preview = head.post("/wording/overdue/preview", data={"language": "zh", "text": OWN})
    assert "【请督办·2级】" in preview.text and "虚构" in preview.text
    part = head.post("/wording/overdue/preview", data={"language": "zh", "text": OWN}, headers={"HX-Request": "true"}).text
    assert "【请督办·2级】" in part and "<html" not in part and "企业微信" in part
    wrong = head.post("/wording/overdue", data={"language": "zh", "version": "0", "text": "{code} <b>"})
    assert wrong.status_code == 422 and "缺少 {you}" in wrong.text and "&lt;b&gt;" in wrong.text
    done = head.post("/wording/overdue", data={"language": "zh", "version": "0", "text": OWN})
    assert "已保存" in done.text and "改过 1 次" in done.text and "office-head的人" in done.text
    assert "用系统自带的说法" in head.post("/wording/overdue", data={"language": "zh", "version": "1", "standard": "yes"}).text
    assert "readonly" in site.browser("mayor").get("/wording/overdue").text
    assert site.browser("owner").get("/wording").status_code == 403
    assert site.stage.one("select count(*) as n from wording").n == 2


def test_the_folders_words_are_loaded_once_and_leave_the_offices_later_ones_alone(site: Site, tmp_path: Path) -> None:
    stage, folder = site.stage, write_town(tmp_path / "again")

    def put(body: str | None) -> bool:
        (folder / "messages.yaml").unlink(missing_ok=True)
        if body is not None:
            (folder / "messages.yaml").write_text(f'zh:\n  overdue: "{body}"\n', encoding="utf8")
        with transaction(stage.engine) as session:
            return load(session, read(folder), NOW).anything

    def current() -> str | None:
        return stage.one("select text from wording order by id desc limit 1").text

    put(None)
    assert put(OWN) and current() == OWN
    assert not put(OWN)
    assert site.api("office-head").put("/api/v1/wording/overdue", json={"text": OWN + "谢谢。"}).status_code == 200
    assert not put(OWN) and not put(None) and current() == OWN + "谢谢。"
    assert put(OWN + "请回复。") and current() == OWN + "请回复。"
    assert put(None) and current() is None


def test_the_command_reads_every_text_aloud(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url = site.stage.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("BIHUAN_DATABASE_URL", url)
    monkeypatch.setenv("BIHUAN_HOME", str(tmp_path))
    site.api("office-head").put("/api/v1/wording/overdue", json={"text": OWN})
    done = CliRunner().invoke(app, ["messages", "--preview"])
    assert done.exit_code == 0, done.output
    assert "overdue  逾期升级  本镇 own\n    【请督办·2级】" in done.stdout
    assert "[Overdue, level 2]" in CliRunner().invoke(app, ["messages", "--preview", "--language", "en"]).stdout
    assert CliRunner().invoke(app, ["messages", "--preview", "--language", "de"]).exit_code == 1
