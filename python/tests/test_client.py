from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from resource import RUSAGE_THREAD, getrusage
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest
from conftest import run, start

from tokenlease import (
    Client,
    ConfigError,
    DeadlineExceededError,
    Registry,
    Replaced,
    StillActive,
    Token,
    TokenRejectedError,
    UnavailableError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Emulator


def test_a_token_is_got_once_and_is_the_same_object_while_it_is_cached(
    emulator: Emulator, provider: str
) -> None:
    client = Client(**emulator.options(provider))
    token = client.token()
    assert all(client.token() is token for _ in range(100))
    assert client.token_with(deadline=1) is token
    assert client.validate(token)
    assert emulator.logins(provider) == 1
    assert emulator.steer("tokens", {"is_active": token.value}) == {"active": True}
    assert token.kind == {"winkas": "winkas", "wyn": "bearer"}[provider]


def test_lesson_4_sixty_four_threads_on_a_cold_client_are_one_login(
    emulator: Emulator, provider: str
) -> None:
    emulator.delay(provider, 0.3)
    client = Client(**emulator.options(provider))
    barrier = threading.Barrier(64)

    def get(_: int) -> Token:
        barrier.wait()
        return client.token()

    with ThreadPoolExecutor(64) as threads:
        tokens = list(threads.map(get, range(64)))
    assert len({id(token) for token in tokens}) == 1
    assert emulator.logins(provider) == 1
    assert client.stats().logins == 1
    assert client.stats().errors == 0


def test_a_thread_that_handles_no_signals_does_not_wake_to_look_for_them(
    emulator: Emulator, provider: str
) -> None:
    emulator.delay(provider, 1)
    client = Client(**emulator.options(provider))

    def sleeps(_: int) -> int:
        before = getrusage(RUSAGE_THREAD).ru_nvcsw
        client.token()
        return getrusage(RUSAGE_THREAD).ru_nvcsw - before

    with ThreadPoolExecutor(2) as threads:
        counts = list(threads.map(sleeps, range(2)))
    # The main thread looks ten times a second.
    assert max(counts) < 8
    assert emulator.logins(provider) == 1


def test_lesson_19_other_threads_run_while_one_waits(emulator: Emulator, provider: str) -> None:
    emulator.delay(provider, 0.5)
    client = Client(**emulator.options(provider))
    waiting = threading.Thread(target=client.token)
    waiting.start()
    turns = 0
    while waiting.is_alive():
        turns += 1
    # If the wait held Python's lock, there would be next to none.
    assert turns > 1000


def test_the_token_is_what_the_api_takes(emulator: Emulator) -> None:
    with Client(**emulator.options("wyn")) as client:
        server = emulator.options("wyn")["server"]
        headers = {"Authorization": client.token().authorization}
        with urlopen(Request(f"{server}/api/v2/me", headers=headers), timeout=30) as answer:
            assert answer.status == 200
    with Client(**emulator.options("winkas")) as client:
        server = emulator.options("winkas")["server"]
        body = json.dumps({"Token": client.token().value, "x": 1}).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"{server}/api/Report/Echo", data=body, headers=headers)
        with urlopen(request, timeout=30) as answer:
            assert json.load(answer)["WinkasErrorCode"] == 0
        with pytest.raises(ConfigError, match="goes into no header"):
            _ = client.token().authorization


def test_lesson_28_a_rejection_is_checked_before_it_is_believed(
    emulator: Emulator, provider: str
) -> None:
    client = Client(**emulator.options(provider))
    token = client.token()
    assert client.report_rejected(token) == StillActive()
    assert client.token() is token
    assert emulator.logins(provider) == 1


def test_a_dead_token_is_replaced_once_for_all_who_reject_it(
    emulator: Emulator, provider: str
) -> None:
    client = Client(**emulator.options(provider))
    token = client.token()
    emulator.steer("tokens", {"end": provider})
    with ThreadPoolExecutor(16) as threads:
        rejections = list(threads.map(client.reject, [token] * 16))
    assert len(set(map(repr, rejections))) == 1
    assert rejections[0] == Replaced(client.token())
    assert emulator.logins(provider) == 2


def test_a_revocation_is_proven_where_there_is_one(emulator: Emulator) -> None:
    client = Client(**emulator.options("wyn"))
    token = client.token()
    assert client.revoke(token) == "proven"
    assert not client.validate(token)
    assert client.token() != token
    winkas = Client(**emulator.options("winkas"))
    with pytest.raises(UnsupportedError, match="forget"):
        winkas.revoke(winkas.token())


def test_forget_and_refetch_find_the_running_token_without_a_login(emulator: Emulator) -> None:
    client = Client(**emulator.options("winkas"))
    token = client.token()
    assert client.refetch() == token
    client.forget()
    assert client.token() == token
    assert emulator.logins("winkas") == 1
    wyn = Client(**emulator.options("wyn"))
    with pytest.raises(UnsupportedError):
        wyn.refetch()


def test_a_client_explains_itself_without_the_secret(emulator: Emulator, provider: str) -> None:
    options = emulator.options(provider)
    client = Client(**options)
    assert client.explain()
    token = client.token()
    for text in (client.explain(), repr(client), repr(client.stats())):
        assert token.value not in text
        assert options["password"] not in text
    assert options["user"] in repr(client)


