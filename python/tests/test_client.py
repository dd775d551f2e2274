from __future__ import annotations

import json
import os
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
    InterruptedWaitError,
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


# Rule: Discovery: a Python client gets, validates and revokes a token of an OAuth2 server with its
# address alone.
def test_the_address_of_an_oauth2_server_is_enough(emulator: Emulator) -> None:
    client = Client(**emulator.options("wyn") | {"provider": "oauth2", "scope": "openid"})
    token = client.token()
    assert client.validate(token)
    assert client.revoke(token)
    log = emulator.control("log")
    assert sum("/.well-known/" in entry["path"] for entry in log) == 1


def test_a_cached_token_is_the_same_object_without_a_request(
    emulator: Emulator, provider: str
) -> None:
    client = Client(**emulator.options(provider))
    token = client.token()
    assert all(client.token() is token for _ in range(100))
    assert client.token_with(deadline=1) is token
    assert client.validate(token)
    assert emulator.logins(provider) == 1
    assert emulator.control("tokens", {"is_active": token.value}) == {"active": True}
    assert token.kind == {"winkas": "winkas", "wyn": "bearer"}[provider]


# Rule: Logins: concurrent Python threads that call a client without a token cause one login.
def test_sixty_four_threads_of_a_client_without_a_token_cause_one_login(
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


# Rule: Languages: `history` says when and why each login was sent, as in the other languages.
def test_the_history_says_why_each_login_was_sent(emulator: Emulator, provider: str) -> None:
    client = Client(**emulator.options(provider))
    token = client.token()
    client.forget()
    client.token()
    history = client.history()
    first = history["entries"][0]
    assert (first["kind"], first["cause"], first["result"]) == ("login", "first", "token")
    assert (first["process"], first["without_store"]) == (os.getpid(), False)
    assert history["entries"][1]["cause"] == "forgotten"
    assert history["logins"] == history["minimum"] + len(history["extra"])
    assert token.value not in repr(history)


def test_only_the_main_thread_wakes_to_check_for_signals(emulator: Emulator, provider: str) -> None:
    emulator.delay(provider, 1)
    client = Client(**emulator.options(provider))

    def sleeps(_: int) -> int:
        before = getrusage(RUSAGE_THREAD).ru_nvcsw
        client.token()
        return getrusage(RUSAGE_THREAD).ru_nvcsw - before

    with ThreadPoolExecutor(2) as threads:
        counts = list(threads.map(sleeps, range(2)))
    # The main thread would wake ten times a second.
    assert max(counts) < 8
    assert emulator.logins(provider) == 1


# Rule: Languages: a Python thread waits without the interpreter's lock, so that other threads run.
# Reported as PyO3/pyo3#1305
def test_other_threads_run_while_a_thread_waits(emulator: Emulator, provider: str) -> None:
    emulator.delay(provider, 0.5)
    client = Client(**emulator.options(provider))
    waiting = threading.Thread(target=client.token)
    waiting.start()
    iterations = 0
    while waiting.is_alive():
        iterations += 1
    # There would be almost none if the wait held the interpreter's lock.
    assert iterations > 1000


def test_an_api_accepts_the_token(emulator: Emulator) -> None:
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
        with pytest.raises(ConfigError, match="does not go into a header"):
            _ = client.token().authorization


# Rule: Rejection: a reported token that the provider calls active is kept, and costs no login.
def test_a_reported_token_that_is_active_is_kept(emulator: Emulator, provider: str) -> None:
    client = Client(**emulator.options(provider))
    token = client.token()
    assert client.report_rejected(token) == StillActive()
    assert client.token() is token
    assert emulator.logins(provider) == 1


# Rule: Rejection: concurrent reports of one inactive token cause one login.
def test_concurrent_reports_of_an_inactive_token_cause_one_login(
    emulator: Emulator, provider: str
) -> None:
    client = Client(**emulator.options(provider))
    token = client.token()
    emulator.control("tokens", {"end": provider})
    with ThreadPoolExecutor(16) as threads:
        rejections = list(threads.map(client.report_rejected, [token] * 16))
    assert len(set(map(repr, rejections))) == 1
    assert rejections[0] == Replaced(client.token())
    assert emulator.logins(provider) == 2


def test_a_revocation_is_proven_where_the_provider_supports_it(emulator: Emulator) -> None:
    client = Client(**emulator.options("wyn"))
    token = client.token()
    assert client.revoke(token) == "proven"
    assert not client.validate(token)
    assert client.token() != token
    winkas = Client(**emulator.options("winkas"))
    with pytest.raises(UnsupportedError, match="forget"):
        winkas.revoke(winkas.token())


def test_forget_and_refetch_cost_no_login_at_winkas(emulator: Emulator) -> None:
    client = Client(**emulator.options("winkas"))
    token = client.token()
    assert client.refetch() == token
    client.forget()
    assert client.token() == token
    assert emulator.logins("winkas") == 1
    wyn = Client(**emulator.options("wyn"))
    with pytest.raises(UnsupportedError):
        wyn.refetch()


# Rule: Secrets: `explain`, `repr` and `stats` contain no token and no password.
def test_explain_and_repr_contain_no_secret(emulator: Emulator, provider: str) -> None:
    options = emulator.options(provider)
    client = Client(**options)
    assert client.explain()
    token = client.token()
    for text in (client.explain(), repr(client), repr(client.stats())):
        assert token.value not in text
        assert options["password"] not in text
    assert options["user"] in repr(client)


def test_each_call_has_its_own_deadline(emulator: Emulator, provider: str) -> None:
    emulator.delay(provider, 60)
    client = Client(**emulator.options(provider))
    for deadline in (0.05, "50ms", timedelta(milliseconds=50)):
        with pytest.raises(DeadlineExceededError) as caught:
            client.token_with(deadline=deadline)
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.retryable


# Rule: Deadlines: `interrupt` ends the waits of other Python threads, and later calls wait again.
def test_interrupt_ends_the_waits_of_other_threads(emulator: Emulator, provider: str) -> None:
    asked, answer = threading.Event(), threading.Event()
    options = emulator.options(provider)
    password: str = options.pop("password")

    def fetch() -> str:
        asked.set()
        answer.wait()
        return password

    client = Client(**options, password=fetch, deadline="1h")
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(client.token) for _ in range(8)]
        asked.wait()
        while not all(wait.done() for wait in waiting):
            client.interrupt()
        for wait in waiting:
            assert isinstance(wait.exception(), InterruptedWaitError)
    if provider == "winkas":
        with pytest.raises(DeadlineExceededError):
            client.refetch(deadline=0.01)
    client.close(deadline=1)
    other = Token("other", kind="winkas" if provider == "winkas" else "bearer")
    for report in (client.validate, client.report_rejected):
        with pytest.raises(DeadlineExceededError):
            report(other, deadline=0.01)
    answer.set()
    client.token()
    assert emulator.logins(provider) == 1


