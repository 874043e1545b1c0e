"""Writes one module of the sync client: its classes, and imports for the names they use."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import TypeAlias

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


Read: TypeAlias = Callable[[str], str]
"""Gives the text of a module by its name, such as `trudy.dialer.control`."""


def translate(text: str, path: str, read: Read) -> str:
    """The sync module of an async one. `path` is the source's, such as `trudy/resources/agents.py`; `read` is asked for
    the modules of the classes that it inherits from."""
    module = _Module.of(text, path)
    classes = [node for node in module.tree.body if isinstance(node, ast.ClassDef) and is_async_name(node.name)]
    if not classes:
        raise CodegenError(f"{path}: no class that has a sync form")
    lineages = [list(_lineage(node, module, read)) for node in classes]
    body = "\n\n".join(map(_class, lineages))
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    modules = list(dict.fromkeys([module, *(each for lineage in lineages for _, each in lineage)]))
    sections = (
        [f'"""{sync_text(ast.get_docstring(module.tree) or "")}"""'],
        ["from __future__ import annotations"],
        _imports(used, {sync_name(node.name) for node in classes}, modules),
        _type_variables(used, modules),
        [body],
    )
    return "\n\n".join("\n".join(section) for section in sections)


def _lineage(source: ast.ClassDef, module: _Module, read: Read) -> Iterator[tuple[ast.ClassDef, _Module]]:
    """A class, and those whose methods its sync form must have too. The base of a namespace has one of its own."""
    yield source, module
    if _is_namespace(source):
        return
    for base in source.bases:
        name = ast.unparse(base)
        imported = module.names.imported.get(name)
        if not isinstance(imported, ast.ImportFrom) or imported.module is None:
            raise CodegenError(f"{source.name}: its base {name} is not imported by `from ... import`")
        home = _Module.of(read(imported.module), f"{imported.module.replace('.', '/')}.py")
        found = [node for node in home.tree.body if isinstance(node, ast.ClassDef) and node.name == name]
        if not found:
            raise CodegenError(f"{source.name}: its base {name} is not a class of {imported.module}")
        yield from _lineage(found[0], home, read)


def _is_namespace(source: ast.ClassDef) -> bool:
    return all(method.name != "__init__" for method in _methods(source))


def _methods(source: ast.ClassDef) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in source.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _class(lineage: Sequence[tuple[ast.ClassDef, _Module]]) -> str:
    source = lineage[0][0]
    has_client = any(takes_client(method) for method in _methods(source) if method.name == "__init__")
    text = ast.get_docstring(source)
    body: list[ast.stmt] = [] if text is None else [docstring(text, 4)]
    bodies: dict[str, str] = {}
    written_already: set[str] = set()
    for each, module in lineage:
        cls = Class(source.name, module.lines, module.names.namespaces, has_client=has_client, bodies=bodies)
        own = [method for method in _methods(each) if method.name not in written_already]
        made = (sync_method(method, cls) for method in own)
        body += [method for method in made if method is not None]
        written_already |= {method.name for method in own}
    tree = ast.ClassDef(
        name=sync_name(source.name),
        bases=[ast.parse(f"SyncResource[{source.name}]", mode="eval").body] if _is_namespace(source) else [],
        keywords=[],
        body=body,
        decorator_list=[decorator for decorator in source.decorator_list if not _is_of_attrs(decorator)],
    )
    return re.sub(r"^ +(body_of_\w+)$", lambda match: bodies[match[1]], ast.unparse(tree), flags=re.MULTILINE)


@frozen(eq=False)
class _Module:
    """A source module."""

    tree: ast.Module
    lines: Sequence[str]
    names: _Names

    @classmethod
    def of(cls, text: str, path: str) -> _Module:
        try:
            tree = ast.parse(text)
        except SyntaxError as error:
            raise CodegenError(f"{path}:{error.lineno}: {error.msg}") from None
        return cls(tree, text.splitlines(), _Names.of(tree, ".".join(PurePosixPath(path).with_suffix("").parts)))


@frozen
class _Names:
    """The names that a source module imports and defines."""

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

    def import_of(self, name: str) -> tuple[str, bool] | None:
        """The statement that imports a name, and whether for types only; None for a name unknown here."""
        if name in self.imported:
            return ast.unparse(self.imported[name]), name in self.typing_only
        if name in self.namespaces:
            return f"from {self.namespaces[name]} import {name}", True
        if name in self.defined:
            return f"from {self.module} import {name}", False
        return None


def _imports(used: set[str], own: set[str], modules: Sequence[_Module]) -> Iterator[str]:
    """The import statements for the names in use, those for types only under `TYPE_CHECKING`."""
    always: set[str] = set()
    for_types: set[str] = set()
    wanted = set(used)
    variables = _variables(modules)
    for name in used & variables.keys():
        wanted |= {node.id for node in ast.walk(variables[name]) if isinstance(node, ast.Name)}
    for name in wanted - own - variables.keys():
        found = {each for module in modules if (each := module.names.import_of(name)) is not None}
        statements = {statement for statement, _ in found}
        if len(statements) > 1:
            raise CodegenError(f"{name} means two things in one sync module: {', '.join(sorted(statements))}")
        if found:
            (for_types if all(is_for_types for _, is_for_types in found) else always).update(statements)
        elif name in _OURS:
            always.add(f"from {_OURS[name]} import {name}")
    if for_types:
        always.add("from typing import TYPE_CHECKING")
    yield from sorted(always)
    if for_types:
        yield "if TYPE_CHECKING:"
        yield from (f"    {statement}" for statement in sorted(for_types))


def _type_variables(used: set[str], modules: Sequence[_Module]) -> Iterator[str]:
    """The type variables in use, made anew."""
    variables = _variables(modules)
    for name in sorted(used & variables.keys()):
        yield ast.unparse(sync_tree(variables[name]))


def _variables(modules: Sequence[_Module]) -> dict[str, ast.stmt]:
    return {name: made for module in modules for name, made in module.names.variables.items()}


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
