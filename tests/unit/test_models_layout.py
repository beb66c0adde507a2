"""Missing and broken files of a model directory, each by name."""

from pathlib import Path

import pytest

from gateway.speech.models.kaldi_mdl import acoustic_problem, wants_ivectors
from gateway.speech.models.layout import troubles
from gateway.speech.models.openfst import fst_problem, has_output_symbols
from tests.unit.model_folder import (
    ACOUSTIC,
    const_fst,
    lookahead_fst,
    model_folder,
    speaking_fst,
    vector_fst,
)

FSTS = {
    "const": const_fst(),
    "vector": vector_fst(),
    "lookahead": lookahead_fst(),
    "symbols": speaking_fst(),
}


def names(model: Path) -> list[str]:
    return [trouble.file for trouble in troubles(model, thorough=True)]


@pytest.mark.parametrize("static", [False, True])
def test_a_whole_model_has_no_trouble(tmp_path: Path, static: bool) -> None:
    assert troubles(model_folder(tmp_path, static=static), thorough=True) == []


def test_an_empty_folder_lacks_everything(tmp_path: Path) -> None:
    assert names(tmp_path) == [
        "am/final.mdl",
        "conf/mfcc.conf",
        "conf/model.conf",
        "graph/HCLG.fst (or graph/HCLr.fst with graph/Gr.fst)",
    ]


@pytest.mark.parametrize(
    "name", ["am/final.mdl", "conf/mfcc.conf", "graph/HCLr.fst", "graph/disambig_tid.int"]
)
def test_a_missing_and_an_empty_file_are_named(tmp_path: Path, name: str) -> None:
    model_folder(tmp_path)
    (tmp_path / name).write_bytes(b"")
    assert [(t.file, t.what) for t in troubles(tmp_path)] == [(name, "is empty")]
    (tmp_path / name).unlink()
    assert [(t.file, t.what) for t in troubles(tmp_path)] == [(name, "is missing")]


def test_half_a_dynamic_graph_lacks_its_other_half(tmp_path: Path) -> None:
    model_folder(tmp_path)
    (tmp_path / "graph/Gr.fst").unlink()
    assert names(tmp_path) == ["graph/Gr.fst"]


def test_words_may_be_in_the_graph_itself(tmp_path: Path) -> None:
    model_folder(tmp_path)
    (tmp_path / "graph/words.txt").unlink()
    assert names(tmp_path) == ["graph/words.txt"]
    (tmp_path / "graph/Gr.fst").write_bytes(speaking_fst())
    assert names(tmp_path) == []


def test_a_network_that_takes_ivectors_needs_their_files(tmp_path: Path) -> None:
    model_folder(tmp_path)
    acoustic = ACOUSTIC.replace(b"\n\n", b"\ninput-node name=ivector dim=30\n\n")
    (tmp_path / "am/final.mdl").write_bytes(acoustic)
    assert wants_ivectors(tmp_path / "am/final.mdl")
    assert len(names(tmp_path)) == 6
    assert all(name.startswith("ivector/") for name in names(tmp_path))


def test_filter_banks_do_for_mfcc(tmp_path: Path) -> None:
    model_folder(tmp_path)
    (tmp_path / "conf/mfcc.conf").rename(tmp_path / "conf/fbank.conf")
    assert names(tmp_path) == []


def test_a_broken_rescoring_graph_is_named(tmp_path: Path) -> None:
    model_folder(tmp_path, static=True)
    (tmp_path / "rescore").mkdir()
    (tmp_path / "rescore/G.fst").write_bytes(const_fst()[:-1])
    assert names(tmp_path) == ["rescore/G.fst"]


@pytest.mark.parametrize("kind", FSTS)
def test_a_graph_cut_anywhere_is_cut_off(tmp_path: Path, kind: str) -> None:
    whole, path = FSTS[kind], tmp_path / "some.fst"
    path.write_bytes(whole)
    assert fst_problem(path, thorough=True) == ""
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        assert "is cut off" in fst_problem(path, thorough=True), length


@pytest.mark.parametrize("thorough", [False, True])
def test_what_is_no_graph_is_told(tmp_path: Path, thorough: bool) -> None:
    path = tmp_path / "some.fst"
    path.write_bytes(b"<html>404 Not Found</html>")
    assert fst_problem(path, thorough=thorough) == "is no OpenFst file"
    path.write_bytes(const_fst()[:4] + b"\xff" * 60)
    assert "makes no sense" in fst_problem(path, thorough=thorough)


def test_an_unreadable_header_has_no_words(tmp_path: Path) -> None:
    (tmp_path / "some.fst").write_bytes(b"x")
    assert not has_output_symbols(tmp_path / "some.fst")


def test_an_acoustic_model_cut_anywhere_is_told(tmp_path: Path) -> None:
    path = tmp_path / "final.mdl"
    path.write_bytes(ACOUSTIC)
    assert acoustic_problem(path) == ""
    for length in range(len(ACOUSTIC)):
        path.write_bytes(ACOUSTIC[:length])
        assert acoustic_problem(path), length


def test_priors_must_all_be_there(tmp_path: Path) -> None:
    path = tmp_path / "final.mdl"
    path.write_bytes(ACOUSTIC[:-4] + b"\x02\0\0\0" + bytes(7))
    assert acoustic_problem(path) == "is cut off in its 2 priors"


def test_a_text_model_reads_to_its_end_too(tmp_path: Path) -> None:
    path = tmp_path / "final.mdl"
    text = b"<TransitionModel> \n<Nnet3> \n\n</Nnet3> <LeftContext> 18 <RightContext> 18 <Priors>  "
    path.write_bytes(text + b"[ ]\n")
    assert acoustic_problem(path) == ""
    path.write_bytes(text)
    assert acoustic_problem(path) == "is cut off after </Nnet3>"
