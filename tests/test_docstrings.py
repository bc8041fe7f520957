"""Docstrings: whole where they stand, true to the code, and alike where they mean the same."""

import ast
import inspect
import re
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from numpydoc.docscrape import NumpyDocString, get_doc_object
from numpydoc.validate import validate
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import StrOptions

import sknoise
import sknoise.plotting
from sknoise.estimators._base import BaseNoisyMLP, _attributes

# All checks of numpydoc's are on, but for these.
EXCLUDED = {
    "ES01",  # a summary says all that there is to say of much
    "SA01",  # not everything has a relative that is worth a look
}
EXCLUDED_IN_METHODS = {"EX01"}  # the example of the class shows them
EXCLUDED_IN_PROPERTIES = {"SS05"}  # they say what they are, so they begin with no verb

# What functions of scikit-learn's raise here; our own ones say it in their docstrings.
RAISED = {"check_is_fitted": {"NotFittedError"}, "check_matplotlib_support": {"ImportError"}}

# What two estimators or methods say of the same thing is the same, word by word, but for these;
# what only one of them has is here too.
TWINS = {
    ("NoisyMLPClassifier", "NoisyMLPRegressor"): {
        "Summary",
        "Extended Summary: Targets need no",
        "loss",
        "noise_target",
        "noise_distribution",  # of targets too
        "alpha",  # scikit-learn halves the squared error
        "epochs",  # the regressor takes twice as many steps
        "unexplained_",  # of class indicators, or of targets
        "validation_fraction",  # the same of each class
        "monitor",
        "class_weight",
        "classes_",
        "n_outputs_",
        "validation_scores_",
        "history_",
        "coefs_",  # the regressor's output is in the units of the targets
        "intercepts_",
        "keras_classifier_",
        "keras_regressor_",
        "Notes: Two classes give",
        "Notes: Targets are standardised",
        "References: [7]",
    },
    ("NoisyMLPClassifierCV", "NoisyMLPRegressorCV"): {
        "Summary",
        "Extended Summary: Some levels of",
        "loss",
        "alphas",  # of the classifier a weaker one beside noise
        "noise_inputs",  # of the classifier by how far apart classes are
        "noise_target",
        "noise_distribution",  # of targets too
        "epochs",  # the regressor takes four times as many steps
        "cv",  # stratified
        "ensemble",  # of probabilities, or of predictions
        "class_weight",
        "calibrate",
        "classes_",
        "n_outputs_",
        "best_score_",  # in the units of the targets
        "history_",
        "oof_",
        "temperature_",
        "estimator_",
        "unexplained_",
        "References: [7]",
        "References: [9]",
    },
    ("NoisyMLPClassifierCV.fit", "NoisyMLPRegressorCV.fit"): {
        "y",
        "sample_weight",  # for the temperature, or for intervals
        "Warns: UserWarning",  # of classes of few rows
    },
    ("NoisyMLPClassifier.fit", "NoisyMLPRegressor.fit"): {
        "y",
        "y_val",
        "Warns: UserWarning",  # of one-hot classes
    },
    ("NoisyMLPClassifier.partial_fit", "NoisyMLPRegressor.partial_fit"): {
        "y",
        "classes",
        'Extended Summary: With ``class_weight="balanced"``, the',
        "Raises: ValueError",
        "Warns: UserWarning",
    },
    ("NoisyMLPClassifier.predict", "NoisyMLPRegressor.predict"): {"Summary", "Returns"},
    ("NoisyMLPClassifier.predict", "NoisyMLPClassifier.predict_proba"): {"Summary", "Returns"},
    ("NoisyMLPClassifier.predict_proba", "NoisyMLPClassifier.predict_log_proba"): {
        "Summary",
        "Returns",
    },
}
# Of these, it is the parameters that both have.
PASS_ON = {
    ("noise_curve", "NoiseCurveDisplay.from_estimator"): {"metric"},  # is also what is drawn
    **{
        (network, f"{network}CV"): {
            "noise_schedule",  # of the longest training
            "epochs",
            "random_state",  # of the folds too
            "verbose",
            *more,
        }
        for network, more in (
            ("NoisyMLPClassifier", {"class_weight"}),  # of held-out rows too
            ("NoisyMLPRegressor", set()),
        )
    },
    ("NoiseCurveDisplay.from_curve", "NoiseCurveDisplay.plot"): set(),
    ("RobustnessDisplay.from_estimators", "RobustnessDisplay.plot"): set(),
    ("SearchMapDisplay.from_search", "SearchMapDisplay.plot"): set(),
    ("TrainingCurveDisplay.from_estimator", "TrainingCurveDisplay.plot"): set(),
}


