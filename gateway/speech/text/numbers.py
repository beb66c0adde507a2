"""Figures where a reader of a transcript expects them: the rules, one after the other.

Spoken Chinese is written by GB/T 15835-2011: figures for numbers that are measured, counted,
dated or a code; characters for estimates (十几个), small counts (三个人), ordinals and set phrases.
"""

import re
from collections.abc import Callable, Iterable
from itertools import pairwise

from gateway.speech.text.kept import Kept
from gateway.speech.text.numerals import (
    ALL,
    CARDINAL,
    DECIMAL,
    ENDS,
    FREE,
    HOUR,
    MINUTE,
    NUMBER,
    SINGLE,
    SINGLE_OR_TWO,
    SPELT,
    NumeralReader,
    Numerals,
    digits,
)

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTER_OR_DIGIT = f"(?:{SPELT}|[A-Za-z0-9])"
_PART_OF_DAY = (
    "(?:上午|下午|早上|早晨|清晨|凌晨|中午|晚上|夜里|半夜|深夜|傍晚|今晚|昨晚|今早|明早|明晚|昨夜|今天|明天|昨天|"
    "前天|后天|[日号])(?:的|大概|大约|差不多)?"
)
_AFTER_TIME = (
    "(?:左右|多|到|至|以前|以后|之前|之后|前|后|的时候|就|开始|才|来|去|睡|起床|下班|上班|钟|整|被|发生|有人|我|他|她|"
    r"在|打|接|\s|$)"
)
_NOT_A_TIME = "(?!建议|意见|要求|原因|问题|说明|水|理由|情况|疑问|诉求|希望|看法|内容|儿)"
_UNIT = (
    f"(?:公里|千米|米(?![线粉饭面])|厘米|公分|毫米|公斤|斤(?![{ALL}])|千克|吨|平方|平米|亩|升|毫升|千瓦|岁|周岁|块钱|毛钱|分钱|分钟|"
    "小时|级风|级地震|万(?![一分能])|[四五六七八九]?元(?=钱|一|每|左右|以|的|\\s|$))"
)
_COUNTED = (
    "(?:[个名位口只条头台辆户棵张盏瓶件间家株箱袋包根把次场天年月日周岁元块角毛分秒号级度倍米里斤吨亩平升克盘组层楼"
    "层套份笔部架艘趟班伏瓦人座栋幢排步遍]|公[里斤分]|千[米克瓦伏]|厘米|毫米|小时|多[个名位口只条台辆户棵万元块天年月次"
    "米岁斤人号公]|来[个名位岁天年块斤米号])"
)
_NUMBERED = (
    "(?:号|室|病房|房间|房|国道|省道|县道|乡道|路|线|热线|次|航班|高速|栋|幢|单元|门|办公室|诊室|包厢|教室|"
    "宿舍|公里)"
)
_NAMED_BEFORE = (
    "(?:打|拨|电话|尾号|车牌|牌号|牌照|工号|编号|单号|密码|验证码|号码|区号|分机|转|房间|[楼栋幢元座室住])"
    "(?:是|为|的是)?"
)
_PLACE_BEFORE = "[区园苑城府庭湾家里期村庄墅寓厦邸都郡座院地]"

Rule = Callable[[str], str]


class Numbers:
    """Writes the numbers of a text; immutable, shared by threads."""

    def __init__(self, reader: NumeralReader, kept: Iterable[str]) -> None:
        self._kept = Kept(kept)
        self._rules = _rules(Numerals(reader))

    def write(self, text: str) -> str:
        """Return `text` with figures; cost linear in its length."""
        if not any(char in text for char in ALL) or not Kept.safe(text):
            return text
        text = self._kept.hide(text)
        for rule in self._rules:
            text = rule(text)
        return Kept.show(text)


