"""`groups.csv` and `channels.yaml`: optional, read whole, and every fault with its line; no robot's address stands in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from papers.township import Faults, Township, read
from papers.township.severity import First
from papers.township.shape import counts, rules
from tests.town import write_town

HEADER = "key,label,for,mode,channels\n"
ROBOT = "wecombot://11112222-3333-4444-5555-666677778888"


def town(folder: Path, **files: str) -> Township:
    write_town(folder)
    for name, said in files.items():
        (folder / name.replace("_", ".")).write_text(said, encoding="utf8")
    return read(folder, lambda url: "nonsense" not in url)


def faults(folder: Path, **files: str) -> str:
    with pytest.raises(Faults) as refused:
        town(folder, **files)
    return "\n".join(str(each) for each in refused.value.faults)


def test_without_the_files_nothing_is_said_of_them(tmp_path: Path) -> None:
    plain = town(tmp_path)
    assert (plain.groups, plain.severities) == ((), {})
    assert "channels" not in rules(plain) and "groups" not in counts(plain)


def test_a_group_hears_for_the_posts_it_names_and_for_all_of_a_unit(tmp_path: Path) -> None:
    [group] = town(tmp_path, groups_csv=f"{HEADER}g-1,消防群,fire|grid-1 grid-1,also,{ROBOT} json://x/y\n").groups
    assert group.posts == ("head-fire", "inspector", "inspector-2", "grid-1")
    assert group.channels == (ROBOT, "json://x/y")
    assert ROBOT not in repr(group)


@pytest.mark.parametrize(
    ("line", "which"),
    [
        (f"p-owner,群,fire,also,{ROBOT}", "人员编号"),
        (f"g-1,群,nowhere,also,{ROBOT}", "没有这个岗位或单位"),
        (f"g-1,群,v2-,also,{ROBOT}", "did you mean: v2"),
        (f"g-1,群,,also,{ROBOT}", "空着"),
        (f"g-1,群,fire,sometimes,{ROBOT}", "sometimes"),
        ("g-1,群,fire,also,", "空着"),
        ("g-1,群,fire,also,nonsense://secret-token", "nonsense://…"),
        (f"g-1,群,fire,instead,{ROBOT}\ng-2,群,inspector,instead,{ROBOT}", "已在第 2 行只发群"),
        (f"g-1,群,fire,also,{ROBOT}\ng-1,群,fire,also,{ROBOT}", "重复"),
    ],
)
def test_what_a_group_cant_be_is_said_with_its_line(tmp_path: Path, line: str, which: str) -> None:
    said = faults(tmp_path, groups_csv=f"{HEADER}{line}\n")
    assert which in said and "groups.csv:" in said
    assert "1111" not in said and "secret-token" not in said


def test_a_township_says_which_kinds_go_first(tmp_path: Path) -> None:
    said = "urgent: {first: [wecombot, mailto], at_once: yes}\ndigest:\n  first: [ntfy]\n"
    made = town(tmp_path, channels_yaml=said)
    assert made.severities == {"urgent": First(("wecombot", "mailto"), True), "digest": First(("ntfy",))}
    assert rules(made)["channels"]["urgent"] == {"first": ["wecombot", "mailto"], "at_once": True}


@pytest.mark.parametrize(
    ("said", "which"),
    [
        ("urgnt: {first: [mailto]}", "did you mean: urgent"),
        ("urgent: {first: [wecombot://secret-token]}", "不是通道种类"),
        ("urgent: {first: mailto}", "wrong shape"),
        ("urgent: {at_once: maybe}", "not yes or no"),
        ("urgent: [", "YAML"),
    ],
)
def test_what_makes_no_sense_is_said_with_its_line(tmp_path: Path, said: str, which: str) -> None:
    found = faults(tmp_path, channels_yaml=said)
    assert which in found and "channels.yaml:1" in found and "secret-token" not in found
