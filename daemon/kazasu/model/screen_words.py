"""Every sentence of the display, Japanese and English side by side: for each cue, each denial, each alarm of a door.

Each is at most sixteen cells wide, so that no display cuts it. Where there are two lines, the first says what is so and
stands by itself; the second says what to do.
"""

from __future__ import annotations

import enum
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from kazasu.model.access import DenyReason
from kazasu.model.alarm import Alarm
from kazasu.model.cue import CueName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kazasu.model.access import Direction


class Language(enum.StrEnum):
    """What the display speaks; the values are in the configuration."""

    JA = "ja"
    EN = "en"


Text: TypeAlias = tuple[str, str]
"""Japanese, English."""

Pair: TypeAlias = tuple[Text, Text]
"""Two lines."""

NOTHING: Text = ("", "")
_STAFF: Text = ("担当者へ連絡を", "Tell operations")
_OFFICE: Text = ("担当者へ連絡を", "Ask the office")
_ISSUER: Text = ("発行元の窓口へ", "Ask card office")
_OTHER_CARD: Text = ("別のカードで", "Use another card")
_AGAIN: Text = ("もう一度かざす", "Hold card again")

CUES: Mapping[CueName, Text] = MappingProxyType(
    {
        CueName.READY: ("かざしてください", "Hold your card"),
        CueName.READING: ("そのままお待ちを", "Hold still"),
        CueName.PIN: ("暗証番号を入力", "Enter the PIN"),
        CueName.KEY: ("暗証番号を入力", "Enter the PIN"),
        CueName.GRANTED: ("記録しました", "Recorded"),
        CueName.ALREADY_DONE: ("記録済みです", "Already recorded"),
        CueName.DENIED: ("受付できません", "Not accepted"),
        CueName.RETRY: ("もう一度どうぞ", "Once more please"),
        CueName.BLOCKED: ("窓口へご相談を", "Ask card office"),
        CueName.FAULT: ("記録できません", "Cannot record"),
        CueName.HELD: ("扉を閉めて下さい", "Close the door"),
        CueName.HELD_OPEN: ("扉が開いています", "The door is open"),
        CueName.FIND_ME: ("この端末です", "This terminal"),
    }
)

REASONS: Mapping[DenyReason, Pair] = MappingProxyType(
    {
        DenyReason.UNKNOWN_CARD: (("未登録のカード", "Unknown card"), ("登録が必要です", "Have it enrolled")),
        DenyReason.FOREIGN_CARD: (("使えない種類です", "Wrong card type"), _OTHER_CARD),
        DenyReason.NO_STABLE_NUMBER: (("番号が毎回変わる", "No fixed number"), _OTHER_CARD),
        DenyReason.CARD_REMOVED: (("離すのが早いです", "Removed too soon"), ("当て続けて下さい", "Hold it longer")),
        DenyReason.CARD_UNREADABLE: (("読めませんでした", "Could not read"), _AGAIN),
        DenyReason.TWO_CARDS: (("カードが二枚です", "Two cards"), ("一枚だけどうぞ", "Hold only one")),
        DenyReason.AUTHENTICATION_FAILED: (("本物と確認できず", "Card not proven"), _STAFF),
        DenyReason.PIN_NEEDED: (("暗証番号が未入力", "PIN not entered"), _AGAIN),
        DenyReason.PIN_WRONG: (("暗証番号が違う", "Wrong PIN"), _AGAIN),
        DenyReason.PIN_LAST_TRY: (("試せるのは残り１", "One PIN try left"), _ISSUER),
        DenyReason.CARD_BLOCKED: (("暗証番号ロック中", "PIN is blocked"), _ISSUER),
        DenyReason.CERTIFICATE_UNTRUSTED: (("発行元を確認不可", "Issuer unknown"), _STAFF),
        DenyReason.CERTIFICATE_EXPIRED: (("証明書の期限切れ", "Cert. expired"), ("更新が必要です", "Have it renewed")),
        DenyReason.CERTIFICATE_NOT_YET_VALID: (("証明書は開始日前", "Cert. not begun"), _OFFICE),
        DenyReason.ASSURANCE_TOO_LOW: (("確認が足りません", "Proof too weak"), _OTHER_CARD),
        DenyReason.CREDENTIAL_NOT_YET_VALID: (("カードは開始日前", "Card not begun"), _OFFICE),
        DenyReason.CREDENTIAL_EXPIRED: (("カードの期限切れ", "Card expired"), _OFFICE),
        DenyReason.CREDENTIAL_REVOKED: (("失効したカード", "Card revoked"), _OFFICE),
        DenyReason.NO_DIRECTION: (("出勤か退勤を押す", "Press In or Out"), ("その後かざす", "Then hold card")),
        DenyReason.ROSTER_UNREADABLE: (("名簿を読めません", "Roster fault"), _STAFF),
        DenyReason.DAY_CARD_NOT_ISSUED: (("未貸出のカード", "Not lent today"), _OFFICE),
        DenyReason.WRONG_CODE: (("番号が違います", "Wrong code/PIN"), ("もう一度入力", "Enter it again")),
        DenyReason.TOO_MANY_TRIES: (("間違いが多いです", "Too many tries"), ("時間をおいて", "Try again later")),
        DenyReason.MAY_NOT_VOUCH: (("保証できません", "May not vouch"), ("別の職員がかざす", "A colleague may")),
        DenyReason.ALREADY_DONE: (("記録済みです", "Already recorded"), NOTHING),
        DenyReason.NO_ACCESS_LEVEL: (("通行権限なし", "No access here"), _OFFICE),
        DenyReason.LEVEL_NOT_YET_VALID: (("権限は開始日前", "Access not begun"), _OFFICE),
        DenyReason.LEVEL_EXPIRED: (("権限の期限切れ", "Access expired"), _OFFICE),
        DenyReason.OUT_OF_HOURS: (("時間外です", "Out of hours"), NOTHING),
        DenyReason.HOLIDAY: (("休日は通れません", "Not on holidays"), NOTHING),
        DenyReason.CLOCK_UNSET: (("時刻が未設定", "Clock not set"), _STAFF),
        DenyReason.ROSTER_STALE: (("名簿が古いです", "Roster too old"), _STAFF),
        DenyReason.LOCKDOWN: (("封鎖中です", "Lockdown"), ("指示を待つ", "Await orders")),
        DenyReason.INTERLOCK: (("他の扉が開放中", "Other door open"), ("閉まるまで待つ", "Wait till closed")),
        DenyReason.PASSBACK: (("入退の順が違う", "In/out mismatch"), _OFFICE),
        DenyReason.AREA_FULL: (("満員です", "Area is full"), ("お待ちください", "Please wait")),
        DenyReason.ESCORT_NEEDED: (("付添いが必要です", "Escort needed"), ("続けてかざす", "They tap next")),
        DenyReason.SECOND_PERSON_NEEDED: (("二人目が必要です", "Two are needed"), ("続けてかざす", "2nd person: tap")),
        DenyReason.NO_MUSTER: (("点呼の開始前です", "No muster yet"), ("開始後にかざす", "Tap once begun")),
    }
)

