"""A format of the user's own: a function that takes a file and gives its rows."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from evalsvc.dataset.place import Url
from evalsvc.errors import UsageError
from tests.dataset.files import dataset, read, refusal

XML = '''
"""Rows of <message label="spam">text</message>."""

from xml.etree import ElementTree


def messages(path):
    for _, element in ElementTree.iterparse(path):
        if element.tag == "message":
            yield {"text": element.text, "label": element.get("label")}
            element.clear()
'''
SQLITE = """
import sqlite3
from contextlib import closing


def rows(path):
    with closing(sqlite3.connect(path)) as database:
        database.row_factory = sqlite3.Row
        for row in database.execute("SELECT rowid AS id, text, label FROM messages ORDER BY rowid"):
            yield row["id"], dict(row)
"""
MAIL = '<mail>\n<message label="spam">win</message>\n<message label="ham">hi</message>\n</mail>'


def with_reader(folder: Path, source: str) -> None:
    (folder / "reader.py").write_text(source)


def test_a_function_in_a_file_gives_the_rows(tmp_path: Path) -> None:
    with_reader(tmp_path, XML)
    data = dataset(tmp_path, "mail.xml", MAIL.encode(), format="reader.py:messages", input="text", target="label")
    survey, samples = read(data)
    assert survey.labels == {"spam": 1, "ham": 1}
    assert [(sample.input, sample.target) for sample in samples] == [("win", "spam"), ("hi", "ham")]


def test_rows_may_come_with_a_number_of_their_own(tmp_path: Path) -> None:
    with_reader(tmp_path, SQLITE)
    database = sqlite3.connect(tmp_path / "mail.db")
    with database:
        database.execute("CREATE TABLE messages (text, label)")
        database.executemany("INSERT INTO messages VALUES (?, ?)", [("win", "spam"), ("hi", "ham"), (None, "ham")])
    database.close()
    _, samples = read(dataset(tmp_path, "mail.db", format="reader.py:rows", id="id", input="text", target="label"))
    assert [(sample.id, sample.input) for sample in samples] == [("1", "win"), ("2", "hi"), ("3", None)]
    assert "mail.db:1: no column 'body'" in str(refusal(tmp_path, "mail.db", format="reader.py:rows", input="body"))


def test_what_a_reader_prints_is_not_among_the_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_reader(tmp_path, "def read(path):\n    print('open')\n    yield {'text': 'hi', 'label': 'ham'}\n    print('end')\n")
    _, samples = read(dataset(tmp_path, "t.dat", b"x", format="reader.py:read", input="text", target="label"))
    assert [sample.input for sample in samples] == ["hi"]
    assert capsys.readouterr() == ("", "open\nend\nopen\n")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("yield {'a': 1}\n    return {}['x']", "reader.py:3: KeyError: 'x'"),
        ("yield {'a': 1}\n    raise SystemExit(9)", "reader.py:3: SystemExit: 9"),
        ("return 7", "TypeError: 'int' object is not iterable"),
        ("yield 7", ":row 1: the reader reader.py:read gave int, where a mapping"),
        ("yield {'a': 1}\n    yield {1: 'a'}", ":row 2: the reader reader.py:read gave dict, where a mapping of column names"),
        ("yield {'a': {1, 2}}", ":row 1: the reader reader.py:read gave a value that JSON cannot carry"),
    ],
)
def test_a_fault_of_the_reader_is_told_with_its_place(tmp_path: Path, body: str, said: str) -> None:
    with_reader(tmp_path, f"def read(path):\n    {body}\n")
    assert said in str(refusal(tmp_path, "t.dat", b"x", format="reader.py:read"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("reader.py:raed", "did you mean read?"),
        ("no.py:read", "there is no file"),
        ("reader.py:SOME", "no function, but int"),
        ("jsnol", "did you mean jsonl?"),
    ],
)
def test_a_reader_that_is_not_there_is_told_with_the_nearest_name(tmp_path: Path, name: str, said: str) -> None:
    with_reader(tmp_path, "SOME = 1\ndef read(path): ...\n")
    error = refusal(tmp_path, "t.dat", b"x", format=name)
    assert said in f"{error} {error.hint}"


def test_a_reader_of_ones_own_reads_no_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from evalsvc.dataset.own import open_own

    class Source:
        path = Url("https://host/t.xml")

    source: Any = Source()
    with pytest.raises(UsageError, match="files of this machine only"):
        open_own("reader.py:read", lambda path: [], source)
