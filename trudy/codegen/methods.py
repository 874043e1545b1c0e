"""Writes one method of the sync client from that of the async one."""

from __future__ import annotations

import ast
import copy
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from attrs import field, frozen

from trudy.codegen.words import is_async_name, sync_name, sync_text, sync_tree

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_RENAMED = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}
_INIT = """
{check}
self._async = {cls}({arguments})
self._bridge = Bridge(self._async)
self._is_view = False
"""
_INIT_ON_CLIENT = """
self._async = {cls}({arguments})
self._bridge = bridge_of(client)
"""
_ENTER_ON_CLIENT = """
self._bridge.run(self._async.__aenter__)
return self
"""
_VIEW = """
view = object.__new__(type(self))
view._async = self._async.{name}({arguments})
view._bridge = self._bridge
view._is_view = True
return view
"""
_CLOSE = """
if not self._is_view:
    self._bridge.close(self._async.{name})
"""
_REPR = "return type(self).__name__ + repr(self._async).removeprefix(type(self._async).__name__)"
_NAMESPACE = """
from {module} import {cls}

return {cls}(self._async.{name}, self._bridge)
"""


class CodegenError(Exception):
    """The async client has something that this generator cannot translate."""


@frozen
class Class:
    """The async class whose methods are written.

    Attributes:
        name: of the async class.
        lines: of its module.
        namespaces: module of each namespace of the sync client, by its name there.
        has_client: whether it is made with a client, on whose loops it runs.
        bodies: texts of bodies copied from the source, by the name that is their placeholder.
    """

    name: str
    lines: Sequence[str]
    namespaces: Mapping[str, str]
    has_client: bool = False
    bodies: dict[str, str] = field(factory=dict[str, str])


def sync_method(source: Function, cls: Class) -> ast.FunctionDef | None:
    """The sync form of a method; None for one that is private."""
    name = source.name
    if name.startswith("_") and not name.startswith("__"):
        return None
    method = ast.FunctionDef(
        name=_RENAMED.get(name, name),
        args=sync_tree(copy.deepcopy(source.args)),
        body=[*_docstring(source), *_body(source, cls)],
        decorator_list=source.decorator_list,
        returns=sync_tree(copy.deepcopy(source.returns)) if source.returns else None,
        lineno=0,
    )
    if name == "__init__":
        _takes_factory_only(method)
    return ast.fix_missing_locations(method)


def takes_client(method: Function) -> bool:
    """Whether its first argument is an async client."""
    arguments = [*method.args.posonlyargs, *method.args.args][1:]
    return bool(arguments) and arguments[0].arg == "client" and _head(arguments[0].annotation) == "AsyncTrudyClient"


def docstring(text: str, indent: int) -> ast.Expr:
    """A docstring in the words of the sync client, indented by so many columns."""
    text = sync_text(text)
    if "\n" in text:
        text = textwrap.indent(f"{text}\n", " " * indent).lstrip() + " " * indent
    return ast.Expr(ast.Constant(text))


def _docstring(source: Function) -> list[ast.Expr]:
    text = ast.get_docstring(source)
    return [] if text is None else [docstring(text, 8)]


