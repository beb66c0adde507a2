"""A pull leaves a whole model that is what it should be, or nothing but a plain word."""

import fcntl
import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.errors import PullError
from gateway.speech.models import unpack as unpacking
from gateway.speech.models.home import ModelHome
from gateway.speech.models.pull import Pulled, pull
from gateway.speech.models.registry import KnownModel, known_models
from tests.unit.model_folder import model_folder
from tests.unit.publisher import Publisher, published

NAME = "vosk-model-small-xx-0.1"


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def model_zip(tmp_path: Path, top: str = f"{NAME}/", **more: bytes) -> bytes:
    folder = model_folder(tmp_path / "made")
    files = {
        f"{top}{path.relative_to(folder)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    return zipped(files | {f"{top}{name}": content for name, content in more.items()})


@pytest.fixture
def home(tmp_path: Path) -> ModelHome:
    return ModelHome(tmp_path / "pulled", tmp_path / "shipped")


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with published(model_zip(tmp_path)) as found:
        yield found


def known(url: str = "", sha256: str = "") -> KnownModel:
    return KnownModel(
        name=NAME, language="", sample_rate=8000, licence="", about="", url=url, sha256=sha256
    )


def get(model: KnownModel, home: ModelHome, archive: Path | None = None, url: str = "") -> Pulled:
    return pull(model, home, lambda *_: None, archive=archive, url=url)


def left(home: ModelHome) -> set[str]:
    """What a pull left, but for its lock."""
    return {path.name for path in home.pulled.iterdir() if path.suffix != ".lock"}


def test_a_model_comes_whole_and_checked(home: ModelHome, publisher: Publisher) -> None:
    digest = hashlib.sha256(publisher.body).hexdigest()
    pulled = get(known(publisher.url, digest), home)
    assert pulled == Pulled(home.pulled / NAME, digest, first_use=False)
    assert (pulled.directory / "am/final.mdl").is_file()
    assert left(home) == {NAME}


def test_what_is_here_is_not_fetched_again(home: ModelHome, publisher: Publisher) -> None:
    model_folder(home.shipped / NAME)
    assert get(known(publisher.url), home).sha256 == ""
    assert publisher.asked == []


def test_wrong_bytes_are_refused_and_fetched_anew(home: ModelHome, publisher: Publisher) -> None:
    digest = hashlib.sha256(publisher.body).hexdigest()
    body, publisher.body = publisher.body, b"x" * len(publisher.body)
    with pytest.raises(PullError, match=f"expected {digest}"):
        get(known(publisher.url, digest), home)
    assert left(home) == set()
    publisher.body = body
    assert get(known(publisher.url, digest), home).sha256 == digest


def test_a_model_nobody_vouches_for_is_held_to_what_came_first(
    home: ModelHome, publisher: Publisher, tmp_path: Path
) -> None:
    assert get(known(publisher.url), home).first_use
    (home.pulled / NAME).rename(tmp_path / "away")
    publisher.body = model_zip(tmp_path, more=b"other")
    publisher.etag = '"other"'
    with pytest.raises(PullError, match="as it should be"):
        get(known(publisher.url), home)


def test_broken_off_and_stopped_it_goes_on(home: ModelHome, publisher: Publisher) -> None:
    publisher.breaks = [300]
    stops = iter([KeyboardInterrupt])

    def step(_what: str, _at: int, _of: int) -> None:
        for stop in stops:
            raise stop

    with pytest.raises(KeyboardInterrupt):
        pull(known(publisher.url), home, step)
    assert not (home.pulled / NAME).exists()
    get(known(publisher.url), home)
    assert publisher.asked == [None, "bytes=300-"]


def test_a_zip_carried_by_hand_needs_no_network(home: ModelHome, tmp_path: Path) -> None:
    carried = tmp_path / "carried.zip"
    carried.write_bytes(model_zip(tmp_path, top=""))
    get(known("http://127.0.0.1:1/never"), home, archive=carried)
    assert (home.pulled / NAME / "conf/model.conf").is_file()
    assert carried.is_file()


def test_a_wrong_zip_by_hand_is_refused_and_kept(home: ModelHome, tmp_path: Path) -> None:
    carried = tmp_path / "carried.zip"
    carried.write_bytes(model_zip(tmp_path))
    with pytest.raises(PullError, match="expected " + "0" * 64):
        get(known(sha256="0" * 64), home, archive=carried)
    assert carried.is_file()
    with pytest.raises(PullError, match="no file"):
        get(known(), home, archive=tmp_path / "none.zip")


def test_without_a_network_it_says_what_to_carry_and_where_to_put_it(home: ModelHome) -> None:
    model = known_models()["vosk-model-small-cn-0.22"]
    with published(b"") as gone:
        url = gone.url
    with pytest.raises(PullError) as told:
        get(model, home, url=url)
    text = str(told.value)
    assert url in text
    assert model.sha256 in text
    assert f"pull {model.name} --file" in text
    assert str(home.pulled / model.name) in text


def test_a_model_published_nowhere_is_told(home: ModelHome) -> None:
    with pytest.raises(PullError, match="--url or --file"):
        get(known(), home)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"../evil": b"x"}, "out of its folder"),
        ({"m/../../evil": b"x"}, "out of its folder"),
        ({"/etc/evil": b"x"}, "out of its folder"),
        ({"m\\..\\evil": b"x"}, "out of its folder"),
        ({"readme.txt": b"no model"}, "am/final.mdl is missing"),
    ],
)
def test_a_zip_that_is_no_model_leaves_nothing(
    home: ModelHome, tmp_path: Path, files: dict[str, bytes], why: str
) -> None:
    carried = tmp_path / "carried.zip"
    carried.write_bytes(zipped(files))
    with pytest.raises(PullError, match=why):
        get(known(), home, archive=carried)
    assert left(home) == set()
    assert not list(tmp_path.rglob("evil"))


