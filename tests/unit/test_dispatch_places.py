"""Places get a code only with its system, and only when meant beyond doubt."""

from pathlib import Path

import pytest
from dispatch_said import spoken

from gateway.dispatch import divisions, places
from gateway.dispatch.divisions import CODE_SYSTEM
from gateway.dispatch.fold import fold
from gateway.errors import ConfigError

KNOWN = divisions.load()


def located(text: str, area: str = "321323") -> str | None:
    found = KNOWN.locate(KNOWN.find(fold(text)), area)
    return found.division.code if found else None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("我在众兴街道北京路", "321323001"),
        ("众兴镇那边", "321323001"),
        ("泗阳裴圩镇撞车了", "321323103"),
        ("裴围镇的路灯坏了", "321323103"),
        ("钟兴镇停水", "321323001"),
        ("来按街道有人打架", "321323003"),
        ("穿城那边着火了", "321323107"),
        ("临河镇和穿城镇中间", "321323106"),
        ("泗阳县停电了", "321323"),
        ("城厢街道东大街路口", "321323002"),
        ("我住在西康社区", "321323001001"),
        ("天津市和平区南营门街道", "120101005"),
        ("蓟州区下营镇", "120119104"),
        ("滨海新区塘沽街", "120116001"),
        ("北辰区的垃圾没人收", "120113"),
        ("众兴街道不是 是来安街道", "321323003"),
        ("不是和平区 是河西区", "120103"),
        ("我从泗阳来 现在在南开区", "120104"),
        ("我是蓟州人 在津南区打工", "120112"),
        ("里仁乡的路灯坏了", "321323101"),
        ("八集镇有人落水", "321323003"),
        ("静海那边有人落水", "120118"),
        ("四阳种兴那边有人打架", "321323001"),
        ("寄州下赢 山上着了", "120119104"),
        ("来安胡集 机器轧人了", "321323003012"),
        ("河东汇贤里 垃圾桶着了", "120102002011"),
        ("滨江道有人偷手机", "120101"),
        ("泗阳便民服务中心几点开门", "321323"),
        ("泗阳重新修的那条路又烂了", "321323"),
    ],
)
def test_division_named_or_misheard(text: str, code: str) -> None:
    assert located(text) == code


@pytest.mark.parametrize(
    "text", ["我家在楼上", "和平常一样", "河东边的路灯坏了", "他在南开大学读书"]
)
def test_words_that_only_look_like_a_place_give_no_code(text: str) -> None:
    assert located(text) is None


def test_a_village_counts_only_within_a_place_that_was_named() -> None:
    assert located("汇贤里停水了") is None
    elsewhere = [*KNOWN.find(fold("我是河东区的")), *KNOWN.find(fold("汇贤里停水了"))]
    found = KNOWN.locate(elsewhere)
    assert found is not None
    assert found.division.code.startswith("120102002")


def test_figures_of_a_file_of_sentences(tmp_path: Path) -> None:
    file = tmp_path / "places.tsv"
    file.write_text("众兴街道停水\t泗阳县众兴街道\n四阳县\t天津市\tmisheard\n几点\t\n", "utf-8")
    shares = places.shares(places.run(places.read(file, KNOWN), KNOWN, "321323"))
    assert {name: (share.right, share.of) for name, share in shares.items()} == {
        "as said": (2, 2),
        "misheard": (0, 1),
        "all": (2, 3),
        "another place": (1, 3),
    }
    file.write_text("停水\t无此县\n", "utf-8")
    with pytest.raises(ConfigError, match=r"tsv:1: no division '无此县'"):
        places.read(file, KNOWN)


def test_every_township_of_both_plans_is_found_by_its_full_name() -> None:
    townships = [d for d in KNOWN.by_code.values() if d.level == 3]
    county = {d.code: d.name for d in KNOWN.by_code.values() if d.level == 2}
    assert len([d for d in townships if d.code.startswith("321323")]) == 16
    assert len([d for d in townships if d.code.startswith("12")]) == 299
    said = [d for d in townships if "（" not in d.name]
    missed = [d for d in said if located(f"我在{county[d.code[:6]]}{d.name}") != d.code]
    assert not missed


def test_a_code_never_goes_without_its_system() -> None:
    district = spoken("众兴镇北京路的路灯坏了").district
    assert district is not None
    assert (district.code, district.code_system) == ("321323001", CODE_SYSTEM)
    assert district.path == "泗阳县众兴街道"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("我在众兴镇北京路48号人民医院对面 路灯坏了", "众兴镇北京路48号人民医院对面"),
        ("城厢街道东大街十字路口红绿灯不亮", "城厢街道东大街十字路口"),
        ("你好我要报警小区门口有人打架", "小区门口"),
        ("天津市和平区南营门街道兴业里小区门口路灯坏了", "和平区南营门街道兴业里小区门口"),
    ],
)
def test_place_in_the_callers_words(text: str, place: str) -> None:
    found = spoken(text).place
    assert found.endswith(place)
    assert "报警" not in found


def test_facts_keep_their_words() -> None:
    text = "一辆苏N12345撞了三个人受伤 我电话一三八零零一三八零零零 昨天晚上 丢了两千多块钱"
    facts = {fact.kind: fact for fact in spoken(text).facts}
    assert facts["plate"].value == "苏N12345"
    assert facts["phone"].value == "13800138000"
    assert facts["amount"].value == "两千多块钱"
    assert {"casualty", "time"} <= facts.keys()
    assert all(text[fact.start : fact.end] == fact.text for fact in facts.values())


def test_short_numbers_are_no_phone_numbers() -> None:
    assert not [f for f in spoken("打12345和110都没人接 路灯坏了").facts if f.kind == "phone"]


def test_unit_deadline_and_questions_follow_the_class() -> None:
    gas = spoken("众兴镇煤气停了 做不了饭")
    assert gas.units[0] == "荣浩燃气公司"
    assert "回拨" in gas.ask[-1]
    lamp = spoken("天津市和平区南营门街道路灯坏了")
    assert lamp.units[0] == "和平区城市管理委员会"
    assert "5 个工作日办结" in lamp.deadline
    fight = spoken("有人拿刀砍人")
    assert fight.units == ("公安局",)
    assert "具体在什么位置" in fight.ask[0]
    assert fight.title
    assert fight.summary


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "divisions.txt"
    path.write_text("# source\n321323,泗阳县\n3213,\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"divisions\.txt:3"):
        divisions.load(path)
