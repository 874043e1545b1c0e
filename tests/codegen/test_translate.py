"""What the generator makes of each shape a source may have."""

from __future__ import annotations

import ast
import textwrap

import pytest

from trudy.codegen.methods import CodegenError
from trudy.codegen.module import translate


def translated(source: str, path: str = "trudy/resources/things.py", **modules: str) -> str:
    """The sync module; `modules` are those that it may inherit from, by their last names."""
    return translate(textwrap.dedent(source), path, lambda name: textwrap.dedent(modules[name.rpartition(".")[2]]))


def method(body: str, *, before: str = "") -> str:
    """The sync form of one method of a namespace, without its class."""
    source = f"{before}\nclass AsyncThings(Resource):\n{textwrap.indent(textwrap.dedent(body), '    ')}"
    tree = ast.parse(translated(source))
    cls = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    return "\n".join(ast.unparse(node) for node in cls.body)


def test_a_coroutine_method_is_run_on_the_bridge_with_every_argument_handed_on() -> None:
    made = method("""
        async def get(self, a: str, /, b: int = 1, *rest: int, c: bool, d: str | None = None, **options: X) -> Thing:
            return await self._core.fetch()
    """)
    assert made == (
        "def get(self, a: str, /, b: int=1, *rest: int, c: bool, d: str | None=None, **options: X) -> Thing:\n"
        "    return self._bridge.run(bind(self._async.get, a, b, *rest, c=c, d=d, **options))"
    )


def test_a_pager_becomes_its_first_page() -> None:
    assert method("def list(self, *, limit: int | None = None) -> AsyncPager[Thing]: ...") == (
        "def list(self, *, limit: int | None=None) -> Page[Thing]:\n"
        "    return Page(self._bridge.run(bind(self._async.list, limit=limit)), self._bridge.run)"
    )


def test_a_plain_method_and_a_plain_property_are_passed_on() -> None:
    assert method("def price(self, minutes: int) -> float: ...") == (
        "def price(self, minutes: int) -> float:\n    return self._async.price(minutes)"
    )
    assert method("@property\ndef limit(self) -> int: ...") == (
        "@property\ndef limit(self) -> int:\n    return self._async.limit"
    )


@pytest.mark.parametrize("guard", ["", "    "])
def test_a_namespace_within_a_namespace(guard: str) -> None:
    before = ("if TYPE_CHECKING:\n" if guard else "") + f"{guard}from trudy.resources.folders import AsyncFolders"
    assert method("@property\ndef folders(self) -> AsyncFolders: ...", before=before) == (
        "@property\ndef folders(self) -> Folders:\n"
        "    from trudy.sync.folders import Folders\n"
        "    return Folders(self._async.folders, self._bridge)"
    )


def test_private_methods_and_module_functions_are_left_out() -> None:
    made = translated("""
        LIST: Final = Endpoint(name="things.list")
        class AsyncThings(Resource):
            async def get(self) -> Thing: ...
            async def _hidden(self) -> Thing: ...
        def _check() -> None: ...
    """)
    assert "_hidden" not in made
    assert "_check" not in made
    assert "Endpoint" not in made


def test_overloads_keep_their_signatures() -> None:
    made = method("""
        @overload
        async def get(self, a: int) -> int: ...
        @overload
        async def get(self, a: str) -> str: ...
        async def get(self, a: int | str) -> int | str: ...
    """)
    assert made.count("@overload\ndef get(self, a: ") == 2
    assert made.endswith(
        "def get(self, a: int | str) -> int | str:\n    return self._bridge.run(bind(self._async.get, a))"
    )


def test_a_method_that_takes_an_async_function_is_written_again_without_await() -> None:
    made = translated("""
        P = ParamSpec("P")
        T = TypeVar("T")
        class AsyncThings(Resource):
            async def twice(self, method: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> list[T]:
                # once is not enough
                return [await method(*args, **kwargs), await method(*args, **kwargs)]
    """)
    assert "def twice(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> list[T]:" in made
    assert "        # once is not enough\n        return [method(*args, **kwargs), method(*args, **kwargs)]" in made
    assert "P = ParamSpec('P')\nT = TypeVar('T')" in made


