"""The campaign's countdown on a real database: once a business day, to the people it names, with numbers that add up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.database import as_json, transaction
from notifications.countdown import Count, Countdown, countdown_due
from notifications.outcome import SENT
from tests.acceptance.receiver import receivers
from tests.stage import Stage
from tests.town import person_of
from tests.voice import Voice


@pytest.fixture
def voice(stage: Stage) -> Iterator[Voice]:
    with receivers() as (phones, mailbox):
        yield Voice(stage, phones, mailbox)


def ladder(voice: Voice, *rungs: tuple[int, list[str], bool]) -> None:
    """Gives the campaign another ladder: days left, who is told, whether it repeats daily."""
    said = [{"days_left": days, "at": ["08:30"], "to": told, "about": f"T{-days:+d}", "daily": daily} for days, told, daily in rungs]
    voice.stage.do("update campaign set reminders = cast(:said as jsonb)", said=as_json(said))


def count(voice: Voice) -> Countdown:
    with transaction(voice.stage.engine) as session:
        return countdown_due(session, voice.stage.clock)


def the_only(countdown: Countdown) -> Count:
    (only,) = countdown.counts
    return only


def quiet(voice: Voice) -> None:
    """What the cases themselves had to say is said."""
    voice.deliver(channel=lambda url, title, body: SENT)
    voice.phones.forget()


def test_the_numbers_are_those_of_the_open_cases(voice: Voice) -> None:
    voice.stage.to_closed()
    for place in ("shop", "shop-2"):
        voice.stage.to_assigned(place)
    voice.stage.to_assigned("pit", grade="major", sla_class="major")
    voice.stage.at("2023-02-24T09:00+08:00")
    said = the_only(count(voice))
    assert (said.open, said.major, said.closed, said.days) == (3, 1, 1, 35)
    assert said.per_day == 1
    assert said.rate == round(1 / 7, 2)
    assert said.forecast == 0, "35 days at one a week close all three"
    assert [(each["team"], each["open"]) for each in said.teams] == [("消防服务中心", 3)]
    assert [(each["post"]["unit"], each["open"]) for each in said.most] == [("东村", 2), ("西村", 1)]
    assert {red.place: red.why for red in said.red} == {"一号矿": ("major",), "小商店一": ("recurrent",)}, "the shop's came back"


def test_a_day_is_counted_once_after_half_past_eight_whatever_the_schedule_does(voice: Voice) -> None:
    voice.stage.to_assigned()
    voice.stage.at("2023-02-21T08:29+08:00")
    assert not count(voice).counts
    voice.stage.at("2023-02-21T08:30+08:00")
    assert len(count(voice).counts) == 1
    for _ in range(10):
        voice.stage.later(hours=1)
        assert not count(voice).counts
    voice.stage.at("2023-02-22T15:00+08:00")
    assert len(count(voice).counts) == 1
    assert voice.stage.one("select count(*) as n from occasion where name like '%countdown'").n == 2


def test_two_countdowns_at_once_do_it_once(voice: Voice) -> None:
    voice.stage.to_assigned()
    voice.stage.at("2023-03-24T09:00+08:00")
    with transaction(voice.stage.engine) as session:
        assert countdown_due(session, voice.stage.clock).counts
        assert not count(voice).counts, "somebody else is at it"
    assert not count(voice).counts, "it is done"


def test_a_reminder_reaches_its_audience_with_the_part_that_is_theirs(voice: Voice) -> None:
    ladder(voice, (7, ["responsible", "grid_member", "deputy_in_charge", "township_head"], False))
    for place in ("shop", "shop", "shop-2"):
        voice.stage.to_assigned(place)
    voice.stage.to_assigned("pit", grade="major", sla_class="major")
    quiet(voice)
    voice.stage.at("2023-03-24T08:30+08:00")
    assert the_only(count(voice)).told == 7
    voice.deliver()
    voice.phones.expect(person_of("owner"), "距3月31日还有7天，未销号4项（重大1项）", "您名下2项", "您为东村企业主要负责人")
    voice.phones.expect(person_of("owner-2"), "您名下1项")
    voice.phones.expect(person_of("owner-3"), "您名下1项")
    voice.phones.expect(person_of("grid-1"), "您名下3项")
    voice.phones.expect(person_of("grid-2"), "您名下1项")
    voice.phones.expect(person_of("deputy"), "最多：东村村支部书记3项、西村村支部书记1项。")
    voice.phones.expect(person_of("mayor"), "须每天销号1项", "T-7")
    voice.nothing_else()


def test_who_has_nothing_open_is_left_in_peace(voice: Voice) -> None:
    ladder(voice, (7, ["responsible", "grid_member", "village_secretary"], False))
    voice.stage.to_assigned("shop")
    quiet(voice)
    voice.stage.at("2023-03-24T09:00+08:00")
    count(voice)
    voice.deliver()
    for post in ("owner", "grid-1", "village-1"):
        voice.phones.expect(person_of(post), "未销号1项")
    voice.nothing_else()


def test_a_person_with_several_posts_of_the_audience_hears_it_once(voice: Voice) -> None:
    ladder(voice, (7, ["grid_member", "village_secretary"], False))
    voice.stage.do(
        "update holding set person_id = person.id from person, post"
        " where person.key = 'p-grid-1' and post.code = 'village-1' and post.id = holding.post_id"
    )
    voice.stage.to_assigned("shop")
    quiet(voice)
    voice.stage.at("2023-03-24T09:00+08:00")
    assert the_only(count(voice)).told == 1


def test_nothing_open_is_no_news(voice: Voice) -> None:
    voice.stage.at("2023-03-24T09:00+08:00")
    said = the_only(count(voice))
    assert (said.open, said.told) == (0, 0)
    assert not count(voice).counts


def test_after_downtime_only_the_latest_reminder_is_sent_with_today_s_numbers(voice: Voice) -> None:
    ladder(voice, (14, ["township_head"], False), (10, ["township_head"], False), (7, ["township_head"], False))
    voice.stage.to_assigned()
    quiet(voice)
    voice.stage.at("2023-03-25T10:00+08:00")
    assert the_only(count(voice)).reminder == "T-7"
    voice.deliver()
    voice.phones.expect(person_of("mayor"), "还有6天", "T-7")
    voice.stage.later(hours=1)
    assert not count(voice).counts
    voice.deliver()
    voice.nothing_else()


def test_after_the_deadline_the_unclosed_list_goes_up_every_day(voice: Voice) -> None:
    ladder(voice, (-1, ["party_secretary", "district_office"], True))
    code = voice.stage.to_assigned()
    quiet(voice)
    for day, days in (("2023-04-01", 1), ("2023-04-02", 2)):
        voice.stage.at(f"{day}T08:30+08:00")
        said = the_only(count(voice))
        assert [(red.code, red.interim_control) for red in said.red] == [(code, "none")]
        voice.deliver()
        voice.phones.expect(person_of("secretary"), f"3月31日已过{days}天，逾期未销号1项")
        voice.phones.expect(person_of("district"), "请逐项落实管控措施与新时限")
    voice.nothing_else()


def test_a_reminder_held_on_a_quiet_morning_is_overtaken_by_the_next(voice: Voice) -> None:
    ladder(voice, (7, ["township_head"], False), (6, ["township_head"], False))
    voice.stage.to_assigned()
    quiet(voice)
    for day in ("2023-03-24", "2023-03-25"):  # nobody delivers in between
        voice.stage.at(f"{day}T09:00+08:00")
        count(voice)
    assert voice.deliver().counts["expired"] == 1
    voice.phones.expect(person_of("mayor"), "还有6天")
    voice.nothing_else()
