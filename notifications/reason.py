"""Why a message is in its state: every step of the voice answers with one of these."""

from __future__ import annotations

from models.enumerations import Word


class Reason(Word):
    quiet_hours = "quiet_hours", "免打扰时段，暂缓", "held until quiet hours end"
    silenced = "silenced", "已静默，暂缓", "held until a silence ends"
    person_limit = "person_limit", "一小时内已告知多条，稍后合并告知", "held since this person has been told enough within the hour"
    channel_limit = "channel_limit", "通道限速，排队等候", "waits for its channel's rate limit"
    in_digest = "in_digest", "不急，并入每日清单", "waits for the daily digest"
    superseded = "superseded", "同一时钟已到更高一级，由新消息取代", "overtaken by a later rung of the same timer"
    bundled = "bundled", "并入同一人的合并消息", "told in one message with others"
    overtaken = "overtaken", "隐患已有进展，不必再告知", "a step of the case took it back"
    case_moved = "case_moved", "隐患状态已变，不必再告知", "the case has left the states this was for"
    timer_stopped = "timer_stopped", "时钟已停，不必再告知", "its timer has stopped"
    timer_restarted = "timer_restarted", "时钟已重新起算，不必再告知", "its timer has started anew"
    nothing_left = "nothing_left", "合并的各项均已不必告知", "nothing in the bundle is left to tell"
    taken = "taken", "对方已接收", "the channel took it"
    confirmed = "confirmed", "对方确认已送达本人", "the far end says that it was delivered"
    try_again = "try_again", "暂时失败，稍后重试", "a temporary failure, to be tried again"
    gave_up = "gave_up", "多次失败，停止重试", "tried often enough"
    refused = "refused", "对方拒收这条消息", "this message was refused for good"
    channel_gone = "channel_gone", "通道失效，已停用", "the channel is gone and has been disabled"
    channel_disabled = "channel_disabled", "通道已停用", "its channel had been disabled before it was sent"
    no_answer = "no_answer", "已交出但未得到答复，不重发", "handed over without an answer, not repeated"
    sender_died = "sender_died", "发送中断，结果不明，不重发", "the sender died with it, not repeated"
    restored = "restored", "从备份恢复，是否已发出无从得知，不重发", "restored from a backup, not repeated"
    fallback = "fallback", "原通道未成，改用备用通道", "the channel before this one failed"
    climbed = "climbed", "本人已无可用通道，转上一级岗位", "that person can't be reached, so the post above is told"
