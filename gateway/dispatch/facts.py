"""Who, when, where, how many: facts in a caller's words, each with the words it was read from."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import phonenumbers

from gateway.dispatch.concepts import Concepts
from gateway.dispatch.fold import Folded

Kind = Literal[
    "time", "place", "phone", "casualty", "weapon", "hazard", "plate", "amount", "person"
]


class Fact(NamedTuple):
    """`value` is the fact made plain; `start` and `end` are code points of the utterance."""

    kind: Kind
    value: str
    text: str
    start: int
    end: int
    utterance_id: str = ""


_DIGITS = {**dict(zip("零一二三四五六七八九", "0123456789", strict=True)), "幺": "1", "〇": "0"}
_N = r"[\d零一二两三四五六七八九十百千万几好多半]+"
_SHORT = {"110", "119", "120", "122", "114", "12345", "12315", "12305", "12306", "12333",
          "10000", "10010", "10086", "12123", "96156", "95598"}  # fmt: skip
_SPOKEN = re.compile(r"[零〇一幺二三四五六七八九]{7,13}")
_WRITTEN = re.compile(r"(?<!\d)\d[\d\- ]{6,15}\d(?!\d)")
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE = re.compile(rf"[{_PROVINCES}]([a-zａ-ｚ])[·•]?([a-z0-9]{{5,6}})", re.IGNORECASE)
_AMOUNT = re.compile(rf"{_N}(?:多|来)?(?:块钱|块|元|万块|万元|万|毛)(?!头)")
_TIME = re.compile(
    rf"(?:(?:今天|昨天|昨晚|昨夜|前天|大前天|刚才|刚刚|今早|今晚|早上|上午|中午|下午|晚上|半夜|凌晨|夜里|"
    rf"上周|上个月|上礼拜|去年|前年|这两天|这几天|前几天)(?:早上|上午|中午|下午|晚上|夜里)?"
    rf"(?:{_N}点(?:{_N}分|半)?)?)|{_N}点(?:钟|半|{_N}分)?(?!儿|了)"
    rf"|{_N}(?:个)?(?:小时|钟头|星期|礼拜|月|天|年|分钟)(?:前|了|没)?"
)
_HURT = r"(?:受伤|伤了|死了?|昏|晕|流血|中毒|没上来|没出来|被困|困|埋|压|落水|不动|起不来|骨折)"
_CASUALTY = re.compile(rf"({_N})(?:个|名|口|位)?(?:人|小孩|工人|老人|学生)?[^\n]{{0,4}}?{_HURT}")
_CASUALTY_AFTER = re.compile(rf"{_HURT}[^\n]{{0,3}}?({_N})(?:个|名|口)(?:人|小孩|工人)?")
_PERSON = re.compile(r"(?:我姓|我叫|免贵姓|贵姓|叫我)([\u4e00-\u9fff]{1,3})")

_ROAD = (
    "大道|大街|公路|高速|国道|省道|胡同|路口|立交|路(?![灯面边上过人子程由])|街(?![上边灯坊])|巷|里弄|弄堂|"
    "桥(?![面上下])|村(?![里民子委])|庄(?!稼)|号楼|小区|花园|花苑|"
    "家园|新村|新城|公寓|广场|商场|超市|医院|学校|小学|中学|大学|幼儿园|车站|火车站|汽车站|市场|菜场|"
    "公园|酒店|宾馆|大厦|工业园|开发区|工地|银行|派出所|水库|码头|河堤|地铁站|服务区|收费站|加油站|网吧"
)
_RELATION = (
    "对面|对过|门口|旁边|隔壁|后面|前面|附近|边上|交叉口|路口|"
    "十字路口|东边|西边|南边|北边|楼下|楼上|斜对面"
)
_PLACE = re.compile(
    rf"([\u4e00-\u9fffa-z0-9]{{1,14}}?(?:{_ROAD}))((?:[\u4e00-\u9fffa-z0-9]{{0,8}}?(?:{_ROAD}))*)"
    rf"((?:\d+|{_N})(?:号|弄|栋|幢|单元|室|楼|层|门)(?:楼|院)?)*(?:的)?({_RELATION})?"
)
_LEAD = re.compile(
    r"^(?:喂|你好|同志|报警|报案|举报|投诉|反映|求助|师傅|我们|咱们|咱|俺们|俺|我|你|他|她|它|在|到|往|从|去|就是|就|是|这个|那个|这|那|"
    r"有人|有个|有|的|了|地址|位置|住|家|上|里|离|靠近|经过|走|和|跟|与|把|被|都|也|还|一个|哪个|条|个|"
    r"隔壁|对面|旁边|门口|整个|每个|哪|啥|什么|某|过|下|楼|后|前|边|着|得|快|来|看见|说|要|想)+"
)
_CUT = re.compile(
    r"在|位于|来到|走到|就是|地址是|那边|这边|了|的|和(?!平)|跟|我|你|他|说|叫|把|被|报警|举报|投诉|反映|打架|撞|停|坏|从|往"
)
_VAGUE = re.compile(
    rf"^(?:{_ROAD})$|^(?:条|个|小|大|老|新|破|土|水泥|一|两|半|修|走|让|赶|这条|那条)(?:{_ROAD})$"
)


def read(folded: Folded, concepts: Concepts) -> list[Fact]:
    """Return the facts of one utterance, in the order they were said; cost linear."""
    found = [
        *_phones(folded),
        *_plain("plate", _PLATE, folded),
        *_plain("amount", _AMOUNT, folded),
        *_plain("time", _TIME, folded),
        *_plain("casualty", _CASUALTY, folded),
        *_plain("casualty", _CASUALTY_AFTER, folded),
        *_plain("person", _PERSON, folded),
        *_places(folded),
        *_meant(folded, concepts),
    ]
    return sorted(_apart(found), key=lambda fact: (fact.start, fact.kind))


def _plain(kind: Kind, pattern: re.Pattern[str], folded: Folded) -> Iterator[Fact]:
    for match in pattern.finditer(folded.chars):
        text = match.group(0)
        value = text.upper() if kind == "plate" else text
        if kind == "amount" and re.fullmatch(r"[多几好半]+(?:块|元|万)?", text):
            continue
        yield _fact(kind, value, match.start(), match.end(), folded)


def _fact(kind: Kind, value: str, start: int, end: int, folded: Folded) -> Fact:
    at, to = folded.span(start, end)
    return Fact(kind, value, folded.text[at:to], at, to)


def _phones(folded: Folded) -> Iterator[Fact]:
    for pattern in (_WRITTEN, _SPOKEN):
        for match in pattern.finditer(folded.chars):
            digits = "".join(_DIGITS.get(c, c) for c in match.group(0) if c not in "- ")
            if digits in _SHORT:
                continue
            number = phonenumbers.parse(digits, "CN") if digits.isdigit() else None
            if number is not None and phonenumbers.is_possible_number(number):
                yield _fact("phone", digits, match.start(), match.end(), folded)


def _places(folded: Folded) -> Iterator[Fact]:
    for match in _PLACE.finditer(folded.chars):
        lead = _LEAD.match(match.group(0))
        start = match.start() + (lead.end() if lead else 0)
        cuts = [cut.end() for cut in _CUT.finditer(folded.chars, start, match.end(1) - 1)]
        start = max(cuts, default=start)
        text = folded.chars[start : match.end()]
        if match.end() - start >= 2 and not _VAGUE.match(text):
            yield _fact("place", text, start, match.end(), folded)


def _meant(folded: Folded, concepts: Concepts) -> Iterator[Fact]:
    for meant in concepts.find(folded.chars):
        kind: Kind | None = "weapon" if meant.name == "weapon" else None
        if meant.name in {"fire", "gas", "chemical", "explode", "wire_down", "flood", "leak"}:
            kind = "hazard"
        if kind:
            text = folded.chars[meant.start : meant.end]
            yield _fact(kind, text, meant.start, meant.end, folded)


def _apart(found: list[Fact]) -> Iterator[Fact]:
    """Drop what lies inside another fact of its kind, and house numbers read as amounts."""
    for fact in found:
        inside = any(
            other is not fact
            and other.start <= fact.start
            and fact.end <= other.end
            and (other.end - other.start) > (fact.end - fact.start)
            and (other.kind == fact.kind or other.kind in {"phone", "plate"})
            for other in found
        )
        if not inside:
            yield fact