def _rules(read: Numerals) -> tuple[Rule, ...]:
    figure = read.figure

    def turn(pattern: str, write: Callable[[str], str] = figure) -> Rule:
        """Write every named group `n` (`n1`, `n2`) of `pattern` in figures."""
        found = re.compile(pattern)

        def one(match: re.Match[str]) -> str:
            out, at = [], match.start()
            for name in found.groupindex:
                start, end = match.span(name)
                if start >= 0:
                    out += [match.string[at:start], write(match.string[start:end])]
                    at = end
            return "".join([*out, match.string[at : match.end()]])

        return lambda text: found.sub(one, text)

    return (
        _plates,
        _mobile,
        turn(rf"{FREE}(?P<n1>{HOUR})点(?P<n2>{MINUTE}|[一二三四五六七八九](?=分))"),
        turn(rf"{FREE}(?P<n>{HOUR})点(?=半(?!点)|[一三]刻|钟)"),
        turn(rf"{FREE}(?P<n1>{HOUR})点?[到至](?P<n2>{HOUR})点{_NOT_A_TIME}"),
        turn(rf"(?<=[\d]点[到至])(?P<n>{HOUR})点?"),
        turn(
            rf"{_PART_OF_DAY}(?P<n>(?!一){HOUR})点(?:(?![{ALL}])|(?=一[直个群帮伙辆条下听看到过])){_NOT_A_TIME}"
        ),
        turn(rf"{_PART_OF_DAY}(?P<n>一)点(?={_AFTER_TIME})"),
        turn(rf"{FREE}(?P<n>(?![一零]){HOUR})点(?=(?!\s|$|多[{ALL}个]){_AFTER_TIME})"),
        turn(
            rf"{FREE}(?<![有提这那说讲求述足意])(?P<n>(?![一零两]){HOUR})点(?=[^\s{ALL}些]){_NOT_A_TIME}"
        ),
        turn(rf"百分之(?P<n>{DECIMAL}|{CARDINAL}|{SINGLE}|百(?![{ALL}]))", read.percent),
        lambda text: re.sub(r"百分之(?=[\d.]+%)", "", text),
        turn(rf"{FREE}(?P<n>{DECIMAL})(?:(?<=[万亿])|(?={_UNIT}|{_COUNTED}))"),
        turn(rf"{FREE}(?P<n>{SPELT}{{4}})(?=年)", digits),
        turn(rf"{FREE}(?P<n>{SPELT}{{2}})(?=年)", _year),
        turn(rf"{FREE}(?P<n1>{NUMBER})月份?(?P<n2>{NUMBER})(?=[号日])"),
        turn(
            rf"{FREE}(?P<n>十[一二]?|[二三四五六七八九])(?=月(?![{ALL}亮饼光季球牙台嫂子经薪租]))"
        ),
        turn(rf"{FREE}(?P<n>一)(?=月份)"),
        turn(rf"(?<=[Kk])(?P<n1>{CARDINAL}|{SPELT}+{ENDS})加(?P<n2>{CARDINAL}|{SPELT}+{ENDS})"),
        lambda text: re.sub(r"[Kk](\d+)加(\d+)", r"K\1+\2", text),
        turn(rf"(?<=[A-Za-z])(?P<n>{CARDINAL}|{SPELT}{{2,}}{ENDS})"),
        turn(rf"(?<=[GSgs])(?P<n>{SINGLE})(?=高速|京)"),
        _codes,
        turn(rf"{FREE}(?P<n>{SINGLE})(?=号(?![人称召啕码头]))"),
        turn(rf"{FREE}(?P<n>{SINGLE})(?=单元|楼(?!台))"),
        turn(rf"{FREE}(?P<n>[三四五六七八九])(?=层)"),
        turn(rf"(?<={_PLACE_BEFORE})(?P<n>{SINGLE})(?=[栋幢])"),
        turn(rf"{FREE}(?P<n>{SINGLE})(?=[栋幢](?:[\d{ALL}]))"),
        turn(rf"(?<=[栋幢楼元院])(?P<n>{SINGLE})(?=门)"),
        turn(rf"(?<=[村区队庄屯])(?P<n>{SINGLE})(?=[组队])"),
        turn(rf"{FREE}(?P<n>{NUMBER})(?=路(?:公交|车|汽车|公共|电车))"),
        turn(rf"(?P<n1>{FREE}{SINGLE_OR_TWO}|\d)块(?P<n2>[一二三四五六七八九])(?=毛|钱|\s|$)"),
        turn(rf"{FREE}(?P<n1>[一二两三])米(?P<n2>{SPELT}{{1,2}}){ENDS}(?!米|[个公])"),
        turn(rf"{FREE}(?P<n>[二两三四五六七八九]{ENDS})(?={_UNIT})"),
        turn(rf"{FREE}(?P<n>一)(?=岁)"),
        turn(rf"(?<=零下|高烧|发烧|烧到|温度|气温)(?P<n>{SINGLE})(?=度)"),
        turn(rf"{FREE}(?<![双初老])(?P<n>十)(?={_COUNTED})(?!来)"),
        turn(rf"{FREE}(?<![双初老])(?P<n>十一)(?={_COUNTED}|号)"),
        _cardinals(figure),
        turn(rf"(?<=\d度)(?P<n>{SINGLE})"),
        turn(rf"(?<=\d块)(?P<n>{SINGLE})(?=毛|钱|\s|$)"),
    )


