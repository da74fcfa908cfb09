"""What went wrong, as RFC 9457 problem details with a sentence for people in Chinese and in English."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from models.refusal import Refusal
from statemachines.errors import LawError, NoSuchCase, NotAllowed, Refused, Stale, UnknownTrigger
from web.house import NotReady

TITLES = {
    400: ("请求有误", "Bad request"),
    401: ("请先登录", "Not signed in"),
    403: ("没有权限", "Not allowed"),
    404: ("没有找到", "Not found"),
    405: ("不支持这种操作", "Method not allowed"),
    409: ("现在不能这样办", "Conflict"),
    410: ("链接已失效", "Gone"),
    413: ("内容太大", "Too large"),
    422: ("填写有误", "Not understood"),
    428: ("缺少版本号", "Version required"),
    429: ("操作太频繁", "Too many requests"),
    500: ("系统出错了", "Internal error"),
    503: ("系统还没有准备好", "Not ready"),
}
SAYINGS = {
    400: ("这个请求看不懂，请检查后再试。", "The request can't be read; check it and try again."),
    404: ("这里没有你要找的内容。", "There is nothing here."),
    405: ("这个地址不支持这种请求方法。", "This address doesn't take that method."),
    413: ("上传的内容超过了大小限制，请缩小后再试。", "What was sent is too large; send less."),
    500: ("系统出错，已记录；没有任何内容被改动，请稍后再试。", "Something broke and has been logged; nothing was changed."),
    503: ("暂时连不上数据库，请稍后再试。", "The database can't be reached at the moment."),
}


class Problem(Exception):
    """A refusal with its HTTP status; `more` are further members of the problem's JSON, `headers` go out with it."""

    def __init__(self, status: int, detail: str, detail_en: str, *, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.detail_en = detail_en
        self.headers = headers or {}
        self.more = more

    @property
    def title(self) -> str:
        return TITLES.get(self.status, TITLES[500])[0]

    def body(self) -> dict[str, Any]:
        zh, en = TITLES.get(self.status, TITLES[500])
        said = {"type": "about:blank", "title": zh, "title_en": en, "status": self.status}
        return {**said, "detail": self.detail, "detail_en": self.detail_en, **self.more}


EXPECTED = (Problem, LawError, RequestValidationError, HTTPException, NotReady, OperationalError, PoolTimeout, DataError, Refusal)


class ProblemBody(BaseModel):
    """An error in a program's terms (RFC 9457)."""

    model_config = ConfigDict(title="Problem")
    type: str = "about:blank"
    title: str
    title_en: str
    status: int
    detail: str
    detail_en: str
    reason: str | None = None
    current_version: int | None = None
    errors: list[dict[str, str]] | None = None


def problem_of(error: Exception) -> Problem:
    """The problem that an exception means to whoever asked."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, LawError):
        return _of_the_law(error)
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, NotReady):
        return Problem(503, f"系统正在启动：{error.progress.step or '请稍候'}。", "Bihuan is still starting.", headers={"Retry-After": "3"})
    if isinstance(error, HTTPException):
        zh, en = SAYINGS.get(error.status_code, SAYINGS[500 if error.status_code >= 500 else 400])
        return Problem(error.status_code, zh, en, headers=dict(error.headers or {}))
    if isinstance(error, DataError):
        return Problem(422, "内容里有系统无法保存的字符或数值。", "Something in it can't be stored.")
    if isinstance(error, OperationalError | PoolTimeout | Refusal):
        return Problem(503, *SAYINGS[503], headers={"Retry-After": "3"})
    return Problem(500, *SAYINGS[500])


def _of_the_law(error: LawError) -> Problem:
    if isinstance(error, Stale):
        return Problem(409, error.detail, error.detail_en, reason="stale", current_version=error.current_version)
    if isinstance(error, Refused):
        return Problem(409, error.detail, error.detail_en, reason=error.reason)
    if isinstance(error, NotAllowed):
        return Problem(403, error.detail, error.detail_en, reason="post", post=error.post)
    if isinstance(error, UnknownTrigger | NoSuchCase):
        return Problem(404, error.detail, error.detail_en)
    return Problem(409, error.detail, error.detail_en)


def _invalid(error: RequestValidationError) -> Problem:
    errors = [{"where": _where(each["loc"]), "message": str(each["msg"])} for each in error.errors()]
    named = "、".join(dict.fromkeys(each["where"] for each in errors))
    return Problem(422, f"这些内容填写有误：{named}。", f"Not understood: {named}.", errors=errors)


def _where(location: Iterable[Any]) -> str:
    """The field's name; where the body as a whole is wrong, `body`."""
    parts = [str(part) for part in location]
    return ".".join(parts[1:]) or parts[0]


def as_json(problem: Problem) -> Response:
    return JSONResponse(problem.body(), problem.status, headers=problem.headers, media_type="application/problem+json")


def for_program(request: Request) -> bool:
    """Whether a program asks, or a page's script, who want JSON, not a page."""
    path, wanted = request.url.path, request.headers.get("accept")
    return path.startswith(("/api/", "/readyz", "/metrics", "/healthz")) or wanted == "application/json"