# Rule: Deadlines: a Python function that fetches credentials and asks its own client gets an error at
# once.
def test_a_function_that_asks_its_own_client_gets_an_error(
    emulator: Emulator, provider: str
) -> None:
    options = emulator.options(provider)
    password: str = options.pop("password")
    clients: list[Client] = []
    errors: list[ConfigError] = []

    def fetch() -> str:
        for call in (clients[0].token, clients[0].close):
            with pytest.raises(ConfigError, match="its own client") as caught:
                call()
            errors.append(caught.value)
        return password

    clients.append(Client(**options, password=fetch, deadline="1h"))
    clients[0].token()
    assert len(errors) >= 2


def test_min_remaining_costs_no_login_at_winkas(emulator: Emulator, provider: str) -> None:
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
    # Another registry with the same folder.
    tokens.add(Client(**options, store=f"file:{tmp_path / 'store'}").token())
    assert len(tokens) == 1
    assert emulator.logins(provider) == 1
    with pytest.raises(ConfigError, match="registry's own options"):
        Client(**options, registry=registry, timeout=1)
    with pytest.raises(ConfigError, match="options of its clients"):
        Registry(user="x")  # type: ignore[call-arg]


# Rule: Logins: Python processes that share a folder cause one login.
# Reported as DuendeArchive/Support#1286 and databricks/cli#6051
def test_processes_that_share_a_folder_cause_one_login(
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


def test_the_password_function_is_called_for_a_login_and_not_for_a_cached_token(
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


def test_the_exception_of_a_credentials_function_is_the_cause(
    emulator: Emulator, provider: str
) -> None:
    options = emulator.options(provider)
    secret = options.pop("password")

    def fail() -> str:
        raise KeyError(secret)

    with pytest.raises(ConfigError, match="raised KeyError") as caught:
        Client(**options, password=fail).token()
    assert isinstance(caught.value.__cause__, KeyError)
    assert secret not in str(caught.value)

    def unavailable() -> str:
        message = "the vault is unavailable"
        raise UnavailableError(message)

    with pytest.raises(UnavailableError) as raised:
        Client(**options, password=unavailable).token()
    assert raised.value.retryable

    async def wrong() -> str:
        return ""

    coroutine = wrong()
    with pytest.raises(ConfigError, match="a coroutine is not awaited"):
        Client(**options, password=lambda: coroutine).token()  # type: ignore[arg-type, return-value]
    coroutine.close()
    assert emulator.logins(provider) == 0


def test_secrets_come_from_a_function_and_a_file_together(
    emulator: Emulator, tmp_path: Path
) -> None:
    options = emulator.options("wyn")
    password, secret = options.pop("password"), options.pop("client_secret")
    file = tmp_path / "secret"
    file.write_text(secret)
    client = Client(**options, password=lambda: str(password), client_secret_file=file)
    assert client.token().kind == "bearer"


# Rule: Languages: extra fields are a dict or a list, and secret ones text or functions.
def test_extra_fields_are_a_dict_or_a_list(emulator: Emulator) -> None:
    options = emulator.options("wyn")
    fields: dict[str, str | list[str]] = {"resource": ["a", "b"], "customizedParam": "c"}
    Client(**options, extra=fields, extra_secret={"x": lambda: "s", "y": ["t", "u"]}).token()
    Client(**options, extra=["resource=a", "customizedParam=c"]).token()
    wrong: list[dict[str, str | list[str]] | list[str]] = [{"password": "canary"}, ["canary"]]
    for extra in wrong:
        with pytest.raises(ConfigError) as raised:
            Client(**options, extra=extra)
        assert "canary" not in str(raised.value)
    with pytest.raises(ConfigError, match="reserved"):
        Client(**options, extra_secret={"client_secret": "canary"})


def test_validate_takes_any_token(emulator: Emulator, provider: str) -> None:
    client = Client(**emulator.options(provider))
    kind = client.token().kind
    text = emulator.control("tokens", {"login": provider})["token"]
    assert client.validate(Token(text, kind=kind))
    assert not client.validate(Token("nonsense", kind=kind))


# Rule: Circuit: rejected credentials cost one login, and are sent again after `unblock`.
def test_rejected_credentials_cost_one_login_until_unblock(
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
    emulator.control("account", {"provider": provider, "unlock": True, "passwords": ["wrong"]})
    client.unblock()
    assert client.token().value
    assert emulator.logins(provider) == 2
