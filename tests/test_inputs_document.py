"""Documents: plain data, lines, and everything that an untrusted file can hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scheduler.inputs.document import Document
from scheduler.inputs.mistakes import MOST_MISTAKES, InputError, Mistakes, Plain, shown


def load(tmp_path: Path, text: str | bytes, name: str = "a.yaml") -> tuple[Document | None, str]:
    """Return the document and all mistakes as one text."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    mistakes = Mistakes()
    document = Document.load(path, mistakes)
    try:
        mistakes.raise_if_any()
    except InputError as error:
        return document, str(error)
    return document, ""


YAML = """\
name: x  # 1
halls:
  - name: H1
    power:
      ups_kw: -5
  - {name: H2, power: {ups_kw: 3}}
"""


def test_yaml_is_plain_data_with_lines(tmp_path: Path) -> None:
    document, said = load(tmp_path, YAML)
    assert said == ""
    assert document is not None
    assert document.data["halls"][0] == {"name": "H1", "power": {"ups_kw": -5}}
    assert document.line_of(()) == 1
    assert document.line_of(("halls",)) == 2
    assert document.line_of(("halls", 0, "power")) == 4
    assert document.line_of(("halls", 0, "power", "ups_kw")) == 5
    assert document.line_of(("halls", 1, "power", "ups_kw")) == 6
    assert document.line_of(("halls", 1, "cooling", "air")) == 6  # nearest that exists
    assert document.line_of(("halls", 7)) == 2


def test_json_has_the_same_lines_as_its_text(tmp_path: Path) -> None:
    content = {"a": 'x "{[,:]}" \\', "b": [1, {"c": 2.5, "d": None}], "e": True}
    text = json.dumps(content, indent=1)
    document, said = load(tmp_path, text, "a.json")
    assert said == ""
    assert document is not None
    assert document.data == content
    lines = text.splitlines()
    for loc, start in ((("a",), '"a"'), (("b", 0), "1"), (("b", 1, "c"), '"c"'), (("e",), '"e"')):
        assert lines[document.line_of(loc) - 1].strip().startswith(start)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        ("007", "007"),
        ("1_000", 1000),
        ("1_", "1_"),
        ("0x10", "0x10"),
        ("true", True),
        ("~", None),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("'5'", "5"),
        ("2 %", "2 %"),
        ("é漢", "é漢"),
    ],
)
def test_plain_scalars(tmp_path: Path, text: str, value: object) -> None:
    document, said = load(tmp_path, f"a: {text}\n")
    assert said == ""
    assert document is not None
    assert document.data == {"a": value}
    assert type(document.data["a"]) is type(value)


BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
)


@pytest.mark.parametrize(
    ("name", "text", "line", "words"),
    [
        ("a.yaml", BOMB, 1, "no anchors"),
        ("a.yaml", "a: *b\n", 1, "no aliases"),
        ("a.yaml", "a: !!python/object:os.system x\n", 1, "no tags"),
        ("a.yaml", "a: 1\nb: 2\na: 3\n", 3, "a: expected each key once"),
        ("a.yaml", "a: 1\n5: 2\n", 2, "a name before the colon"),
        ("a.yaml", "? [a]\n: 2\n", 1, "a name before the colon"),
        ("a.yaml", "a:\n  - [" * 1 + "[" * 100_000, 2, "levels"),
        ("a.yaml", "{a: " * 100_000, 1, "levels"),
        ("a.yaml", "a: 1\n---\nb: 2\n", 2, "one document"),
        ("a.yaml", "a: 1\nb: [1, 2\n", 3, "valid YAML"),
        ("a.yaml", "a: 1e999\n", 1, "a finite number"),
        ("a.yaml", "a: " + "9" * 5000, 1, "digits"),
        ("a.yaml", 'a: "x\\0"\n', 1, "U+0000"),
        ("a.yaml", "a: b\x00c\n", 1, "U+0000"),
        ("a.yaml", b"a: 1\nb: \xff\n", 2, "UTF-8"),
        ("a.yaml", "a: 1".encode("utf-16"), 1, "UTF-8"),
        ("a.json", '{"a": 1,\n "a": 2}', 2, "a: expected each key once"),
        ("a.json", '{"a":\n NaN}', 2, "a finite number, got NaN"),
        ("a.json", '{"a":\n 1e999}', 2, "a finite number"),
        ("a.json", '{"a": -Infinity}', 1, "a finite number"),
        ("a.json", '{"a": 1,\n}', 2, "valid JSON"),
        ("a.json", "[" * 100_000, 1, "levels"),
        ("a.json", "[" * 100 + "]" * 100, 1, "levels"),
        ("a.json", "9" * 5000, 1, "digits"),
        ("a.json", '{"a": "\\ud800"}', 1, "U+D800"),
        ("a.json", "", 1, "valid JSON"),
    ],
)
def test_what_no_file_may_hold(
    tmp_path: Path, name: str, text: str | bytes, line: int, words: str
) -> None:
    _, said = load(tmp_path, text, name)
    assert f"{name}:{line}: " in said
    assert words in said
    assert all(len(each) < 400 for each in said.splitlines())


def test_folder_missing_and_large_files_are_mistakes(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(100 * 2**20)  # sparse: 100 MiB of zeros
    said = []
    for path in (tmp_path, tmp_path / "none.yaml", huge, Path("/dev/zero"), Path("a\0b")):
        mistakes = Mistakes()
        assert Document.load(path, mistakes) is None
        with pytest.raises(InputError) as error:
            mistakes.raise_if_any()
        said.append(str(error.value))
    assert "expected a file, got a folder" in said[0]
    assert "No such file" in said[1]
    assert "at most 64 MiB, got 100.0 MiB" in said[2]
    assert "a device or pipe" in said[3]
    assert "null" in said[4]


def test_mistakes_are_sorted_and_capped() -> None:
    mistakes = Mistakes()
    for line in range(MOST_MISTAKES + 5, 0, -1):
        mistakes.add_at("f", line, "a", "b", 1)
    with pytest.raises(InputError) as error:
        mistakes.raise_if_any()
    found = error.value.mistakes
    assert len(found) == MOST_MISTAKES + 1
    assert [each.line for each in found[:-1]] == list(range(6, MOST_MISTAKES + 6))
    assert found[-1].got == "5 more"  # lines 5 to 1 came after the cap


def test_got_is_one_short_line() -> None:
    assert shown("a\nb\u202e\x1b[31m") == "'a\\nb\\u202e\\x1b[31m'"
    assert len(shown("x" * 10_000)) <= 80
    assert len(shown([[["x" * 100] * 100] * 100] * 100)) <= 80
    assert shown("\ud800") == "'\\ud800'"
    assert shown(None) == "nothing"
    assert shown(Plain("-5 kW")) == "-5 kW"
    assert shown(Plain("a\nb")) == "a\\nb"