WAITS = frozenset({DenyReason.INTERLOCK, DenyReason.ESCORT_NEEDED, DenyReason.SECOND_PERSON_NEEDED})
"""Denials that somebody else's tap, or a door's closing, turns into a grant."""

ALARMS: Mapping[Alarm, Pair] = MappingProxyType(
    {
        Alarm.FORCED_OPEN: (("扉の異常開放", "Door forced open"), _STAFF),
        Alarm.HELD_OPEN: (("扉が開いています", "The door is open"), ("閉めて下さい", "Please close it")),
        Alarm.FIRE: (("火災報知が作動", "Fire alarm"), ("扉は解錠中です", "Door unlocked")),
        Alarm.FAULT: (("扉が故障中です", "Door out of use"), _STAFF),
        Alarm.TAMPER: (("端末のふたが開放", "Housing is open"), _STAFF),
        Alarm.HELD: (("扉を閉めて下さい", "Close the door"), NOTHING),
    }
)

DIRECTIONS: Mapping[Direction, Text] = MappingProxyType({"in": ("出勤", "In"), "out": ("退勤", "Out")})
CHOSEN: Mapping[Direction, Text] = MappingProxyType(
    {"in": ("出勤を記録します", "Your tap: In"), "out": ("退勤を記録します", "Your tap: Out")}
)
BY_THE_HOUR: Mapping[Direction, Text] = MappingProxyType(
    {"in": ("今は出勤の時間", "Now: In"), "out": ("今は退勤の時間", "Now: Out")}
)
TO_BE_CHOSEN: Text = ("出勤か退勤を押す", "Press In or Out")

CODE: Text = ("番号を入力", "Enter your code")
UNLOCKED: Text = ("解錠しました", "Door unlocked")
STAYS_SHUT: Text = ("扉は開きません", "Door stays shut")
NOT_YET: Text = ("まだ開きません", "Not yet")
OUT_OF_ORDER: Text = _STAFF
CLOCK_UNSURE: Text = ("時刻は未確認", "Time unverified")
CLOCK_UNSET: Text = ("時刻が未設定", "Clock not set")
OFFLINE: Text = ("通信なし・記録可", "Offline, records")

WEEKDAYS_JA = "月火水木金土日"


def of(text: Text, language: Language) -> str:
    """A text in one language."""
    return text[0] if language is Language.JA else text[1]