@cache
def definitions(path):
    """The classes and functions of a file, and the methods of its classes, by their names."""
    found = {}
    for node in ast.walk(ast.parse(Path(path).read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.setdefault(node.name, []).append(node)
    return found


def definition(thing):
    thing = inspect.unwrap(plain(thing))
    (node,) = definitions(inspect.getsourcefile(thing))[thing.__name__]
    return node


def plain(thing):
    """The function in a property or a class method."""
    return thing.fget if isinstance(thing, property) else getattr(thing, "__func__", thing)


def ours(cls):
    return [base for base in cls.__mro__ if base.__module__.startswith("sknoise.")]


def methods(cls):
    """The methods and properties that are defined in our source, by their names."""
    return {
        node.name: (getattr(cls, node.name), node)
        for base in reversed(ours(cls))
        for node in definition(base).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    }


def everything():
    """All that is public: its name, itself, where it is defined, and in which class."""
    for module in (sknoise, sknoise.plotting):
        for name in module.__all__:
            thing = getattr(module, name)
            if isinstance(thing, str):  # the version
                continue
            yield name, (thing, definition(thing), None)
            if inspect.isclass(thing):
                for method, (itself, node) in methods(thing).items():
                    yield f"{name}.{method}", (itself, node, thing)


PUBLIC = dict(everything())
CLASSES = [name for name, (thing, *_) in PUBLIC.items() if inspect.isclass(thing)]


def source_doc(name):
    """What the source says, without that anything runs."""
    return ast.get_docstring(PUBLIC[name][1]) or ""


def parsed(name):
    return NumpyDocString(source_doc(name))


def parameters(name):
    """The documented parameters: type and text of each."""
    return {
        each: (described.type, " ".join(described.desc))
        for described in parsed(name)["Parameters"]
        for each in described.name.lstrip("*").split(", ")
    }


def signature(name):
    of = inspect.signature(plain(PUBLIC[name][0])).parameters
    return {each: of[each] for each in of if each not in ("self", "cls")}


def test_what_is_public_is_found():
    assert {"NoisyMLPRegressor.model_", "NoiseCurve.one_se_", "Diagnosis", "clear_cache"} <= {
        *PUBLIC
    }
    assert {name.partition(".")[0] for name in PUBLIC} == {
        *sknoise.__all__,
        *sknoise.plotting.__all__,
    } - {"__version__"}


@pytest.mark.parametrize("name", PUBLIC)
def test_numpydoc_has_no_objections(name):
    thing, _, cls = PUBLIC[name]
    excluded = EXCLUDED | (EXCLUDED_IN_METHODS if cls else set())
    if isinstance(thing, property):
        excluded |= EXCLUDED_IN_PROPERTIES
    # As functions: of properties and class methods, numpydoc looks at less.
    errors = validate(get_doc_object(plain(thing)))["errors"]
    assert [f"{code}: {text}" for code, text in errors if code not in excluded] == []


@pytest.mark.parametrize("name", PUBLIC)
def test_the_source_says_it_all(name):
    doc, sections = source_doc(name), parsed(name)
    thing, node, _ = PUBLIC[name]
    # Nothing is filled in when it runs.
    assert "%(" not in doc
    assert inspect.cleandoc(thing.__doc__) == doc
    assert list(parameters(name)) == list(signature(name))
    returns = [n for n in ast.walk(node) if isinstance(n, ast.Return) and n.value is not None]
    if isinstance(node, ast.FunctionDef):
        assert bool(returns) == bool(sections["Returns"])
    for section in ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Warns"):
        for described in sections[section]:
            text = " ".join(described.desc)
            assert described.type, described
            assert re.fullmatch(r"[^a-z].*\.", text), described
            # Nobody has to look elsewhere.
            assert not re.match(r"(As|Like) (in )?``", text), described


@pytest.mark.parametrize("name", PUBLIC)
def test_defaults_are_those_of_the_signature(name):
    documented = parameters(name)
    for each, parameter in signature(name).items():
        _, *default = documented[each][0].split("default=")
        if parameter.default is parameter.empty:
            assert not default, each
        else:
            value = ast.literal_eval(default[0])
            assert (value, isinstance(value, bool)) == (
                parameter.default,
                isinstance(parameter.default, bool),
            ), each


@pytest.mark.parametrize("name", CLASSES)
def test_attributes_are_those_that_are_set(name):
    cls = PUBLIC[name][0]
    found = set()
    for base in ours(cls):
        node = definition(base)
        found |= {n.target.id for n in node.body if isinstance(n, ast.AnnAssign)}
        found |= {
            n.attr
            for n in ast.walk(node)
            if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)
            if isinstance(n.value, ast.Name) and n.value.id == "self"
        }
    properties = {each for each, (it, _) in methods(cls).items() if isinstance(it, property)}
    if issubclass(cls, BaseNoisyMLP):
        state = SimpleNamespace(n_epochs=0)
        found |= set(_attributes(SimpleNamespace(own_weights=[], state=state)))
    if issubclass(cls, BaseEstimator):
        found |= {"n_features_in_", "feature_names_in_"}  # scikit-learn sets them
    found = {each for each in found | properties if not each.startswith("_")}
    documented = {each.name: each.type for each in parsed(name)["Attributes"]}
    assert set(documented) == found - set(signature(name))
    for each in properties:
        (returned,) = parsed(f"{name}.{each}")["Returns"]
        assert documented[each] == returned.type


@pytest.mark.parametrize("name", ["NoisyMLPClassifier", "NoisyMLPRegressor"])
def test_options_are_those_that_are_allowed(name):
    documented = parameters(name)
    for each, allowed in PUBLIC[name][0]._parameter_constraints.items():
        type_, text = documented[each]
        options = {o for one in allowed if isinstance(one, StrOptions) for o in one.options}
        quoted = re.findall(r'"(\w+)"', type_.partition("default=")[0])
        if options:
            assert options == set(quoted or re.findall(r'"(\w+)"', text)), each
        else:
            assert not quoted, each


def said_by(doc, section):
    return {each.type for each in NumpyDocString(doc or "")[section]}


def found_below(name):
    """What is raised and warned of: here, in what is called of the same files, and by whom else
    that is called, by their own docstrings."""
    thing, node, cls = PUBLIC[name]
    thing = inspect.unwrap(plain(thing))
    homes = ours(cls or thing) if inspect.isclass(cls or thing) else [thing]
    local, known = {}, {}
    for home in homes:
        for called, nodes in definitions(inspect.getsourcefile(home)).items():
            local.setdefault(called, []).extend(nodes)
        known = vars(sys.modules[home.__module__]) | known
    raised, warned, seen = set(), set(), set()
    start = [n for n in ast.walk(node) if getattr(n, "name", "") in ("__init__", "__post_init__")]
    todo = start if inspect.isclass(thing) else [node]
    while todo:
        for n in ast.walk(todo.pop()):
            if isinstance(n, ast.Raise) and isinstance(n.exc, ast.Call):
                raised.add(n.exc.func.id)
            if not isinstance(n, ast.Call):
                continue
            called = getattr(n.func, "attr", getattr(n.func, "id", None))
            if called in local and called not in seen:
                todo += [d for d in local[called] if isinstance(d, ast.FunctionDef)]
            elif called in RAISED:
                raised |= RAISED[called]
            elif isinstance(n.func, ast.Name) and called not in local:
                other = known.get(called)
                if getattr(other, "__module__", "").startswith("sknoise."):
                    raised |= said_by(other.__doc__, "Raises")
                    warned |= said_by(other.__doc__, "Warns")
            seen.add(called)
    return raised, warned


@pytest.mark.parametrize("name", PUBLIC)
def test_errors_and_warnings_are_told(name):
    raised, warned = found_below(name)
    assert raised <= said_by(source_doc(name), "Raises")
    assert warned <= said_by(source_doc(name), "Warns")


@pytest.mark.parametrize("name", PUBLIC)
def test_each_source_is_cited_and_each_citation_has_a_source(name):
    doc = source_doc(name)
    assert set(re.findall(r"\[(\d+)\]_", doc)) == set(re.findall(r"\.\. \[(\d+)\]", doc))


def said(name):
    """All that can be compared: type and text of what is described, paragraphs, and sources."""
    sections = NumpyDocString(
        re.sub("NoisyMLP(Classifier|Regressor)", "NoisyMLP", source_doc(name))
    )
    found = {"Summary": " ".join(sections["Summary"])}
    for section in ("Parameters", "Attributes"):
        found |= {each.name: (each.type, *each.desc) for each in sections[section]}
    for section in ("Raises", "Warns"):
        found |= {f"{section}: {each.type}": each.desc for each in sections[section]}
    if sections["Returns"]:
        found["Returns"] = sections["Returns"]
    for section in ("Extended Summary", "Notes"):
        for paragraph in "\n".join(sections[section]).split("\n\n"):
            words = paragraph.split()
            if words:
                found[f"{section}: {' '.join(words[:3])}"] = words
    for source in "\n".join(sections["References"]).split(".. ")[1:]:
        number, *words = source.split()
        found[f"References: {number}"] = words
    return found


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_twins_differ_where_they_mean_to_and_nowhere_else(one, other):
    first, second = said(one), said(other)
    assert len(first.keys() & second.keys()) > 3
    assert {
        key for key in first.keys() | second.keys() if first.get(key) != second.get(key)
    } == TWINS[one, other]


@pytest.mark.parametrize(("one", "other"), PASS_ON)
def test_what_is_passed_on_is_told_alike(one, other):
    first, second = parameters(one), parameters(other)
    shared = first.keys() & second.keys()
    assert shared
    assert {each for each in shared if first[each] != second[each]} == PASS_ON[one, other]


@pytest.mark.parametrize(("one", "other"), [*TWINS, *PASS_ON])
def test_what_both_have_has_one_default(one, other):
    first, second = signature(one), signature(other)
    for each in first.keys() & second.keys():
        assert first[each].default == second[each].default, each