def test_names_are_imported_from_where_they_are_and_only_if_used() -> None:
    made = translated("""
        from __future__ import annotations
        from typing import TYPE_CHECKING, Literal, Unpack
        from trudy.models import Thing, Unused
        if TYPE_CHECKING:
            import ssl
        Kind: TypeAlias = Literal["a"]
        LIMIT: Final = 3
        class AsyncThings(Resource):
            async def get(self, kind: Kind, tls: ssl.SSLContext, *, limit: int = LIMIT) -> Thing: ...
    """)
    imports = [
        ast.unparse(node) for node in ast.parse(made).body if isinstance(node, ast.Import | ast.ImportFrom | ast.If)
    ]
    assert imports == [
        "from __future__ import annotations",
        "from trudy.bridge import SyncResource",
        "from trudy.bridge import bind",
        "from trudy.models import Thing",
        "from trudy.resources.things import AsyncThings",
        "from trudy.resources.things import Kind",
        "from trudy.resources.things import LIMIT",
        "from typing import TYPE_CHECKING",
        "if TYPE_CHECKING:\n    import ssl",
    ]


def test_docstrings_speak_of_the_sync_client() -> None:
    made = translated('''
        """`AsyncTrudyClient`'s things."""
        class AsyncThings(Resource):
            """Things.

            Use `async with AsyncTrudyClient() as client` and `async for thing in client.things.list()`, or
            `await client.things.get(id)`, which is an `httpx.AsyncClient` away; then `aclose()`.
            """
            async def get(self) -> Thing:
                """Await it. `AsyncPager[Thing]` is awaited.

                Raises:
                    KeyError: so it is.
                """
    ''')
    assert "`TrudyClient`'s things." in made
    assert "Use `with TrudyClient() as client` and `for thing in client.things.list()`, or" in made
    assert "`client.things.get(id)`, which is an `httpx.AsyncClient` away; then `close()`." in made
    assert '        """Await it. `Page[Thing]` is awaited.\n\n        Raises:\n            KeyError: so' in made
    assert 'so it is.\n        """' in made


CLIENT = """
    class AsyncTrudyClient:
        def __init__(
            self, key: X = None, *, http_client: httpx.AsyncClient | Callable[[], httpx.AsyncClient] | None = None
        ) -> None:
            self._core = Core(key)
        def with_options(self, **options: X) -> Self: ...
        async def aclose(self) -> None: ...
        async def __aenter__(self) -> Self:
            return self
        async def __aexit__(self, *_: object) -> None:
            await self.aclose()
        def __repr__(self) -> str:
            return f"{type(self).__name__}({self._core})"
        def __reduce__(self) -> NoReturn:
            raise TypeError(f"no {type(self).__name__}")
"""


def test_the_client() -> None:
    made = ast.unparse(ast.parse(translated(CLIENT, "trudy/client.py")))
    for piece in (
        "class TrudyClient:",
        "def __init__(self, key: X=None, *, http_client: Callable[[], httpx.AsyncClient] | None=None) -> None:\n"
        "        refuse_ready_client(http_client)\n"
        "        self._async = AsyncTrudyClient(key, http_client=http_client)\n"
        "        self._bridge = Bridge(self._async)\n",
        "view._async = self._async.with_options(**options)\n        view._bridge = self._bridge\n",
        "def close(self) -> None:\n        if not self._is_view:\n            self._bridge.close(self._async.aclose)",
        "def __enter__(self) -> Self:\n        return self",
        "def __exit__(self, *_: object) -> None:\n        self.close()",
        "return type(self).__name__ + repr(self._async).removeprefix(type(self._async).__name__)",
        "raise TypeError(f'no {type(self).__name__}')",
    ):
        assert piece in made


def test_an_async_iterator_becomes_an_iterator() -> None:
    text = "class AsyncThings:\n    def watch(self, a: int) -> AsyncIterator[int]:\n        return follow(self, a)"
    made = ast.unparse(ast.parse(translated(text, "trudy/resources/things.py")))
    assert (
        "def watch(self, a: int) -> Iterator[int]:\n        return self._bridge.iterate(self._async.watch(a))" in made
    )


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("def other(self) -> AsyncOther: ...", "other: no form for a plain method that returns AsyncOther"),
        ("@staticmethod\ndef make() -> int: ...", "make: no form for staticmethod"),
        ("@property\ndef other(self) -> AsyncOther: ...", "other: no module of the sync client has Other"),
        (
            "async def each(self, f: Callable[[], Awaitable[int]]) -> int:\n    return await f(self._core)",
            "each: written again without await, it may not use self._core",
        ),
    ],
)
def test_a_shape_without_a_sync_form_is_an_error_that_names_it(body: str, complaint: str) -> None:
    with pytest.raises(CodegenError, match=complaint):
        method(body)


def test_a_source_without_an_async_class_is_an_error() -> None:
    with pytest.raises(CodegenError, match=r"trudy/resources/things\.py: no class"):
        translated("class Things: ...")


def test_a_source_that_is_no_python_is_named_with_its_line() -> None:
    with pytest.raises(CodegenError, match=r"^trudy/resources/things\.py:2: "):
        translated("class AsyncThings:\n  def")


