"""The notebook runs in a kernel of its own, and shows what is kept in it."""

from __future__ import annotations

from typing import Any

import nbformat
from nbclient import NotebookClient

from tests.docs.blocks import ROOT

NOTEBOOK = ROOT / "examples" / "notebook.ipynb"


def outputs(notebook: Any) -> list[list[Any]]:
    """What each cell shows, its place in the order of running left out."""
    return [
        [{key: value for key, value in output.items() if key != "execution_count"} for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_the_notebook_runs_and_shows_the_stored_output() -> None:
    kept = nbformat.read(NOTEBOOK, as_version=4)
    run = nbformat.read(NOTEBOOK, as_version=4)
    for cell in run.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    NotebookClient(run, timeout=60, kernel_name="python3").execute()
    assert outputs(run) == outputs(kept)
    assert sum(map(len, outputs(run))) == 5
