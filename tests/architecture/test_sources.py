"""Rules that every source file keeps, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import pytest

from tests.factories.repository import Module, source_modules

MODULES = [pytest.param(module, id=module.path) for module in source_modules()]
_MODULE_LINES = 400
_FUNCTION_LINES = 60
_UNSAFE_MODULES = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "cloudpickle", "commands", "pty"}
_UNSAFE_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "print",
    "breakpoint",
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "pickle.load",
    "pickle.loads",
}
_REVIEWED = {
    # Reads array pickles with an Unpickler that admits no name but those of arrays.
    "pipelines/face_model/array_pickles.py": ": import of pickle",
}


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_a_docstring_and_a_readable_size(module: Module) -> None:
    assert ast.get_docstring(module.tree), f"{module.path} has no docstring"
    assert module.text.count("\n") <= _MODULE_LINES
    functions = [node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > _FUNCTION_LINES]
    assert not long, f"functions of {module.path} over {_FUNCTION_LINES} lines: {long}"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_runs_no_shell_and_no_stored_code(module: Module) -> None:
    found = list(unsafe_places(module.tree))

    assert [place for place in found if not place.endswith(_REVIEWED.get(module.path, "\n"))] == []


def unsafe_places(tree: ast.Module) -> Iterator[str]:
    """Yield a line for each construct that would run a shell, or code that came with data, or print."""
    for node in ast.walk(tree):
        for found in _CHECKS.get(type(node), lambda _: [])(node):
            yield f"line {node.lineno}: {found}"  # type: ignore[attr-defined]


def _in_import(node: ast.Import) -> list[str]:
    return [f"import of {alias.name}" for alias in node.names if alias.name.split(".")[0] in _UNSAFE_MODULES]


def _in_import_from(node: ast.ImportFrom) -> list[str]:
    return [f"import from {node.module}"] if (node.module or "").split(".")[0] in _UNSAFE_MODULES else []


def _in_call(node: ast.Call) -> list[str]:
    name = ast.unparse(node.func)
    found = [name] if name in _UNSAFE_CALLS else []
    for keyword in node.keywords:
        is_false = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        if keyword.arg in ("shell", "allow_pickle") and not is_false:
            found.append(f"{name}({keyword.arg}=...)")
        if keyword.arg == "weights_only" and is_false:
            found.append(f"{name}(weights_only=False)")
    if name in ("np.load", "numpy.load") and "allow_pickle" not in {keyword.arg for keyword in node.keywords}:
        found.append("np.load without allow_pickle=False")
    return found


def _in_constant(node: ast.Constant) -> list[str]:
    return ["pipe: URL"] if isinstance(node.value, str) and node.value.startswith("pipe:") and len(node.value) > len("pipe:") else []


_CHECKS: dict[type[ast.AST], Callable[..., list[str]]] = {
    ast.Import: _in_import,
    ast.ImportFrom: _in_import_from,
    ast.Call: _in_call,
    ast.Constant: _in_constant,
}


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from pickle import loads",
        "print(1)",
        "import os\nos.system('ls')",
        "subprocess.run('ls', shell=True)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path, weights_only=False)",
        "url = 'pipe:cat x'",
        "eval('1')",
    ],
)
def test_the_check_finds(text: str) -> None:
    assert len(list(unsafe_places(ast.parse(text)))) == 1


def test_the_check_lets_the_safe_forms_pass() -> None:
    safe = "np.load(path, allow_pickle=False)\nsubprocess.run(['ls'], shell=False)\nif url.startswith('pipe:'):\n    raise ValueError"

    assert list(unsafe_places(ast.parse(safe))) == []
