"""What fits into one message of a kind of channel, and whether one person alone reads it there.

Sources: WeCom's group robots take 2048 bytes of text, 4096 of Markdown (developer.work.weixin.qq.com/document/path/99110
«消息推送（原“群机器人”）配置说明», under its old name path/91770), DingTalk's robots 20,000 bytes a message (open.dingtalk.com, custom
robot), Feishu's 20 KB (open.feishu.cn, custom bot), ntfy 4096 bytes (docs.ntfy.sh/publish), an SMS in Chinese 70 characters or 67 a part
where it takes several (3GPP TS 23.038 and 23.040, UCS-2).
"""

from __future__ import annotations

from dataclasses import dataclass

ONE_SMS, SMS_PART = 70, 67


@dataclass(frozen=True, slots=True)
class Room:
    """`bytes` of UTF-8 that a message may have, None where nobody says; `private`: it reaches one person, not a chat or a program."""

    bytes: int | None = None
    private: bool = False

    def holds(self, text: str) -> bool:
        return self.bytes is None or len(text.encode()) <= self.bytes


ALONE, PHONE = Room(private=True), Room(4096, private=True)
ROOMS = {
    "wecombot": Room(2048), "dingtalk": Room(20_000), "feishu": Room(20_000), "lark": Room(20_000),
    "ntfy": PHONE, "ntfys": PHONE, "bark": PHONE, "barks": PHONE, "schan": Room(32_000, private=True),
    "mailto": ALONE, "mailtos": ALONE, "json": ALONE, "jsons": ALONE, "webhook+https": ALONE, "webhook+http": ALONE,
}  # fmt: skip


def room_of(url: str) -> Room:
    """Of a channel's URL or scheme. A kind that isn't known here is taken for a chat: whatever is sent there, others may read."""
    return ROOMS.get(url.split("://", 1)[0].lower(), Room())


def sms_parts(text: str) -> int:
    """How many text messages a gateway makes of it."""
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= ONE_SMS else -(-units // SMS_PART)