def test_a_link_in_a_zip_is_refused(home: ModelHome, tmp_path: Path) -> None:
    link = zipfile.ZipInfo(f"{NAME}/am")
    link.external_attr = (0o120777) << 16
    with zipfile.ZipFile(tmp_path / "carried.zip", "w") as archive:
        archive.writestr(link, "/etc")
    with pytest.raises(PullError, match="no plain file"):
        get(known(), home, archive=tmp_path / "carried.zip")
    assert left(home) == set()


@pytest.mark.parametrize("cut", [0, 10, 500, -1])
def test_a_zip_that_is_cut_off_or_none_is_told(home: ModelHome, tmp_path: Path, cut: int) -> None:
    carried = tmp_path / "carried.zip"
    carried.write_bytes(model_zip(tmp_path)[:cut])
    with pytest.raises(PullError, match="no whole zip file"):
        get(known(), home, archive=carried)
    assert left(home) == set()


def test_damage_inside_a_zip_is_told(home: ModelHome, tmp_path: Path) -> None:
    whole = bytearray(model_zip(tmp_path))
    at = whole.find(b"TransitionModel")
    assert at < 0  # compressed: the damage is to the packed bytes of the first file
    whole[60] ^= 0xFF
    (tmp_path / "carried.zip").write_bytes(bytes(whole))
    with pytest.raises(PullError):
        get(known(), home, archive=tmp_path / "carried.zip")
    assert left(home) == set()


def test_a_bomb_and_a_full_disk_are_noticed_before_anything_is_written(
    home: ModelHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried = tmp_path / "carried.zip"
    carried.write_bytes(model_zip(tmp_path))
    monkeypatch.setattr(unpacking, "MAX_BYTES", 100)
    with pytest.raises(PullError, match="no speech model"):
        get(known(), home, archive=carried)
    monkeypatch.undo()
    monkeypatch.setattr(unpacking, "_SPARE", 1 << 60)
    with pytest.raises(PullError, match="make room"):
        get(known(), home, archive=carried)
    assert left(home) == set()


def test_two_pulls_of_one_model_do_not_meet(home: ModelHome, publisher: Publisher) -> None:
    home.pulled.mkdir()
    with (home.pulled / f".{NAME}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(PullError, match="another pull"):
            get(known(publisher.url), home)
    get(known(publisher.url), home)


def test_a_place_that_cannot_be_written_is_told(home: ModelHome, publisher: Publisher) -> None:
    home.pulled.write_text("a file where the folder should be")
    with pytest.raises(PullError, match="name another"):
        get(known(publisher.url), home)


def test_a_record_that_cannot_be_read_is_told(home: ModelHome, publisher: Publisher) -> None:
    home.pulled.mkdir()
    (home.pulled / ".trusted.json").write_text("{")
    with pytest.raises(PullError, match="mend it"):
        get(known(publisher.url), home)
