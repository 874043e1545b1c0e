from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_extra_the_error_names_it(missing: str) -> None:
    script = f"import sys; sys.modules[{missing!r}] = None\nimport trudy.sandbox"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    last = result.stderr.strip().splitlines()[-1]
    assert last == (
        f"ModuleNotFoundError: trudy.sandbox needs {missing}, of the extra `sandbox`: "
        "pip install 'trudy-python-sdk[sandbox]'"
    )
