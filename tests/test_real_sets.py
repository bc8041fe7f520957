"""The data of the benchmark on real data: readers, splits and encoding, on small made files."""

import lzma
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest

from benchmarks.real import readers, sets
from benchmarks.real.sources import CHOOSE, CLASSIFICATION, JUDGE, REGRESSION, SOURCES, Source

KEEL = b"""@relation made
@attribute Age real[1.0,9.0]
@attribute 'Number of doors' integer [2, 4]
@attribute Colour {red, green}
@attribute Kind{0,1}
@inputs Age, Colour, Kind
@data
1.5, 2, red, 0
?,4,<null>,1

 3.5 , 2, green ,0
"""


def made_set(n=100, task=CLASSIFICATION):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"number": rng.normal(5, 2, n), "word": rng.choice(["a", "b"], n)})
    X["word"] = X["word"].astype("category")
    y = np.arange(n) % 4 // 3 if task == CLASSIFICATION else rng.normal(size=n)
    return sets.DataSet("made", task, X, y, CHOOSE)


def assembled(frame, target, *drop, task=CLASSIFICATION, categories=()):
    source = Source(lambda: frame, target, drop, categories)
    return sets.assembled("made", task, CHOOSE, source)


def test_keel_has_its_types_in_the_header():
    frame = readers.keel(KEEL)
    assert list(frame) == ["Age", "Number of doors", "Colour", "Kind"]
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "float64", "category", "category"]
    assert frame["Age"].tolist() == pytest.approx([1.5, np.nan, 3.5], nan_ok=True)
    assert frame["Colour"].isna().tolist() == [False, True, False]
    assert set(frame["Colour"].cat.categories) == {"red", "green"}
    assert set(frame["Kind"].cat.categories) == {"0", "1"}


@pytest.mark.parametrize(
    ("content", "sep"),
    [
        (b"ID_1   0.5  A11  1\nID_2  ?  A12 2\n", r"\s+"),
        (b"ID_1,0.5,A11,1\nID_2,?,A12,2\n", ","),
        (b"ID_1, 0.5, A11, 1\nID_2, , A12 , 2 \n", ","),
    ],
)
def test_text_without_a_header(content, sep):
    frame = readers.delimited(content, sep)
    assert list(frame) == [0, 1, 2, 3]
    assert frame[1].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert frame[2].tolist() == ["A11", "A12"]
    assert frame[3].tolist() == [1, 2]


def test_csv_has_a_header_and_may_be_quoted():
    frame = readers.delimited(b'"a b";"c"\n1;"x"\nNA;"y"\n', ";", header=0)
    assert frame["a b"].tolist() == pytest.approx([1, np.nan], nan_ok=True)
    assert frame["c"].tolist() == ["x", "y"]


def test_pickled_frames_lose_the_names_of_their_rows():
    made = pd.DataFrame({"rownames": [1, 2], "x": [1, 2], "w": ["no", None], "b": [True, False]})
    frame = readers.pickled(lzma.compress(pickle.dumps(made)))
    assert list(frame) == ["x", "w", "b"]
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "category", "category"]
    assert frame["w"].isna().tolist() == [False, True]


def test_files_are_read_from_wheels(tmp_path):
    with zipfile.ZipFile(tmp_path / "made-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("made/data.dat", "1,2")
    assert readers.member("made", "made/data.dat", tmp_path) == b"1,2"
    with pytest.raises(
        FileNotFoundError, match=r"no wheel of other in .*`make real` downloads it"
    ):
        readers.member("other", "made/data.dat", tmp_path)


def test_rare_classes_constants_and_rows_without_a_class_are_dropped():
    y = ["b"] * 8 + ["rare"] * 7 + ["a"] * 9 + [None]
    frame = pd.DataFrame({0: np.arange(25.0), 1: 1.0, 2: np.arange(25.0), 3: y})
    data = assembled(frame, -1, 0)
    assert list(data.X) == ["2"]
    assert data.X["2"].tolist() == [*range(8), *range(15, 24)]
    assert data.y.tolist() == [1] * 8 + [0] * 9


def test_a_target_may_be_a_number_and_a_number_a_category():
    frame = pd.DataFrame({"x": [1.0, 2.0, 1.0], "y": [0.5, np.nan, 2.5], "z": [1.0, 2.0, 3.0]})
    data = assembled(frame, "y", task=REGRESSION, categories=("z",))
    assert data.y.tolist() == [0.5, 2.5]
    assert list(data.X) == ["z"]
    assert str(data.X["z"].dtype) == "category"


def test_the_catalogue_names_each_set_once():
    names = sets.names()
    assert len(names) == len(set(names)) == 70
    counts = {key: len(sources) for key, sources in SOURCES.items()}
    assert counts == {
        (CLASSIFICATION, CHOOSE): 30,
        (CLASSIFICATION, JUDGE): 21,
        (REGRESSION, CHOOSE): 12,
        (REGRESSION, JUDGE): 7,
    }
    with pytest.raises(KeyError, match="no data set 'iris'"):
        sets.read("iris")


@pytest.mark.parametrize(
    ("n", "n_train", "n_test"), [(101, 61, 40), (1000, 400, 600), (3000, 400, 1500)]
)
def test_splits_are_bounded_and_hold_each_class(n, n_train, n_test):
    data = made_set(n)
    numbered = data.X.assign(number=np.arange(n, dtype=float))
    part = sets.split(sets.DataSet("made", CLASSIFICATION, numbered, data.y, CHOOSE), 3)
    assert (len(part.X_train), len(part.X_test)) == (n_train, n_test)
    assert len(np.unique(np.r_[part.X_train[:, 0], part.X_test[:, 0]])) == n_train + n_test
    for y in (part.y_train, part.y_test):
        assert y.mean() == pytest.approx(data.y.mean(), abs=1 / len(y))


def test_splits_depend_on_the_seed_alone():
    data = made_set(task=REGRESSION)
    first, again, other = (sets.split(data, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.X_train, again.X_train)
    assert not np.array_equal(first.y_train, other.y_train)


def test_the_encoding_knows_the_training_rows_only():
    train = pd.DataFrame({"x": [1.0, 2.0, np.nan, 6.0], "w": ["a", "b", "b", np.nan]})
    test = pd.DataFrame({"x": [np.nan, 100.0], "w": ["c", np.nan]})
    train, test = (f.assign(w=f["w"].astype(object).astype("category")) for f in (train, test))
    encode = sets.encoder().fit(train)
    filled = np.array([1, 2, 2, 6])
    np.testing.assert_allclose(
        encode.transform(train)[:, 0], (filled - filled.mean()) / filled.std()
    )
    expected = (np.array([2, 100]) - filled.mean()) / filled.std()
    np.testing.assert_allclose(
        encode.transform(test), [[expected[0], 0, 0, 0], [expected[1], 0, 0, 1]]
    )
