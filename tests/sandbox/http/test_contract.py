from __future__ import annotations

import json

import pytest

from trudy.sandbox.http.app import HANDLERS
from trudy.sandbox.http.contract import Operation, document, operation, operations, resolved
from trudy.sandbox.http.multipart import FormFile
from trudy.sandbox.http.problems import Problem


def refused(subject: Operation, body: bytes, content_type: str = "application/json") -> Problem:
    with pytest.raises(Problem) as caught:
        subject.read_body(content_type, body)
    return caught.value


def test_each_operation_has_a_handler_and_each_handler_an_operation() -> None:
    names = [found.id for found in operations()]
    assert len(names) == len(set(names)) == 67
    assert HANDLERS.keys() == set(names)


def test_only_the_documented_four_know_the_key() -> None:
    keyed = {found.id for found in operations() if found.by_key}
    assert keyed == {"create_agent", "create_call", "create_batch_call", "create_tool"}


def test_references_are_put_in_their_place() -> None:
    whole = json.dumps(resolved(document()["paths"]))
    assert "$ref" not in whole
    assert "#/components" in json.dumps(document()["paths"])


@pytest.mark.parametrize(
    ("query", "members"),
    [
        (b"", {}),
        (b"limit=7&offset=2", {"limit": 7, "offset": 2}),
        (b"limit=7&limit=8&other=x", {"limit": 8}),
        (b"status=&agent_id=%C3%A4", {"status": "", "agent_id": "\u00e4"}),
        (b"agent_id=%ff", {"agent_id": "\ufffd"}),
    ],
)
def test_queries(query: bytes, members: dict[str, object]) -> None:
    assert operation("list_calls").read_query(query) == members


@pytest.mark.parametrize(
    "query", ["limit=1_0", "limit=%D9%A1", "limit=+5", "limit=1e1", "limit=" + "9" * 5000, "limit=101", "offset=-1"]
)
def test_faulty_queries_name_the_member(query: str) -> None:
    with pytest.raises(Problem) as caught:
        operation("list_calls").read_query(query.encode())
    assert (caught.value.status, caught.value.details["field"]) == (422, query.partition("=")[0])


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b"[" * 100_000, b'{"name": NaN}', b'{"name": "\\ud800"}', b'{"name": ' + b"9" * 5000 + b"}"],
)
def test_what_is_no_json_is_a_bad_request(body: bytes) -> None:
    problem = refused(operation("create_tool"), body)
    assert (problem.status, problem.code) == (400, "bad_request")


def test_whole_characters_may_be_escaped() -> None:
    assert operation("create_tool").read_body("", b'{"name": "\\ud83d\\ude00"}') == {"name": "\U0001f600"}


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"7"])
def test_a_body_must_be_an_object(body: bytes) -> None:
    problem = refused(operation("create_tool"), body)
    assert (problem.status, problem.details["field"]) == (422, "body")


def test_a_body_may_be_left_out_where_none_is_required() -> None:
    assert operation("schedule_batch_call").read_body("", b"") == {}
    assert operation("pause_batch_call").read_body("", b"ignored") == {}


def test_forms() -> None:
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nphone\r\n'
        b'--x\r\nContent-Disposition: form-data; name="overwrite_existing"\r\n\r\nTrue\r\n'
        b'--x\r\nContent-Disposition: form-data; name="folder_id"\r\n\r\ntrue\r\n--x--\r\n'
    )
    subject = operation("import_contacts")
    members = subject.read_body("Multipart/Form-Data; boundary=x", form)
    assert members == {"file": FormFile("a.csv", b"phone"), "overwrite_existing": True, "folder_id": "true"}
    problem = refused(subject, form.replace(b"True", b"perhaps"), "multipart/form-data; boundary=x")
    assert problem.details == {"field": "overwrite_existing", "reason": "must be a boolean"}
    problem = refused(subject, form.replace(b'"file"', b'"data"'), "multipart/form-data; boundary=x")
    assert problem.details == {"field": "file", "reason": "is required"}
