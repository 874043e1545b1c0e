"""Writes one module of the sync client: its classes, and imports for the names they use."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from attrs import frozen

from trudy.codegen.methods import Class, CodegenError, docstring, sync_method, takes_client
from trudy.codegen.words import is_async_name, sync_name, sync_text, sync_tree

_OURS = {
    "Bridge": "trudy.bridge",
    "async_of": "trudy.bridge",
    "bridge_of": "trudy.bridge",
    "SyncResource": "trudy.bridge",
    "bind": "trudy.bridge",
    "refuse_ready_client": "trudy.bridge",
    "Page": "trudy.pagination",
    "Iterator": "collections.abc",
}


def translate(text: str, path: str) -> str:
    """The sync module of an async one. `path` is the source's, such as `trudy/resources/agents.py`."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise CodegenError(f"{path}:{error.lineno}: {error.msg}") from None
    names = _Names.of(tree, ".".join(PurePosixPath(path).with_suffix("").parts))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and is_async_name(node.name)]
    if not classes:
        raise CodegenError(f"{path}: no class that has a sync form")
    body = "\n\n".join(_class(node, text.splitlines(), names.namespaces) for node in classes)
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    sections = (
        [f'"""{sync_text(ast.get_docstring(tree) or "")}"""'],
        ["from __future__ import annotations"],
        names.imports(used, {sync_name(node.name) for node in classes}),
        names.type_variables(used),
        [body],
    )
    return "\n\n".join("\n".join(section) for section in sections)


def _class(source: ast.ClassDef, lines: Sequence[str], namespaces: Mapping[str, str]) -> str:
    methods = [node for node in source.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    making = [method for method in methods if method.name == "__init__"]
    is_namespace = not making
    cls = Class(source.name, lines, namespaces, has_client=any(map(takes_client, making)))
    text = ast.get_docstring(source)
    made = (sync_method(method, cls) for method in methods)
    tree = ast.ClassDef(
        name=sync_name(source.name),
        bases=[ast.parse(f"SyncResource[{source.name}]", mode="eval").body] if is_namespace else [],
        keywords=[],
        body=[
            *([docstring(text, 4)] if text is not None else []),
            *(method for method in made if method is not None),
        ],
        decorator_list=[decorator for decorator in source.decorator_list if not _is_of_attrs(decorator)],
    )
    written = ast.unparse(tree)
    return re.sub(r"^ +(body_of_\w+)$", lambda match: cls.bodies[match[1]], written, flags=re.MULTILINE)


@frozen
class _Names:
    """The names that the source module imports and defines."""

    module: str
    imported: dict[str, ast.Import | ast.ImportFrom]
    typing_only: frozenset[str]
    variables: dict[str, ast.stmt]
    """Type variables, made again in the sync module."""
    defined: frozenset[str]
    namespaces: dict[str, str]
    """Module of each namespace of the sync client, by its name there."""

    @classmethod
    def of(cls, tree: ast.Module, module: str) -> _Names:
        imported: dict[str, ast.Import | ast.ImportFrom] = {}
        typing_only: set[str] = set()
        variables: dict[str, ast.stmt] = {}
        defined: set[str] = set()
        for node, guarded in _statements(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    name = alias.asname or alias.name.partition(".")[0]
                    imported[name] = _one(node, alias)
                    if guarded:
                        typing_only.add(name)
            elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                defined.add(node.name)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for target in _targets(node):
                    defined.add(target)
                    if _makes_type_variable(node.value):
                        variables[target] = node
        namespaces = {
            sync_name(name): _sync_module(node.module)
            for name, node in imported.items()
            if isinstance(node, ast.ImportFrom) and node.module and is_async_name(name)
            if node.module.startswith(("trudy.client", "trudy.resources.", "trudy.dialer."))
        }
        namespaces |= {sync_name(name): _sync_module(module) for name in defined if is_async_name(name)}
        return cls(module, imported, frozenset(typing_only), variables, frozenset(defined), namespaces)

    def imports(self, used: set[str], own: set[str]) -> Iterator[str]:
        """The import statements for the names in use, those for types only under `TYPE_CHECKING`."""
        always: set[str] = set()
        for_types: set[str] = set()
        wanted = set(used)
        for name in used & self.variables.keys():
            wanted |= {node.id for node in ast.walk(self.variables[name]) if isinstance(node, ast.Name)}
        for name in wanted - own - self.variables.keys():
            if name in self.imported:
                statement = ast.unparse(self.imported[name])
                (for_types if name in self.typing_only else always).add(statement)
            elif name in self.namespaces:
                for_types.add(f"from {self.namespaces[name]} import {name}")
            elif name in self.defined:
                always.add(f"from {self.module} import {name}")
            elif name in _OURS:
                always.add(f"from {_OURS[name]} import {name}")
        if for_types:
            always.add("from typing import TYPE_CHECKING")
        yield from sorted(always)
        if for_types:
            yield "if TYPE_CHECKING:"
            yield from (f"    {statement}" for statement in sorted(for_types))

    def type_variables(self, used: set[str]) -> Iterator[str]:
        """The type variables in use, made anew."""
        for name in sorted(used & self.variables.keys()):
            yield ast.unparse(sync_tree(self.variables[name]))


def _statements(tree: ast.Module) -> Iterator[tuple[ast.stmt, bool]]:
    for node in tree.body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from ((inner, True) for inner in node.body)
        else:
            yield node, False


def _one(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> ast.Import | ast.ImportFrom:
    if isinstance(node, ast.Import):
        return ast.Import([alias])
    return ast.ImportFrom(node.module, [alias], node.level)


def _targets(node: ast.Assign | ast.AnnAssign) -> Iterable[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return (target.id for target in targets if isinstance(target, ast.Name))


def _makes_type_variable(value: ast.expr | None) -> bool:
    return (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id in ("TypeVar", "ParamSpec", "TypeVarTuple")
    )


def _is_of_attrs(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return isinstance(called, ast.Name) and called.id in ("define", "frozen")


def _sync_module(module: str) -> str:
    package, _, name = module.rpartition(".")
    return f"trudy.dialer.sync.{name}" if package == "trudy.dialer" else f"trudy.sync.{name}"
