"""`trudy.models` loads what is used, when it is used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import trudy.models


def loaded_after(code: str) -> set[str]:
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def test_the_package_alone_loads_no_model() -> None:
    loaded = loaded_after("import trudy.models")
    assert not {name for name in loaded if name.startswith("trudy.models.")}


def test_a_namespaces_models_load_alone_and_without_the_converter() -> None:
    loaded = loaded_after("import trudy.models; trudy.models.Agent(id='x').to_dict()")
    assert "trudy.models.agents" in loaded
    assert not loaded & {"trudy.models.calls", "trudy.models._converter", "cattrs", "httpx"}


def test_decoding_loads_the_converter() -> None:
    assert "cattrs" in loaded_after("import trudy.models; trudy.models.decode(trudy.models.Deleted, {})")


@pytest.mark.parametrize("name", trudy.models.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(trudy.models, name) is not None
    assert name in dir(trudy.models)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Agnet'"):
        _ = trudy.models.Agnet