def _body(source: Function, cls: Class) -> list[ast.stmt]:
    name, arguments, returns = source.name, _arguments(source.args), _head(source.returns)
    decorators = {ast.unparse(decorator) for decorator in source.decorator_list}
    if unknown := decorators - {"made_once", "property", "overload"}:
        raise CodegenError(f"{cls.name}.{name}: no form for {', '.join(sorted(unknown))}")
    if "overload" in decorators:
        return _parsed("...")
    if cls.has_client and name == "__init__":
        own = re.sub(r"^client\b", "async_of(client)", arguments)
        return _parsed(_INIT_ON_CLIENT.format(cls=cls.name, arguments=own))
    if cls.has_client and name == "__aenter__":
        return _parsed(_ENTER_ON_CLIENT)
    if cls.has_client and name == "aclose":
        return _parsed(_run(name, arguments))
    if name == "__init__":
        check = "refuse_ready_client(http_client)" if "http_client" in arguments else ""
        return _parsed(_INIT.format(check=check, cls=cls.name, arguments=arguments))
    if name == "aclose":
        return _parsed(_CLOSE.format(name=name))
    if name == "__aexit__":
        return _parsed("self.close()")
    if name == "__repr__":
        return _parsed(_REPR)
    if decorators & {"made_once", "property"}:
        if not is_async_name(returns):
            return _parsed(f"return self._async.{name}")
        namespace = sync_name(returns)
        if namespace not in cls.namespaces:
            raise CodegenError(f"{cls.name}.{name}: no module of the sync client has {namespace}")
        return _parsed(_NAMESPACE.format(module=cls.namespaces[namespace], cls=namespace, name=name))
    if name.startswith("__") or _takes_async_function(source.args):
        return _without_await(source, cls)
    if isinstance(source, ast.AsyncFunctionDef):
        return _parsed(f"return {_run(name, arguments)}")
    if returns == "AsyncPager":
        return _parsed(f"return Page({_run(name, arguments)}, self._bridge.run)")
    if returns == "AsyncIterator":
        return _parsed(f"return self._bridge.iterate(self._async.{name}({arguments}))")
    if returns == "Self":
        return _parsed(_VIEW.format(name=name, arguments=arguments))
    if is_async_name(returns):
        raise CodegenError(f"{cls.name}.{name}: no form for a plain method that returns {returns}")
    return _parsed(f"return self._async.{name}({arguments})")


def _without_await(source: Function, cls: Class) -> list[ast.stmt]:
    """The body as in the source, comments included, in the words of the sync client."""
    documented = ast.get_docstring(source) is not None
    body = source.body[documented:]
    before = source.body[0] if documented else source.returns
    first = body[0].lineno if before is None else (before.end_lineno or before.lineno) + 1
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            raise CodegenError(
                f"{cls.name}.{source.name}: written again without await, it may not use self.{node.attr}"
            )
    place = f"body_of_{source.name}"
    cls.bodies[place] = sync_text("\n".join(cls.lines[first - 1 : body[-1].end_lineno]))
    return _parsed(place)


def _takes_async_function(arguments: ast.arguments) -> bool:
    every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return any(
        isinstance(node, ast.Name) and node.id == "Awaitable" and _head(argument.annotation) == "Callable"
        for argument in every
        if argument.annotation is not None
        for node in ast.walk(argument.annotation)
    )


def _takes_factory_only(method: ast.FunctionDef) -> None:
    for argument in method.args.kwonlyargs:
        if argument.arg == "http_client" and argument.annotation is not None:
            members = [part.strip() for part in ast.unparse(argument.annotation).split("|")]
            factories = [part for part in members if part.startswith("Callable[") or part == "None"]
            argument.annotation = ast.parse(" | ".join(factories), mode="eval").body


def _arguments(arguments: ast.arguments) -> str:
    """All arguments but `self`, passed on unchanged."""
    positional = [*arguments.posonlyargs, *arguments.args][1:]
    parts = [argument.arg for argument in positional]
    if arguments.vararg is not None:
        parts.append(f"*{arguments.vararg.arg}")
    parts += [f"{argument.arg}={argument.arg}" for argument in arguments.kwonlyargs]
    if arguments.kwarg is not None:
        parts.append(f"**{arguments.kwarg.arg}")
    return ", ".join(parts)


def _run(name: str, arguments: str) -> str:
    """The call of the bridge. The arguments are bound first: after a call with `**options` Python handles signals once
    more, and what a handler raises there would lose the result."""
    function = f"self._async.{name}"
    return f"self._bridge.run(bind({function}, {arguments}))" if arguments else f"self._bridge.run({function})"


def _head(annotation: ast.expr | None) -> str:
    """`AsyncPager` of `AsyncPager[Agent]`."""
    if isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    return annotation.id if isinstance(annotation, ast.Name) else ""


def _parsed(text: str) -> list[ast.stmt]:
    return ast.parse(text).body
