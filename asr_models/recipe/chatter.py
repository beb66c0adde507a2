"""Generated numbers, plates, addresses and names, worded as callers say them."""

import random
from collections.abc import Callable
from functools import cache

from gateway.dispatch.datafile import packaged

_DIGITS = "零幺二三四五六七八九"
_TENS = "一二三四五六七八九"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高梁郑罗宋谢唐韩曹许邓萧冯曾程蔡彭潘袁于董余苏叶吕魏蒋田杜"
    "丁沈姜范江傅钟卢汪戴崔任陆廖姚方金邱夏谭韦贾邹石熊孟秦阎薛侯雷白龙段郝孔邵史毛常万顾赖武康贺严尹"
    "钱施牛洪龚汤陶黎温莫易樊乔文安殷颜庄章鲁倪庞邢俞翟蓝聂齐向申葛岳"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国志文海燕春梅红云飞鹏宇欣佳怡梓涵子轩浩然"
    "思雨婷雪晨阳俊豪凯琳倩颖慧琴萍玲凤珍香月莲荣德福生贵根宝林森波斌峰亮辉"
)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTERS_SPOKEN = ("艾", "比", "西", "迪", "伊", "艾弗", "吉", "艾尺", "杰", "开", "艾勒", "艾姆")
_UNITS = (
    "块", "元", "个", "斤", "公里", "米", "平方", "平米", "天", "年", "个月", "个小时", "分钟",
    "号", "楼", "层", "路", "次", "人", "户", "岁", "度", "吨", "桶",
)  # fmt: skip


def number(value: int) -> str:
    """Return 0 <= `value` < 10^8 as it is read: 10023 is 一万零二十三."""
    if value >= 10_000:
        high, low = divmod(value, 10_000)
        gap = "零" if 0 < low < 1000 else ""
        return number(high) + "万" + gap + (number(low) if low else "")
    if value == 0:
        return "零"
    out, zero = "", False
    for place, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // place % 10
        if digit:
            out += ("零" if zero and out else "") + _TENS[digit - 1] + unit
        zero = digit == 0
    return out.removeprefix("一") if 10 <= value < 20 else out


def digits(chance: random.Random, count: int) -> str:
    """Return `count` digits read one by one."""
    text = "".join(chance.choice(_DIGITS) for _ in range(count))
    return text if chance.random() < 0.6 else text.replace("幺", "一")


def name(chance: random.Random) -> str:
    """Return a made-up name of two or three characters."""
    given = "".join(chance.choice(_GIVEN) for _ in range(chance.choice((1, 2, 2))))
    return chance.choice(_SURNAMES) + given


@cache
def places() -> tuple[str, ...]:
    """Return names of streets, towns and villages out of the register of divisions."""
    rows = packaged("divisions.txt").read_text("utf-8").splitlines()
    named = [row.split(",")[1] for row in rows if row and row[0] in "13"]
    short = [text.removesuffix("居民委员会").removesuffix("村民委员会") for text in named]
    return tuple(text for text in short if 2 <= len(text) <= 8 and text.isalpha())


def place(chance: random.Random) -> str:
    """Return a place, often with road, house and flat."""
    text = chance.choice(places())
    draw = chance.random()
    if draw < 0.3:
        floor = number(chance.randint(1, 40))
        return f"{text}{floor}号楼{number(chance.randint(1, 6))}单元{digits(chance, 3)}"
    if draw < 0.6:
        return f"{text}{number(chance.randint(1, 999))}号"
    return text


def amount(chance: random.Random) -> str:
    """Return a number with a unit, read out in full."""
    value = round(10 ** chance.uniform(0, 5.5))
    return number(value).replace("二百", chance.choice(("二百", "两百"))) + chance.choice(_UNITS)


def clock(chance: random.Random) -> str:
    """Return a time of day or a date."""
    if chance.random() < 0.5:
        part = chance.choice(("早上", "上午", "中午", "下午", "晚上", "凌晨", "夜里", ""))
        tail = chance.choice(("", "半", "多", "一刻", number(chance.randint(10, 59)) + "分"))
        return f"{part}{number(chance.randint(1, 12))}点{tail}"
    return f"{number(chance.randint(1, 12))}月{number(chance.randint(1, 31))}号"


def plate(chance: random.Random) -> str:
    """Return a number plate, its letter left out or spelled by sound."""
    letter = chance.choice(("", *_LETTERS_SPOKEN))
    return chance.choice(_PROVINCES) + letter + digits(chance, 5)


_LEADS: dict[str, tuple[str, ...]] = {
    "phone": ("我电话", "号码是", "手机", "你记一下", "打这个号", "联系电话", ""),
    "name": ("我叫", "我姓名是", "他叫", "对方叫", "找", "我是", "他爸叫", ""),
    "place": ("我在", "我住", "地址是", "就在", "到", "这里是", "位置在", ""),
    "plate": ("车牌", "车牌号", "那个车是", "牌照", ""),
    "time": ("的时候", "来的", "开始的", "左右", ""),
}


def chatter(chance: random.Random) -> str:
    """Return one short utterance around something generated."""
    return chance.choice(_KINDS)(chance)


def _phone(chance: random.Random) -> str:
    return chance.choice(_LEADS["phone"]) + "幺" + chance.choice("三五七八九") + digits(chance, 9)


def _when(chance: random.Random) -> str:
    return clock(chance) + chance.choice(_LEADS["time"]) + amount(chance)


_KINDS: tuple[Callable[[random.Random], str], ...] = (
    _phone,
    lambda chance: chance.choice(_LEADS["name"]) + name(chance),
    lambda chance: chance.choice(_LEADS["place"]) + place(chance),
    lambda chance: chance.choice(_LEADS["plate"]) + plate(chance),
    _when,
    lambda chance: name(chance) + " " + place(chance),
    lambda chance: f"{amount(chance)} {amount(chance)} {clock(chance)}",
    lambda chance: place(chance) + " " + digits(chance, chance.randint(4, 8)),
)
