"""Coming in with a user name and a password."""

from __future__ import annotations

from fastapi import Request

from web import accounts
from web.caller import Caller, find
from web.house import House, house_of
from web.problem import Problem

FAILURES_OF_A_MACHINE = 60
WRONG = ("用户名或密码不对。", "User name or password is wrong.")


def sign_in(request: Request, username: str, password: str) -> Caller:
    """The person's caller with a new token. Raises Problem 401 when they don't match, 429 after too many failures."""
    house = house_of(request)
    wall = house.clock.wall()
    where = request.client.host if request.client else ""
    own, whole = request.app.state.patience, request.app.state.patience_with_machines
    wait = max(own.wait((username, where), wall), whole.wait(where, wall))
    if wait:
        said = (f"登录失败次数太多，请 {wait} 秒后再试。", f"Too many failures: try again in {wait} s.")
        raise Problem(429, *said, headers={"Retry-After": str(wait)})
    caller = _checked(house, username, password)
    if caller is None:
        own.failed((username, where), wall)
        whole.failed(where, wall)
        raise Problem(401, *WRONG)
    own.succeeded((username, where))
    return caller


def _checked(house: House, username: str, password: str) -> Caller | None:
    with house.transaction() as session:
        person = accounts.person_with(session, username, password)
        if person is None:
            return None
        token = accounts.open_login(session, person, house.clock.wall())
        return find(session, house, token)
