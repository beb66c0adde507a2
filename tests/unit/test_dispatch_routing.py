"""The unit of an official reply is read from its words; a report counts the first two proposed."""

import csv
import gzip
import json
from pathlib import Path

import pytest
from dispatch_said import engine

from gateway.dispatch import routing
from gateway.errors import ConfigError


@pytest.mark.parametrize(
    ("reply", "unit"),
    [
        ("您好！您的留言收悉，区城管局高度重视，立即组织人员核查", "urban"),
        ("街道已会同市场监督管理局到现场检查", "market"),
        ("我镇党委政府成立工作专班调查核实", "street"),
        ("根据《公安局关于规范管理的通知》，教育局答复如下", "education"),
        ("已请公安局核实 特此回复 A7县民政局 2013年11月20日", "civil"),
        ("社区已协调 感谢您对城管工作的支持！2019年4月17日", "urban"),
        ("按省、市人民政府公布的标准执行，我镇政府将落实", "street"),
        ("随物价上涨调整，请向市人社局咨询", "labour"),
    ],
)
def test_label_is_the_unit_that_signs_is_thanked_or_is_named_first(reply: str, unit: str) -> None:
    found = routing.label(reply)
    assert found is not None
    assert found[0] == unit
    assert routing.label("感谢您的支持") is None


@pytest.mark.parametrize("district", ["", "河西区", "滨海新区"])
def test_a_unit_is_known_by_its_name_in_every_profile(district: str) -> None:
    register = engine().register
    for unit in register.unit:
        assert routing.unit_id(unit.name("siyang", ""), register) == unit.id
        assert routing.unit_id(unit.name("tianjin", district), register) == unit.id
    assert routing.unit_id("省教育厅", register) == "省教育厅"


@pytest.mark.parametrize(
    ("item", "text", "first_two"),
    [
        ("A9", "孩子入学 学校不收 老师也不理", ("education",)),
        ("A9", "社保断了 医保报销不了 退休怎么办", ("labour", "medicare")),
        ("A9", "有个事想问问", ("command", "civil")),
        ("A6", "补习学校收费 老师不退 家长都急", ("market", "education")),
        ("A1", "路灯坏了", ("housing", "urban")),
        ("B1", "学校老师打学生", ("police",)),
    ],
)
def test_the_words_say_whose_trade_a_matter_is(
    item: str, text: str, first_two: tuple[str, ...]
) -> None:
    register = engine().register
    named = register.units(item, frozenset(), "siyang", None, text)
    found = tuple(routing.unit_id(name, register) for name in named)
    assert found[: len(first_two)] == first_two


def test_report_and_sample(tmp_path: Path) -> None:
    file = tmp_path / "answered.jsonl.gz"
    rows = [
        {"id": "1", "title": "路灯不亮", "text": "小区门口停电了", "reply": "供电公司已抢修"},
        {"id": "2", "title": "问候", "text": "你好", "reply": "感谢您的支持"},
    ]
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    messages, unnamed = routing.read(file)
    assert [one.unit for one in messages] == ["power"]
    assert unnamed == 1
    routed = routing.route(engine(), messages)
    assert "(1/1;" in list(routing.tables(routed))[1]
    sheet = tmp_path / "sample.csv"
    routing.sample(routed, sheet)
    with sheet.open(encoding="utf-8-sig", newline="") as held:
        assert [row["label"] for row in csv.DictReader(held)] == ["power"]


def test_a_run_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    keep = tmp_path / "proposed.jsonl"
    messages = [
        routing.Answered(str(n), text, "power", "") for n, text in enumerate(("停电了",) * 3)
    ]
    whole = routing.route(engine(), messages, keep=keep)
    first, second, _ = keep.read_text("utf-8").splitlines()
    keep.write_text(first.replace('"item"', '"item": "X", "was"') + "\n" + second[:20], "utf-8")
    resumed = routing.route(engine(), messages, keep=keep)
    assert [one.item for one in resumed] == ["X", whole[1].item, whole[2].item]
    assert routing.route(engine(), messages, keep=keep) == resumed
    assert "停电" not in keep.read_text("utf-8")


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "answered.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.write('{"id": "1"}\n')
    with pytest.raises(ConfigError, match=r"gz:1: needs id, title"):
        routing.read(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        routing.read(tmp_path / "none.gz")
