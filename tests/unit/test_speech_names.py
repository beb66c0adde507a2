"""Names of places and units that were heard right and written wrong, and words that are meant."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import ConfigError
from gateway.settings import Settings, SpeechSettings
from gateway.speech.text import around, normalise, register, words
from gateway.speech.text.names import Names
from gateway.speech.text.register import Name
from gateway.speech.text.sounds import Distance, distance

MISHEARD = """
我在四阳县 我在泗阳县
四阳县重兴街道 泗阳县众兴街道
我住在重兴街道 我住在众兴街道
四阳人 泗阳人
在四阳火车站 在泗阳火车站
王机镇这边 王集镇这边
成乡街道 城厢街道
在成香街道 在城厢街道
我住城乡街道办旁边 我住城厢街道办旁边
裴围镇 裴圩镇
路集镇有人打架 卢集镇有人打架
礼口镇 李口镇
林河镇停电了 临河镇停电了
传城镇 穿城镇
爱元镇 爱园镇
来按街道 来安街道
去众星街道怎么走 去众兴街道怎么走
我找住见局 我找住建局
成管局的人掀摊子 城管局的人掀摊子
应急管里局 应急管理局
荣浩燃起公司 荣浩燃气公司
"""

CITY = """
天津市难开区 天津市南开区
何西区有人打架 河西区有人打架
和北区 河北区
我住红乔区 我住红桥区
东里区 东丽区
在西清区 在西青区
金南区 津南区
北晨区 北辰区
五清区 武清区
保底区 宝坻区
敬海区 静海区
滨海心区 滨海新区
劝夜场街道 劝业场街道
大王装街道 大王庄街道
"""

RIGHT = """
我在泗阳县众兴街道 城乡街道环境整治 东区和西区都停电 来四样菜 在饲养的时候 实验小学门口
办事难开 证明难开具 中心镇区 到中心街道 重新修一下街道 新型街道 形成区别 忘记镇上
走进南区 在大是大非面前 我想问村里 和平街道办 那个城乡结合部 城乡居民医保 合并到县里
无情拆迁 动力设备 信心街道 请愿 公安局 人民路 天穆的
"""


def pairs(table: str) -> list[tuple[str, ...]]:
    return [tuple(line.split()) for line in table.strip().splitlines()]


@cache
def names(areas: tuple[str, ...]) -> Names:
    settings = Settings(speech=SpeechSettings(name_areas=list(areas)))
    places = normalise.division_names.read()
    ours = normalise.names_of(settings, places)
    elsewhere = [name.stem for name in register.of_areas((), places)]
    return Names(ours, words.load(), around.load(), elsewhere)


def own(*some: Name) -> Names:
    return Names(some, words.load(), around.load())


@pytest.mark.parametrize(("heard", "meant"), pairs(MISHEARD))
def test_names_of_the_county_are_put_right(heard: str, meant: str) -> None:
    assert names(("321323",)).correct(heard) == meant


@pytest.mark.parametrize(("heard", "meant"), pairs(CITY))
def test_names_of_the_city_are_put_right(heard: str, meant: str) -> None:
    assert names(("12",)).correct(heard) == meant


@pytest.mark.parametrize("text", RIGHT.split())
def test_words_that_are_meant_stay(text: str) -> None:
    assert names(("321323", "12")).correct(text) == text


@pytest.mark.parametrize(("_heard", "meant"), [*pairs(MISHEARD), *pairs(CITY)])
def test_right_names_stay_whatever_the_area(_heard: str, meant: str) -> None:
    assert names(("321323", "12")).correct(meant) == meant


def test_names_of_other_areas_are_not_ours_to_write() -> None:
    assert names(("321323",)).correct("天津市难开区") == "天津市难开区"


def test_two_names_as_near_as_each_other_change_nothing() -> None:
    both = own(Name("李庄", ("镇",), bare=True), Name("里庄", ("镇",), bare=True))
    assert both.correct("我在礼装镇") == "我在礼装镇"
    assert own(Name("李庄", ("镇",), bare=True)).correct("我在礼装镇") == "我在李庄镇"


def test_a_short_name_alone_needs_something_that_speaks_for_a_place() -> None:
    only = own(Name("泗阳", ("县",), bare=True))
    assert only.correct("菜单四阳打折") == "菜单四阳打折"
    assert only.correct("我到四阳打工") == "我到泗阳打工"


def test_a_village_is_not_taken_for_another_sound() -> None:
    village = own(Name("贾庄", ("村",), bare=False, village=True))
    assert village.correct("毕家庄村修路") == "毕家庄村修路"


def test_names_keep_the_length_of_the_text() -> None:
    assert distance("四阳", "泗阳") == Distance(0, 0)
    assert distance("王机", "王集") == Distance(0, 1)
    assert distance("重新", "众兴").syllables == 1


@settings(deadline=None)
@given(st.text(st.sampled_from("四泗阳重众兴街道县在城乡厢镇区和难南开 a😀\ud800"), max_size=40))
def test_any_text_keeps_its_length_and_what_is_no_name(text: str) -> None:
    corrected = names(("321323", "12")).correct(text)
    assert len(corrected) == len(text)
    kept = [new for old, new in zip(text, corrected, strict=True) if old in "在 a😀\ud800"]
    assert kept == [old for old in text if old in "在 a😀\ud800"]


def test_an_administrator_s_names_are_put_right(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("# estates\n香榭里花园  # by the river\n\n", "utf-8")
    ours = register.of_file(file, around.load().tails)
    assert own(*ours).correct("我住香谢里花园") == "我住香榭里花园"


@pytest.mark.parametrize("line", ["x", "香", "香榭里 A 座"])
def test_a_bad_line_of_a_names_file_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "names.txt"
    file.write_text(f"众兴街道\n{line}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"names\.txt:2.*one name a line"):
        register.of_file(file, ())


def test_a_names_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="names_file"):
        register.of_file(tmp_path / "none.txt", ())


def test_an_unknown_area_is_named() -> None:
    settings = Settings(speech=SpeechSettings(name_areas=["999999"]))
    with pytest.raises(ConfigError, match="name_areas"):
        normalise.names_of(settings, normalise.division_names.read())
