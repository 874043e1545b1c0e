from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trudy.sandbox.http.multipart import FormFile, as_json, read_form
from trudy.sandbox.http.problems import Problem

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
NAMES = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=8)


@given(fields=st.dictionaries(NAMES, TEXTS), files=st.dictionaries(NAMES, st.tuples(TEXTS, st.binary()), min_size=1))
def test_what_httpx_writes_is_read_back(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> None:
    files = {f"{name}_file": (filename or "x", content) for name, (filename, content) in files.items()}
    request = httpx.Request("POST", "http://a.test", data=fields, files=files)
    form = read_form(request.headers["content-type"], request.read())
    uploads = {name: form.pop(name) for name in files}
    assert form == fields
    assert {name: upload.content for name, upload in uploads.items()} == {
        name: content for name, (_, content) in files.items()
    }


def test_booleans_where_named_so() -> None:
    request = httpx.Request(
        "POST", "http://a.test", data={"a": "TRUE", "b": "0", "c": "true", "d": "?"}, files={"f": b""}
    )
    form = read_form(request.headers["content-type"], request.read(), booleans=("a", "b", "d", "e"))
    assert form == {"a": True, "b": False, "c": "true", "d": "?", "f": FormFile("upload", b"")}
    assert as_json(form)["f"] == "upload"


def test_a_file_name_may_come_in_any_writing() -> None:
    body = b"--x\r\ncontent-disposition: form-data; name=f; filename*=UTF-8''%e2%82%ac.csv\r\n\r\nhi\r\n--x--"
    assert read_form('multipart/form-data; boundary="x"', body) == {"f": FormFile("\u20ac.csv", b"hi")}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\nhi"),
        ("multipart/form-data; boundary=x", b"--x\r\nX: y\r\n\r\nhi\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=a\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nhi\r\n--x--"),
    ],
)
def test_what_is_no_form_is_a_bad_request(content_type: str, body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        read_form(content_type, body)
    assert caught.value.status == 400


def test_no_content_in_a_repr() -> None:
    assert "secret" not in repr(FormFile("a", b"secret"))
