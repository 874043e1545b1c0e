from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.webhooks.redis_proxy import losing_one_answer
from tests.webhooks.samples import SECRET
from trudy.errors import ConfigurationError, InvalidArgumentError
from trudy.testing import make_delivery
from trudy.webhooks import RedisReplayGuard, WebhookRouter


class TestRedis:
    def test_a_client_that_decodes(self, redis_url: str, tmp_path: Path) -> None:
        import redis

        with redis.Redis.from_url(redis_url, decode_responses=True) as client:
            guard = RedisReplayGuard(client, prefix=f"{tmp_path.name}:")
            assert (guard.begin("a", 60), guard.begin("a", 60)) == ("new", "busy")
            guard.abandon("a")
            assert guard.begin("a", 60) == "new"
            guard.commit("a", 60)
            assert guard.begin("a", 60) == "done"

    def test_keys_expire_by_themselves(self, redis_url: str, tmp_path: Path) -> None:
        import redis

        with redis.Redis.from_url(redis_url) as client:
            guard = RedisReplayGuard(client, prefix=f"{tmp_path.name}:")
            guard.begin("a", 60)
            guard.begin("b", 60)
            guard.commit("b", 3600)
            assert 0 < client.pttl(f"{tmp_path.name}:a") <= 60_000
            assert 60_000 < client.pttl(f"{tmp_path.name}:b") <= 3_600_000

    def test_a_forked_child_is_another_owner(self, redis_url: str, tmp_path: Path) -> None:
        guard = RedisReplayGuard(redis_url, prefix=f"{tmp_path.name}:")
        assert guard.begin("parent", 60) == "new"
        child = os.fork()
        if child == 0:
            code = 1
            try:
                guard.abandon("parent")  # not the child's to give up
                code = 0 if guard.begin("parent", 60) == "busy" else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        guard.abandon("parent")
        assert guard.begin("parent", 60) == "new"

    def test_a_url_gets_time_limits_unless_it_names_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import redis

        made: list[dict[str, Any]] = []
        from_url = redis.Redis.from_url

        def spy(url: str, **options: Any) -> redis.Redis:
            made.append(options)
            return from_url(url, **options)

        monkeypatch.setattr(redis.Redis, "from_url", spy)
        guard = RedisReplayGuard("redis://127.0.0.1:1/0?socket_timeout=1")
        assert isinstance(guard, RedisReplayGuard)
        assert made == [{"socket_timeout": 5.0, "socket_connect_timeout": 5.0}]
        settings = guard._redis.connection_pool.connection_kwargs
        assert (settings["socket_timeout"], settings["socket_connect_timeout"]) == (1.0, 5.0)

    @pytest.mark.parametrize("retries", [0, 1])
    def test_a_claim_whose_answer_was_lost_blocks_nothing(self, redis_url: str, tmp_path: Path, retries: int) -> None:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        seen: list[str | None] = []
        made = make_delivery("call.ended", secret=SECRET)
        retry: dict[str, Any] = {"retry": Retry(NoBackoff(), retries), "retry_on_error": [redis.ConnectionError]}
        with losing_one_answer(redis_url) as url, redis.Redis.from_url(url, **retry) as client:
            router = WebhookRouter(secret=SECRET, replay_guard=RedisReplayGuard(client, prefix=f"{tmp_path.name}:"))
            router.on("call.ended")(lambda event: seen.append(event.call_id))
            answers = [router.handle_blocking("POST", made.headers, made.body).status for _ in range(3)]
        assert answers == ([204, 204, 204] if retries else [500, 204, 204])
        assert len(seen) == 1

    def test_an_async_client_is_refused(self) -> None:
        import redis.asyncio

        for client in (redis.asyncio.Redis(), redis.asyncio.RedisCluster(host="127.0.0.1")):
            with pytest.raises(InvalidArgumentError, match="async client") as caught:
                RedisReplayGuard(client)  # type: ignore[arg-type]
            assert caught.value.argument == "redis"

    def test_without_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "redis", None)
        with pytest.raises(ConfigurationError, match=r"trudy-python-sdk\[redis\]"):
            RedisReplayGuard("redis://127.0.0.1:1/0")
