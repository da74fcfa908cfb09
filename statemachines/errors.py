"""Why the law said no. Every error carries a sentence in Chinese (`detail`) and in English (`detail_en`)."""

from __future__ import annotations


class LawError(Exception):
    """A step that the law doesn't take; nothing has changed."""

    def __init__(self, detail: str, detail_en: str) -> None:
        super().__init__(detail, detail_en)
        self.detail = detail
        self.detail_en = detail_en

    def __str__(self) -> str:
        return self.detail


class Refused(LawError):
    """A guard refuses. `reason` is its number (`G11`) or name (`own_rung`), or `state`: the trigger doesn't start from this state."""

    def __init__(self, reason: str, detail: str, detail_en: str) -> None:
        super().__init__(detail, detail_en)
        self.args = (reason, detail, detail_en)
        self.reason = reason


class Stale(LawError):
    """Somebody else was faster: the case is at `current_version` by now."""

    def __init__(self, current_version: int) -> None:
        super().__init__(
            f"这件案卷已有新的变动（现为第{current_version}版），请刷新后再办理。",
            f"The case has moved on to version {current_version}; read it again first.",
        )
        self.args = (current_version,)
        self.current_version = current_version


class NotAllowed(LawError):
    """This post may not fire the trigger on this case, or the person doesn't hold the post now."""

    def __init__(self, post: str, detail: str, detail_en: str) -> None:
        super().__init__(detail, detail_en)
        self.args = (post, detail, detail_en)
        self.post = post


class UnknownTrigger(LawError):
    """No machine knows a trigger of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"没有“{name}”这个操作。", f"There is no trigger named {name!r}.")
        self.args = (name,)
        self.name = name


class NoSuchCase(LawError):
    """No case of this township has this code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"没有编号为“{code}”的案卷。", f"There is no case {code!r}.")
        self.args = (code,)
        self.code = code
