"""The ledger of 100 000 hazards out and in, beside the bare libraries writing and reading the same cells; and what it takes in memory.

Seconds of CPU of our process, so that what else runs on the machine doesn't count; PostgreSQL works beside it.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import xlsxwriter
from python_calamine import load_workbook
from sqlalchemy import Engine, text

from bench.report import say
from bench.town import MORNING, Bench
from models.database import engine, transaction
from papers.ledger.check import check
from papers.ledger.export import export
from papers.ledger.filter import Filter
from papers.ledger.forms import FORMS
from papers.ledger.intake import take
from papers.ledger.sheet import open_ledger
from papers.ledger.workbook import BODY, CONSTANT
from statemachines.advance import Acting

LINES, REGISTERED = 100_000, 10_000
PLACES = 2_000
NOW = MORNING + timedelta(days=30)

REGISTRY = text("""
insert into place (township_id, code, name, kind, status, village_id, team_id, responsible_post_id, field, also_street_shop, nine_small,
    crowded, start_work, details)
select township_id, 'b' || n, '小商店 ' || n, kind, status, village_id, team_id, responsible_post_id, field, also_street_shop, nine_small,
    crowded, start_work, details from place, generate_series(1, :places) n where code = 'shop'
""")
HAZARDS = text("""
with made as (
    insert into cases (township_id, kind, code, state, version, round, events, last_hash, grade, level, place_id, village_id, team_id,
        responsible_post_id, opened_at, due_at)
    select township_id, 'hazard', 'YH-B-' || n, 'rectifying', 3, 1, 3, repeat('0', 64), 'general', 0, id, village_id, team_id,
        responsible_post_id, :opened, :opened + interval '7 days'
    from generate_series(1, :lines) n join place on code = 'b' || (1 + n % :places) returning id, code, opened_at
)
insert into hazard (case_id, sla_class, field, threat, nature, source, description, location, measure, legal_basis, found_at, found_person,
    found_post, assigned_at, acknowledged_at, due_at, original_due_at, campaign_capped, beyond_campaign, due_estimated, on_spot,
    reinspected_by, interim_control, interim_kept, needs_gov_coordination, listing, recurrence_count, extension_count, returned_count,
    failed_count)
select id, 'g7', 'fire_nine', 'fire', 'thing', 'inspection', '灭火器压力不足，编号 ' || code, '一层门口', '更换灭火器',
    array['消防法第十六条第一款第二项'], opened_at + substr(code, 6)::int * interval '1 second', 'p-inspector', 'inspector', opened_at,
    opened_at, opened_at, opened_at, false, false, false, false, '[]', 'none', false, false, 'none', 0, 0, 0, 0
from made
""")


def measure(bench: Bench) -> None:
    with tempfile.TemporaryDirectory(prefix="bihuan-bench-") as folder:
        files = Path(folder)
        with bench.town("bench_ledger") as bound:
            _fill(bound, LINES)
            bench.settle("bench_ledger", "place")
            url = bound.url.render_as_string(hide_password=False)
            for form in ("full", "street21"):
                _out(url, form, files)
        with bench.town("bench_ledger_in") as bound:
            _fill(bound, 0)
            bench.settle("bench_ledger_in", "place")
            url = bound.url.render_as_string(hide_password=False)
            for form in ("full", "street21"):
                _in(url, form, files)
            _register(url, files / "full.xlsx")


def _fill(bound: Engine, lines: int) -> None:
    with bound.begin() as connection:
        connection.execute(REGISTRY, {"places": PLACES})
        if lines:
            connection.execute(HAZARDS, {"lines": lines, "places": PLACES, "opened": MORNING - timedelta(days=10)})


def _out(url: str, form: str, files: Path) -> None:
    path = files / f"{form}.xlsx"
    took, peak = _alone(_export, url, form, path)
    bare, _ = _alone(_write, path, files / "bare.xlsx", LINES)
    wide = len(FORMS[form].columns)
    say(f"export of {LINES:,} lines, {wide} columns ({form})", f"{took:.1f} s of CPU, {peak} MB")
    say("  xlsxwriter alone, the same cells", f"{bare:.1f} s (ours at {bare / took:.2f} of its speed)")


def _in(url: str, form: str, files: Path) -> None:
    path = files / f"{form}.xlsx"
    took, peak = _alone(_check, url, path)
    bare, bare_peak = _alone(_read, path)
    say(f"import of {LINES:,} lines ({form}): looked at, read, every line checked", f"{took:.1f} s of CPU, {peak} MB")
    say("  calamine alone, the same cells", f"{bare:.1f} s, {bare_peak} MB (ours at {bare / took:.2f} of its speed)")


def _register(url: str, whole: Path) -> None:
    path = whole.with_name("some.xlsx")
    _write(whole, path, REGISTERED)
    start = perf_counter()
    _, peak = _alone(_take, url, path)
    took = perf_counter() - start
    say(f"import of {REGISTERED:,} lines, checked twice and registered", f"{took:.1f} s, {peak} MB")
    say("  hazards a second through the one door", f"{REGISTERED / took:,.0f}")


def _export(url: str, form: str, path: Path) -> None:
    bound = engine(url)
    with transaction(bound) as session:
        export(session, path, FORMS[form], _township(session), Filter(), NOW)
    bound.dispose()


def _write(source: Path, path: Path, lines: int) -> float:
    """Writes what the source holds; answers the seconds of CPU that writing alone took."""
    rows = load_workbook(str(source)).get_sheet_by_index(0).to_python()[: lines + 1]
    start = process_time()
    _bare(rows, path)
    return process_time() - start


def _bare(rows: list[list[Any]], path: Path) -> None:
    book = xlsxwriter.Workbook(str(path), CONSTANT)
    sheet = book.add_worksheet()
    plain, moment = book.add_format(BODY), book.add_format({**BODY, "num_format": "yyyy-mm-dd hh:mm:ss"})
    for line, row in enumerate(rows):
        for at, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(line, at, cell, moment)
            elif cell == "":
                sheet.write_blank(line, at, None, plain)
            elif isinstance(cell, str):
                sheet.write_string(line, at, cell, plain)
            else:
                sheet.write_number(line, at, cell, plain)
    book.close()


def _check(url: str, path: Path) -> None:
    bound = engine(url)
    with transaction(bound) as session:
        found = check(session, open_ledger(path), _township(session), NOW)
    assert found.fresh == LINES, found
    bound.dispose()


def _read(path: Path) -> None:
    for _ in load_workbook(str(path)).get_sheet_by_index(0).iter_rows():
        pass


def _take(url: str, path: Path) -> None:
    bound = engine(url)
    with transaction(bound) as session:
        acting = Acting(_township(session), "p-dispatcher", "dispatcher")
        taken = take(session, open_ledger(path), acting, NOW, wall=NOW, name=path.name)
    assert len(taken.codes) == REGISTERED, taken.checked
    bound.dispose()


def _township(session: Any) -> int:
    return int(session.execute(text("select id from township")).scalar_one())


def _alone(work: Callable[..., float | None], *about: Any) -> tuple[float, int]:
    """Seconds of CPU that the work takes in a process of its own, and by how many MB that process's peak of resident memory grew."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (work, about))


def _measured(work: Callable[..., float | None], about: tuple[Any, ...]) -> tuple[float, int]:
    start, before = process_time(), _peak()
    said = work(*about)
    return (process_time() - start if said is None else said), _peak() - before


def _peak() -> int:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024
