"""What becomes of everything that is ready at once: alone, together, overtaken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.enumerations import Purpose
from notifications.bundle import Bundle, Ready, gather


def ready(id: int, channel: int = 1, **said: object) -> Ready:
    return Ready(id, channel, str(said.pop("purpose", Purpose.overdue)), **said)  # type: ignore[arg-type]


def test_a_single_message_goes_as_it_is() -> None:
    gathered = gather([ready(1), ready(2, channel=2)])
    assert (gathered.alone, gathered.bundles, gathered.superseded) == ([1, 2], [], [])


def test_two_messages_to_one_person_become_one() -> None:
    gathered = gather([ready(1), ready(2), ready(3, channel=2)])
    assert gathered.bundles == [Bundle(1, (1, 2), urgent=False)]
    assert gathered.alone == [3]


def test_a_bundle_with_an_urgent_line_is_urgent() -> None:
    assert gather([ready(1), ready(2, urgent=True)]).bundles[0].urgent


def test_a_later_rung_overtakes_an_earlier_one_of_the_same_timer_and_run() -> None:
    gathered = gather([ready(1, series="7:1", rung=1), ready(2, series="7:1", rung=3), ready(3, series="7:2", rung=1)])
    assert gathered.superseded == [1]
    assert gathered.bundles == [Bundle(1, (2, 3), urgent=False)]


def test_a_later_repeat_overtakes_an_earlier_one() -> None:
    gathered = gather([ready(1, series="7:1", rung=5, repeat=2), ready(2, series="7:1", rung=5, repeat=1)])
    assert (gathered.superseded, gathered.alone) == ([2], [1])


def test_what_an_interrupted_round_had_begun_takes_the_new_lines_too() -> None:
    gathered = gather([ready(9, purpose=Purpose.bundle), ready(10)])
    assert gathered.bundles == [Bundle(1, (10,), urgent=False, head=9)]


def test_a_bundle_left_behind_alone_is_left_to_be_sent() -> None:
    assert gather([ready(9, purpose=Purpose.bundle)]) == gather([])


messages = st.lists(
    st.builds(
        ready,
        st.integers(1, 10**6),
        channel=st.integers(1, 4),
        series=st.none() | st.sampled_from(["a", "b"]),
        rung=st.integers(0, 3),
        repeat=st.integers(0, 2),
        urgent=st.booleans(),
    ),
    unique_by=lambda each: each.id,
)


@given(messages)
def test_every_message_has_exactly_one_fate_and_every_person_at_most_one_message(all_ready: list[Ready]) -> None:
    gathered = gather(all_ready)
    members = [id for each in gathered.bundles for id in each.members]
    assert sorted(gathered.superseded + gathered.alone + members) == sorted(each.id for each in all_ready)
    channels = [each.channel_id for each in gathered.bundles] + [each.channel_id for each in all_ready if each.id in gathered.alone]
    assert len(channels) == len(set(channels))
    assert gathered == gather(reversed(all_ready)) or {each.channel_id: set(each.members) for each in gathered.bundles} == {
        each.channel_id: set(each.members) for each in gather(reversed(all_ready)).bundles
    }
