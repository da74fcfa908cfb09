"""The `bihuan` command. A command's module is imported when that command is asked for, so that `bihuan --help` costs nothing.

To add one: a line in COMMANDS, naming a function whose parameters Typer understands, or a Typer app for a command with sub-commands.
A command refuses by raising an exception that has `detail` (Chinese) and `detail_en`: it is printed, and the exit code is 1.
"""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "owner": ("cli.owner:owner", "单独提供业主页面 · serve the owners' page alone"),
    "up": ("cli.up:up", "启动全部服务 · start everything and keep it running"),
    "load": ("cli.load:load", "载入或检查一个镇 · load a township, or only check it"),
    "new": ("cli.load:new", "写一个镇的空文件夹 · write an empty township to fill in"),
    "replay": ("cli.replay:run", "用模拟人员回放一次专项行动 · live through a campaign with simulated people"),
    "sweep": ("cli.sweep:sweep", "巡一遍到期的时钟 · fire what is due"),
    "audit": ("cli.audit:audit", "核对事件链 · check that history holds"),
    "numbers": ("cli.numbers:numbers", "考核数字、排名、异常信号与预测 · key figures, league, signals and the forecast"),
    "ledger": ("cli.ledger:ledger", "Excel 台账导出与导入 · the ledger as a workbook, out and in"),
    "user": ("cli.user:user", "用户与密码 · people who sign in"),
    "token": ("cli.user:token", "程序用的令牌 · a bearer token for a program"),
    "messages": ("cli.messages:messages", "谁被告知了什么 · who was told what, when, why"),
    "foresee": ("cli.foresee:foresee", "一直没人办理，谁会在何时被告知 · who hears what when if nobody acts"),
    "deliver": ("cli.messages:deliver", "发出到时间的消息 · send what is ready"),
    "events": ("cli.events:app", "导出事件日志 · the event log: CSV, XES, OCEL 2.0"),
    "paper": ("cli.paper:paper", "出具或重印文书 · issue a form, or print it again"),
    "archive": ("cli.paper:archive", "一案一档归档包 · a hazard's whole file as a zip"),
    "report": ("cli.report:app", "工作报告、周报、月报、统计表 · work report, weekly, monthly, statistics"),
    "webhook": ("cli.webhook:webhook", "程序订阅 · programs that hear of every event"),
    "backup": ("cli.backup:backup", "备份成一个文件 · back everything up into one file"),
    "restore": ("cli.restore:restore", "从备份恢复 · put a backup back"),
    "doctor": ("cli.doctor:doctor", "体检：哪里不对，怎么办 · what is wrong, and the way out"),
    "diagram": ("cli.diagram:diagram", "画出隐患状态机 · draw the hazard's state machine"),
}


class Commands(TyperGroup):
    """Knows every command's name and one line; imports the one that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:
        if name not in COMMANDS:
            return None
        return loaded(name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("用法 Usage"):
            formatter.write_text("bihuan COMMAND [选项 OPTIONS]    bihuan COMMAND --help")
        with formatter.section("命令 Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            detail, detail_en = _said(error)
            if detail is None or detail_en is None:
                raise
            print(detail, detail_en, sep="\n", file=sys.stderr)
            raise typer.Exit(1) from error


def _said(error: Exception) -> tuple[str | None, str | None]:
    """What a refusal says of itself, and one sentence for a full disk or a database that went away half-way."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "磁盘已满：请先腾出空间，再重试。", "The disk is full: make room, then try again."
    if type(error).__name__ == "OperationalError":
        return "数据库中途断开：请确认它在运行，再重试。", "The database went away half-way: see that it runs, then try again."
    return getattr(error, "detail", None), getattr(error, "detail_en", None)


def loaded(name: str) -> Any:
    """The command of that name, as Typer makes it."""
    place, line = COMMANDS[name]
    module, attribute = place.split(":")
    target = getattr(import_module(module), attribute)
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name, short_help=line)(target)
    return typer.main.get_command(single)


app = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def bihuan() -> None:
    """闭环 Bihuan：让每一条隐患都按期销号。"""
