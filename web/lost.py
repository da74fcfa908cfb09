"""A form that was sent after its login had ended: nothing is done, and nothing that was typed is lost."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from web.pages.form import FIELDS_AT_MOST, FILES_AT_MOST
from web.render import bare, page_before


async def sign_in_again(request: Request) -> Response:
    """What was typed, to be copied where no script keeps it, and the way back to the form over the login page."""
    login = f"/login?next={quote(page_before(request))}"
    return bare("lost.html", 401, {"Cache-Control": "no-store"}, said=await _typed(request), login=login)


async def _typed(request: Request) -> list[str]:
    """Free texts; words of choice are written without blanks and in Latin letters."""
    try:
        form = await request.form(max_files=FILES_AT_MOST, max_fields=FIELDS_AT_MOST)
    except HTTPException:
        return []
    texts = [value.strip() for _, value in form.multi_items() if isinstance(value, str)]
    return [each for each in texts if not each.isascii() or " " in each]