def test_a_class_that_is_handed_a_client_runs_on_its_loops() -> None:
    made = translated(
        """
        if TYPE_CHECKING:
            from trudy.client import AsyncTrudyClient
        @frozen(eq=False)
        class DoNotCall:
            async def add(self, number: str) -> int: ...
        class Dialer:
            def __init__(self, client: AsyncTrudyClient, *, store: str) -> None: ...
            async def aclose(self) -> None: ...
            async def __aenter__(self) -> Self:
                await self.store.open()
                return self
            @property
            def dnc(self) -> DoNotCall: ...
        """,
        "trudy/dialer/dialer.py",
    )
    assert "self._async = Dialer(async_of(client), store=store)\n        self._bridge = bridge_of(client)" in made
    assert "def close(self) -> None:\n        self._bridge.run(self._async.aclose)" in made
    assert "self._bridge.run(self._async.__aenter__)\n        return self" in made
    assert "return SyncDoNotCall(self._async.dnc, self._bridge)" in made
    assert "@frozen" not in made
    assert "from trudy.sync.client import TrudyClient" in made
    assert "from trudy.dialer.dialer import Dialer" in made


HOST = """
    from trudy.base import Base
    class Dialer(Base):
        def __init__(self, client: AsyncTrudyClient) -> None: ...
        async def run(self, plan: Plan) -> int: ...
"""


def method_names(made: str) -> list[str]:
    return [
        node.name
        for cls in ast.parse(made).body
        if isinstance(cls, ast.ClassDef)
        for node in cls.body
        if isinstance(node, ast.FunctionDef)
    ]


def test_a_class_has_the_methods_of_its_bases_after_its_own() -> None:
    base = """
        from trudy.ground import Ground
        class Base(Ground):
            def __init__(self) -> None: ...
            async def pause(self, campaign: str) -> None:
                \"\"\"Place nothing more.\"\"\"
                await self._move(campaign)
            async def _move(self, campaign: str) -> None: ...
    """
    ground = """
        class Ground:
            def __init__(self) -> None: ...
            async def pause(self) -> None: ...
            async def close_all(self) -> None: ...
    """
    made = translated(HOST, base=base, ground=ground)
    assert method_names(made) == ["__init__", "run", "pause", "close_all"]
    assert "self._async = Dialer(async_of(client))" in made
    assert (
        "    def pause(self, campaign: str) -> None:\n"
        '        """Place nothing more."""\n'
        "        return self._bridge.run(bind(self._async.pause, campaign))\n"
    ) in made
    assert "class SyncDialer:" in made


def test_what_inherited_methods_name_is_imported_as_where_they_stand() -> None:
    base = """
        from trudy.records import Record
        if TYPE_CHECKING:
            import pandas as pd
        Text = TypeVar("Text")
        Kind = str
        class Base:
            @property
            def dnc(self) -> DoNotCall: ...
            def rows(self, kind: Kind, text: Text) -> Record: ...
            async def frame(self) -> pd.DataFrame: ...
        class DoNotCall:
            async def add(self) -> int: ...
    """
    made = translated(HOST, base=base)
    assert "from trudy.records import Record\n" in made
    assert "from trudy.base import Kind\n" in made
    assert "if TYPE_CHECKING:\n    from trudy.sync.base import SyncDoNotCall\n    import pandas as pd" in made
    assert "Text = TypeVar('Text')" in made


def test_a_body_that_is_copied_comes_from_the_file_of_its_class() -> None:
    base = """
        class Base:


            def __len__(self) -> int:
                # Of the base.
                return 7
    """
    made = translated(HOST, base=base)
    assert "        # Of the base.\n        return 7" in made


def test_a_name_with_two_meanings_in_one_sync_module_is_an_error() -> None:
    base = """
        from trudy.other import Plan
        class Base:
            async def stop(self, plan: Plan) -> None: ...
    """
    with pytest.raises(CodegenError, match="Plan means two things"):
        translated("    from trudy.plans import Plan" + HOST, base=base)
    assert translated("    from trudy.other import Plan" + HOST, base=base).count("import Plan") == 1


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (HOST.replace("from trudy.base import Base", ""), "its base Base is not imported"),
        (HOST.replace("from trudy.base import Base", "import Base"), "its base Base is not imported"),
        (HOST.replace("(Base)", "(Base[int])"), "is not imported by"),
        (HOST.replace("import Base", "import Bass as Base"), "is not a class of trudy.base"),
    ],
)
def test_a_base_that_is_not_found_is_an_error(source: str, complaint: str) -> None:
    with pytest.raises(CodegenError, match=complaint):
        translated(source, base="class Bass: ...")
