"""The binary acoustic model: what is written can be read back by Kaldi's own rules."""

import struct

import numpy as np
import pytest

from asr_models.recipe import kaldi
from asr_models.recipe.kaldi import Layer


def read_matrix(data: bytes) -> kaldi.Floats:
    kind, _, rest = data.partition(b" ")
    if kind == b"CM2":
        low, span, rows, columns = struct.unpack("<ffii", rest[:16])
        codes = np.frombuffer(rest[16:], "<u2").reshape(rows, columns)
        return (low + codes * (span / 65535)).astype(np.float32)
    assert kind == b"FM"
    assert rest[0] == rest[5] == 4
    rows, columns = struct.unpack("<i", rest[1:5])[0], struct.unpack("<i", rest[6:10])[0]
    return np.frombuffer(rest[10:], "<f4").reshape(rows, columns)


def test_a_small_matrix_is_exact() -> None:
    values = np.random.default_rng(1).normal(size=(7, 5)).astype(np.float32)
    np.testing.assert_array_equal(read_matrix(kaldi.matrix(values)), values)


def test_a_large_matrix_takes_two_bytes_and_loses_next_to_nothing() -> None:
    values = np.random.default_rng(1).normal(size=(80, 50)).astype(np.float32)
    data = kaldi.matrix(values)
    assert len(data) == 4 + 16 + 2 * values.size
    np.testing.assert_allclose(read_matrix(data), values, atol=1e-4)


def test_all_phones_but_silence_share_the_blank_pdf() -> None:
    data = kaldi.transition_model([7, 5, 6], [7, 0, 0], [0.99, 0.9, 0.9])
    tuples = data.split(b"<Tuples> ")[1].split(b"</Tuples>")[0]
    numbers = [struct.unpack("<i", tuples[i + 1 : i + 5])[0] for i in range(0, len(tuples), 5)]
    assert numbers == [3, 1, 0, 7, 7, 2, 0, 5, 0, 3, 0, 6, 0]
    logs = data.split(b"<LogProbs> ")[1]
    values = np.frombuffer(logs[8 : 8 + 4 * 7], "<f4")
    np.testing.assert_allclose(np.exp(values), [1, 0.99, 0.01, 0.9, 0.1, 0.9, 0.1], rtol=1e-5)


def test_the_network_names_its_parts_and_its_context() -> None:
    one = Layer((-1, 0, 1), np.zeros((4, 6), np.float32), np.zeros(4, np.float32), residual=False)
    two = Layer((-3, 3), np.zeros((4, 8), np.float32), np.zeros(4, np.float32), residual=True)
    data = kaldi.network([one, two], np.zeros((3, 4), np.float32), np.zeros(3, np.float32), 2)
    head = data.split(b"\n\n")[0].decode()
    assert head.startswith("<Nnet3> \ninput-node name=input dim=2\n")
    assert "input=Append(Offset(input, -1), input, Offset(input, 1))" in head
    assert "input=Sum(tdnn2.relu, tdnn1.relu)" in head
    assert data.count(b"<ComponentName> ") == 6
    assert b"<LeftContext> " + kaldi.integer(4) + b"<RightContext> " + kaldi.integer(4) in data


@pytest.mark.parametrize(("value", "data"), [(1, b"\x04\x01\0\0\0"), (-1, b"\x04\xff\xff\xff\xff")])
def test_integers_carry_their_size(value: int, data: bytes) -> None:
    assert kaldi.integer(value) == data