def test_a_deadline_is_the_callers_own(emulator: Emulator, provider: str) -> None:
    emulator.delay(provider, 60)
    client = Client(**emulator.options(provider))
    for deadline in (0.05, "50ms", timedelta(milliseconds=50)):
        with pytest.raises(DeadlineExceededError) as caught:
            client.token_with(deadline=deadline)
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.retryable


def test_a_remaining_life_is_a_wish_that_costs_winkas_no_login(
    emulator: Emulator, provider: str
) -> None:
    client = Client(**emulator.options(provider))
    token = client.token()
    assert client.token_with(min_remaining="1h") == token
    assert emulator.logins(provider) == 1


def test_clients_of_a_registry_share_a_token(
    emulator: Emulator, provider: str, tmp_path: Path
) -> None:
    options = emulator.options(provider)
    registry = Registry(store=f"file:{tmp_path / 'store'}", timeout=timedelta(seconds=5))
    tokens = {Client(**options, registry=registry).token() for _ in range(5)}
    # Another registry, the same folder.
    tokens.add(Client(**options, store=f"file:{tmp_path / 'store'}").token())
    assert len(tokens) == 1
    assert emulator.logins(provider) == 1
    with pytest.raises(ConfigError, match="registry's own options"):
        Client(**options, registry=registry, timeout=1)
    with pytest.raises(ConfigError, match="options of its clients"):
        Registry(user="x")  # type: ignore[call-arg]


def test_lesson_17_processes_that_share_a_folder_are_one_login(
    emulator: Emulator, provider: str, tmp_path: Path
) -> None:
    emulator.delay(provider, 0.5)
    options = {**emulator.options(provider), "store": f"file:{tmp_path / 'store'}"}
    script = "import tokenlease\nwith tokenlease.Client(**options) as c: print(c.token().value)"
    children = [start(script, options) for _ in range(4)]
    ends = [child.end() for child in children]
    assert len(set(ends)) == 1, ends
    assert ends[0][0] == 0, ends
    assert emulator.logins(provider) == 1
    assert run(script, options) == ends[0][1].strip()
    assert emulator.logins(provider) == 1


def test_a_function_fetches_the_password_before_each_send_and_never_for_a_cached_token(
    emulator: Emulator, provider: str
) -> None:
    options = emulator.options(provider)
    password = options.pop("password")
    threads = []

    def fetch() -> str:
        threads.append(threading.current_thread())
        return str(password)

    client = Client(**options, password=fetch)
    assert threads == []
    token = client.token()
    calls = len(threads)
    assert calls > 0
    assert threading.current_thread() not in threads
    assert all(client.token() is token for _ in range(10))
    assert len(threads) == calls


def test_what_a_function_raises_is_the_cause(emulator: Emulator, provider: str) -> None:
    options = emulator.options(provider)
    secret = options.pop("password")

    def fail() -> str:
        raise KeyError(secret)

    with pytest.raises(ConfigError, match="raised KeyError") as caught:
        Client(**options, password=fail).token()
    assert isinstance(caught.value.__cause__, KeyError)
    assert secret not in str(caught.value)

    def away() -> str:
        message = "the vault is away"
        raise UnavailableError(message)

    with pytest.raises(UnavailableError) as unavailable:
        Client(**options, password=away).token()
    assert unavailable.value.retryable

    async def wrong() -> str:
        return ""

    coroutine = wrong()
    with pytest.raises(ConfigError, match="a coroutine is not awaited"):
        Client(**options, password=lambda: coroutine).token()  # type: ignore[arg-type, return-value]
    coroutine.close()
    assert emulator.logins(provider) == 0


def test_a_function_and_a_file_go_together(emulator: Emulator, tmp_path: Path) -> None:
    options = emulator.options("wyn")
    password, secret = options.pop("password"), options.pop("client_secret")
    file = tmp_path / "secret"
    file.write_text(secret)
    client = Client(**options, password=lambda: str(password), client_secret_file=file)
    assert client.token().kind == "bearer"


def test_a_token_of_elsewhere_is_asked_about(emulator: Emulator, provider: str) -> None:
    client = Client(**emulator.options(provider))
    kind = client.token().kind
    text = emulator.steer("tokens", {"login": provider})["token"]
    assert client.validate(Token(text, kind=kind))
    assert not client.validate(Token("nonsense", kind=kind))


def test_rejected_credentials_cost_one_login_until_they_are_reset(
    emulator: Emulator, provider: str
) -> None:
    options = {**emulator.options(provider), "password": "wrong"}
    client = Client(**options)
    for _ in range(5):
        with pytest.raises(Exception, match="rejected") as caught:
            client.token()
        assert type(caught.value).__name__ == "CredentialsRejectedError"
        assert not isinstance(caught.value, TokenRejectedError)
    assert emulator.logins(provider) == 1
    emulator.steer("account", {"provider": provider, "unlock": True, "passwords": ["wrong"]})
    client.unblock()
    assert client.token().value
    assert emulator.logins(provider) == 2