def _plates(text: str) -> str:
    """苏n 一二三四五 -> 苏N12345."""
    return _BARE_PLATE.sub(_bare_plate, _PLATE.sub(_plate, text))


_PLATE = re.compile(
    rf"([{_PROVINCES}]) ?([A-Za-z]) ?[·•]? ?((?:{_LETTER_OR_DIGIT} ?){{1,5}}{_LETTER_OR_DIGIT})"
    rf"(?![{ALL}A-Za-z0-9])"
)


_BARE_PLATE = re.compile(
    rf"(?<![A-Za-z0-9])([A-Za-z]) ?(?=[A-Za-z0-9 ]{{0,9}}{SPELT})"
    rf"((?:{_LETTER_OR_DIGIT} ?){{4,5}}{_LETTER_OR_DIGIT})"
    rf"(?![{ALL}A-Za-z0-9])"
)


def _bare_plate(match: re.Match[str]) -> str:
    return (match[1] + digits(match[2].replace(" ", ""))).upper()


def _plate(match: re.Match[str]) -> str:
    return (match[1] + match[2] + digits(match[3].replace(" ", ""))).upper()


def _mobile(text: str) -> str:
    """Mobile numbers with the country code, or with 幺 heard as a word that sounds like it."""
    text = _MISHEARD.sub("幺", text)
    return _COUNTRY.sub(lambda match: "+86" + digits(match[1]), text)


_MISHEARD = re.compile(rf"(?<![{ALL}])[妖腰要邀夭吆](?=[三五六七八九]{SPELT}{{9}}(?!{SPELT}))")
_COUNTRY = re.compile(rf"加八六({SPELT}{{7,12}})(?![{ALL}])")


def _year(said: str) -> str:
    """零八年 -> 08年; 七八年 and 三五年 may be a guess at how many."""
    written = digits(said)
    guess = ord(written[1]) - ord(written[0]) == 1 or said == "三五"
    return said if guess else written


def _codes(text: str) -> str:
    """Digits said one by one: telephone numbers, rooms, roads, lines."""
    return _CODE.sub(_code, text)


_CODE = re.compile(
    rf"{FREE}(?:十二(?={SPELT}{{3}}(?!{SPELT})))?{SPELT}{{2,}}(?![十百千万亿几两点])"
)
_NUMBERED_NEXT = re.compile(_NUMBERED)
_NAMED_LAST = re.compile(f"{_NAMED_BEFORE}$")
_LINES = ("110", "119", "120", "122", "114", "315")


def _code(match: re.Match[str]) -> str:
    said = match.group()
    # 十二三四五 is how some say 12345.
    written = digits(said.replace("十二", "一二"))
    next_to = _NUMBERED_NEXT.match(match.string, match.end()) is not None
    before = match.string[max(0, match.start() - 6) : match.start()]
    counts_up = all(ord(b) - ord(a) == 1 for a, b in pairwise(written))
    if len(said) == 2:
        clear = any(char in said for char in "零〇幺") and next_to
        tail = re.search("(?:尾号|车牌|牌号|工号|区号|编号|单号|尾数)(?:是|为)?$", before)
        return written if clear or tail else said
    if next_to or _NAMED_LAST.search(before) or written in _LINES:
        return written
    if counts_up:
        # 一二三四 is counting; 一二三四五 is the hotline.
        return written if written == "12345" or len(said) > 9 else said
    return written


def _cardinals(figure: Callable[[str], str]) -> Rule:
    """Ten and more: written unless alone and too short to be sure, or part of a name."""

    def one(match: re.Match[str]) -> str:
        return match.group() if match.group() in {"十", "十一"} else figure(match.group())

    return lambda text: _CARDINAL.sub(one, text)


_CARDINAL = re.compile(
    rf"{FREE}(?<![双初老])(?<![\d{ALL}正腊冬]月)(?<![高初](?=.{{2,4}}班)){CARDINAL}"
    r"(?![中小](?=[学校门的对旁附南北东西老初高\s]|$)|里[铺堡店桥庄河坡墩集坪湾沟台屯]|字|之一)"
)
