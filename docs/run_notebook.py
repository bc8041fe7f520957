"""Run a notebook in place, so that it opens with its results: ``python run_notebook.py PATH``."""

import sys

import nbformat
from nbclient import NotebookClient

path = sys.argv[1]
notebook = nbformat.read(path, as_version=4)
NotebookClient(notebook, record_timing=False).execute()
for cell in notebook.cells:
    if cell.cell_type == "code":
        # TensorFlow's notes on this machine, which nobody else has.
        cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
nbformat.write(notebook, path)
