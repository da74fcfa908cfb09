"""What the far end's answers and errors mean for a message: sent, temporary, permanent or unknown. No secret leaves this file."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from email.utils import parsedate_to_datetime

import requests
from urllib3.exceptions import NewConnectionError

from notifications.channels.overheard import Overheard
from notifications.outcome import SENT, Kind, Outcome

# These services answer 200 whatever happens and say the truth in the body.
ROBOTS = frozenset({"wecombot", "dingtalk", "feishu", "lark", "schan", "wxpusher"})
CODES = ("errcode", "code", "StatusCode")
MESSAGES = ("errmsg", "msg", "message", "StatusMessage")
# Sources: WeCom, developer.work.weixin.qq.com/document/path/90313 «全局错误码»; DingTalk, open.dingtalk.com «自定义机器人接入»; Feishu and
# Lark, open.feishu.cn «自定义机器人使用指南» and «频控策略»; WxPusher, wxpusher.zjiecode.com/docs.
YES = (0, "0", 1000)
# Busy, or too many messages: WeCom -1, 45009, 45033; DingTalk -1, 130101, 410100; Feishu and Lark 11232, 99991400; WxPusher 1008.
BUSY = frozenset({-1, 45009, 45033, 130101, 410100, 11232, 99991400, 1008})
# Who is too fast is shut out: by DingTalk for ten minutes, by WeCom until its minute is over.
SHUT_OUT = {130101: 600.0, 45009: 60.0}
# The message itself: WeCom 40008, 44004, 45002; DingTalk 40035, 400105; Feishu 9499; WxPusher 1003, 1007.
ABOUT_THE_MESSAGE = frozenset({40008, 44004, 45002, 40035, 400105, 9499, 1003, 1007})
REFUSED_MESSAGE = frozenset({400, 411, 413, 414, 415, 422, 431})
LATER = frozenset({408, 425, 429})
LONGEST = 200
UNTRUSTED = "TLS certificate not trusted"


def meaning(taken: bool, heard: Overheard, robot: bool) -> Outcome:
    """What a plugin call came to: its own answer, weighed against what was overheard.

    With several exchanges (more than one recipient in a URL) the doubtful one counts: part of it may have been heard.
    """
    outcomes = [of_answer(answer, robot) for answer in heard.answers] + [of_error(*error) for error in heard.errors]
    bad = [each for each in outcomes if each.kind != Kind.sent]
    good = len(outcomes) - len(bad) + heard.mails
    if bad and good:
        return Outcome(Kind.unknown, f"partly sent: {bad[0].detail}")
    if bad:
        return next((each for each in bad if each.kind == Kind.unknown), bad[-1])
    return SENT if taken else Outcome(Kind.temporary if not good else Kind.unknown, "; ".join(heard.said)[:LONGEST] or "failed")


def of_answer(answer: requests.Response, robot: bool = False) -> Outcome:
    """An HTTP answer. 504 says that a proxy heard nothing: nobody knows."""
    status = answer.status_code
    if 200 <= status < 300:
        return _of_robot(answer) if robot else SENT
    detail = f"HTTP {status}"
    if robot and _is_busy(answer):
        return Outcome(Kind.temporary, detail, _retry_after(answer))
    if status in LATER:
        return Outcome(Kind.temporary, detail, _retry_after(answer))
    if status == 504:
        return Outcome(Kind.unknown, detail)
    if status >= 500:
        return Outcome(Kind.temporary, detail, _retry_after(answer))
    return Outcome(Kind.permanent, detail, channel_gone=status not in REFUSED_MESSAGE)


def _is_busy(answer: requests.Response) -> bool:
    """Feishu's older doors say 400 where they mean 429."""
    try:
        return answer.json().get("code") in BUSY
    except (AttributeError, ValueError):
        return False


def _of_robot(answer: requests.Response) -> Outcome:
    try:
        said = answer.json()
    except ValueError:
        return Outcome(Kind.unknown, "an answer that is no JSON")
    code = next((said[name] for name in CODES if name in said), None) if isinstance(said, dict) else None
    if code is None:
        return Outcome(Kind.unknown, "an answer without a code")
    if code in YES:
        return SENT
    words = next((str(said[name]) for name in MESSAGES if said.get(name)), "")
    detail = f"errcode {code} {words}".strip()[:LONGEST]
    if code in BUSY:
        return Outcome(Kind.temporary, detail, _retry_after(answer) or SHUT_OUT.get(code))
    return Outcome(Kind.permanent, detail, channel_gone=code not in ABOUT_THE_MESSAGE)


def _retry_after(answer: requests.Response) -> float | None:
    """Seconds that the far end asks us to wait: a number, or a date, which is read against the answer's own; Feishu has its own header."""
    asked = answer.headers.get("Retry-After") or answer.headers.get("x-ogw-ratelimit-reset") or ""
    if asked.strip().isdigit():
        return float(asked)
    try:
        return max(0.0, (parsedate_to_datetime(asked) - parsedate_to_datetime(answer.headers.get("Date", ""))).total_seconds())
    except (TypeError, ValueError):
        return None


def of_error(error: Exception, written: bool) -> Outcome:
    """An error instead of an answer. `written`: the message may have left before it."""
    if isinstance(error, requests.RequestException):
        return _of_request(error)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        return _of_mail_code(min(codes, default=550), "recipient refused", gone=True)
    if isinstance(error, smtplib.SMTPResponseException):
        return _of_mail_code(error.smtp_code, type(error).__name__, gone=not isinstance(error, smtplib.SMTPDataError))
    if _untrusted([error]):
        return Outcome(Kind.temporary, UNTRUSTED)
    return Outcome(Kind.unknown if written else Kind.temporary, type(error).__name__)


def _of_mail_code(code: int, what: str, gone: bool) -> Outcome:
    """4xx asks to come back later (greylisting), 5xx is final."""
    detail = f"SMTP {code} {what}"
    return Outcome(Kind.permanent, detail, channel_gone=gone) if code >= 500 else Outcome(Kind.temporary, detail)


def _of_request(error: requests.RequestException) -> Outcome:
    name = type(error).__name__
    if isinstance(error, requests.ConnectTimeout):
        return Outcome(Kind.temporary, "connecting took too long")
    if isinstance(error, ValueError):  # a URL or header that can't be
        return Outcome(Kind.permanent, name, channel_gone=True)
    causes = list(_causes(error))
    if any(isinstance(cause, NewConnectionError) for cause in causes):
        return Outcome(Kind.temporary, "connection refused")
    if _untrusted(causes):
        return Outcome(Kind.temporary, UNTRUSTED)
    if _failed_handshake(causes):
        return Outcome(Kind.temporary, "TLS handshake failed")
    return Outcome(Kind.unknown, "no answer in time" if isinstance(error, requests.Timeout) else f"connection broken ({name})")


def _untrusted(causes: Sequence[BaseException]) -> bool:
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)


def _failed_handshake(causes: list[BaseException]) -> bool:
    """Nothing has left before a handshake is done. An end of file may come later, too."""
    return any(isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything beneath it, however the libraries have wrapped it."""
    todo: list[BaseException] = [error]
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inside = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        todo += [each for each in inside if isinstance(each, BaseException)]
