"""Which column is taken for what, by its name."""

from __future__ import annotations

import pytest

from trudy import InvalidArgumentError
from trudy.dialer.columns import Columns, guessed, number_cell
from trudy.dialer.exported import RESULTS


def taken(*names: str, needed: frozenset[str] = frozenset(), given: Columns | None = None) -> Columns:
    return guessed(dict.fromkeys(names, "x"), given or Columns(), needed)


@pytest.mark.parametrize(
    "name",
    [
        "phone", "Phone Number", "PHONE", "phoneNumber", "PhoneNumber", "PHONENUMBER", "Phone #", "Tel.", "Telefon",
        "Cell Phone Number", "Phone Number (mobile)", "contact_number", "contact phone", "E.164", "e164", "Mobile No.",
        "phone1", "MSISDN", " phone ", "Primary Phone",
    ],
)  # fmt: skip
def test_a_column_that_is_called_after_phones_holds_the_number(name: str) -> None:
    assert taken("id", "first name", name, "phone type", "phone_country", "Cell Carrier").number == name
    assert number_cell({"id": "1", name: "+1", "phone type": "mobile"}) == "+1"


def test_names_that_are_known_go_before_others() -> None:
    assert taken("home phone", "mobile phone").number == "mobile phone"
    assert taken("work phone", "number").number == "number"


@pytest.mark.parametrize(
    "names", [("home phone", "work phone"), ("phone1", "phone2"), ("phone type",), ("name", "city"), ("headphones",)]
)
def test_nothing_is_guessed_where_several_columns_may_be_meant_or_none(names: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match="no column that looks like a phone number") as error:
        taken(*names)
    assert error.value.argument == "columns"
    assert names[0] in str(error.value)


def test_other_columns_and_variables_are_found_in_any_spelling() -> None:
    found = taken(
        "phone", "Time Zone", "State", "Consent Basis", "Priority", "firstName", "Order-No", "zip",
        needed=frozenset({"first_name", "order_no", "zip", "lacking"}),
    )  # fmt: skip
    assert found == Columns(
        number="phone",
        timezone="Time Zone",
        region="State",
        consent="Consent Basis",
        priority="Priority",
        variables={"first_name": "firstName", "order_no": "Order-No"},
    )


def test_an_export_is_a_source_again() -> None:
    """Its `state` is that of a row, and no place: a number of another place would be called by the wrong clock."""
    once = ["phone", "input_state", "city", *RESULTS]
    twice = ["phone", "input_input_state", "city", *(f"input_{name}" for name in RESULTS), *RESULTS]
    needed = frozenset({"state", "city"})
    assert taken(*once, needed=needed) == Columns(
        number="phone", region="input_state", variables={"state": "input_state"}
    )
    assert taken(*twice).region == "input_input_state"
    assert taken("phone", *RESULTS).region is None
    assert taken("phone", "State", *RESULTS).region == "State"
    assert taken("phone", "state", "outcome").region == "state"


def test_a_column_that_is_named_wins() -> None:
    given = Columns(number="zip", variables={"first_name": "phone"})
    found = taken("phone", "zip", "first name", needed=frozenset({"first_name"}), given=given)
    assert (found.number, found.variables) == ("zip", {"first_name": "phone"})
    for wrong in (Columns(number="fone"), Columns(region="fone"), Columns(variables={"first_name": "fone"})):
        with pytest.raises(InvalidArgumentError, match="no column 'fone'"):
            taken("phone", given=wrong)
