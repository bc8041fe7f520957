"""What Sphinx is told: ``make docs`` builds the pages and runs the examples."""

import re
import sys
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

import sknoise

sys.path.append(str(Path(__file__).parents[1]))
from tests.programs import keep_programs

keep_programs()

project = "sknoise"
author = copyright = "the sknoise developers"
version = release = sknoise.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

# Links to headings of other pages.
myst_heading_anchors = 3

# Options of parameters are code: their quotes stay straight.
smartquotes = False
# In the list of a page's members, names without their class.
toc_object_entries_show_parents = "hide"

autodoc_typehints = "none"
# The class template lists the members.
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/(plot|ten)_",
    "ignore_pattern": r"_common\.py",
    "within_subsection_order": ExplicitOrder(
        [
            "ten_minutes.py",
            "plot_gaussian_noise.py",
            "plot_noise_on_circles.py",
            "plot_noise_in_more_layers.py",
            "plot_noise_and_depth.py",
            "plot_noise_on_activations_and_weights.py",
            "plot_noise_without_overfitting.py",
            "plot_regularisers.py",
            "*",
        ]
    ),
    # How examples look is set in _common.py, which is imported once.
    "reset_modules": (),
    # Nothing in a file tells whether it ran at its full size.
    "run_stale_examples": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "sknoise"
html_baseurl = "https://sknoise.readthedocs.io/en/stable/"
html_static_path = ["_static"]
html_css_files = ["sknoise.css"]
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {name: [] for name in ("index", "install", "auto_examples/ten_minutes")}
html_theme_options = {
    "logo": {"text": "sknoise"},
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
}
copybutton_prompt_text = ">>> "


def drop_foreign_labels(app, what, name, obj, options, lines):
    """Take the text alone of references to scikit-learn's pages, in what is inherited from it."""
    lines[:] = [re.sub(r":ref:`([^`<]+?)\s*<[^`]+>`", r"\1", line) for line in lines]


def miss_no_figures(app):
    """Without the examples, do not warn of the figures that pages show of them."""
    # Sphinx-Gallery has read its option by now.
    if not app.config.sphinx_gallery_conf["plot_gallery"]:
        app.config.suppress_warnings.append("image.not_readable")


def setup(app):
    app.connect("autodoc-process-docstring", drop_foreign_labels)
    app.connect("builder-inited", miss_no_figures)
