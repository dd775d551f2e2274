"""Writes `tokenlease/_options.py`: the types of the options, from the table of all languages."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

from tokenlease import option_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tokenlease._tokenlease import _OptionInfo

HEAD = '''"""The types of the options. They are generated from the table of all languages.

`TOKENLEASE_ACCEPT_OPTIONS=1 cargo test -p tokenlease-tests --test python` writes this file.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from os import PathLike
from typing import Literal, TypedDict, Union

from tokenlease._tokenlease import Event, Registry

Duration = Union[float, timedelta, str]
"""Seconds, a `timedelta`, or text with a unit: `"500ms"`, `"10s"`, `"1h30m"`."""

Path = Union[str, PathLike[str]]

Secret = Union[str, Callable[[], str]]
"""Text, or a function that returns it.

The client calls the function on a separate thread before its first read of the store and before
each request that sends credentials, never while a cached token can be returned.
"""

Function = Callable[[Event], object]
'''

TYPES = {
    "text": "str",
    "duration": "Duration",
    "boolean": "bool",
    "integer": "int | str",
    "file": "Path",
    "pem": "Path",
    "store": "str",
    "field": "str | list[str] | dict[str, str | list[str]]",
    "field-file": "str | list[str] | dict[str, Path | list[Path]]",
}


class Field(NamedTuple):
    """A field of a class."""

    name: str
    type: str
    meaning: str = ""


PASSWORD = Field("password", "Secret | None", "The password of the user.")
OAUTH_SECRETS = (
    Field("client_secret", "Secret | None", "The client secret."),
    Field(
        "extra_secret",
        "dict[str, Secret | list[Secret]] | None",
        "Extra fields of the token request whose values are secret; a name may have several values.",
    ),
)
OF_CLIENTS = (
    PASSWORD,
    Field(
        "registry",
        "Registry | None",
        "The registry to share with other clients. Without it, the client takes the options of a "
        "registry too.",
    ),
    Field(
        "on_event",
        "Function | None",
        "A function that gets each event of the client, in their order, on a thread that does "
        "nothing else: it may block and call the client. If more than 256 events wait, the oldest "
        "are dropped. `close` waits until it has returned from all of them.",
    ),
)
OF_REGISTRY = (
    Field("proxy_password", "str | None", "The password for the proxy."),
    Field("store_password", "str | None", "The password for the Redis or PostgreSQL server."),
    Field("store_passphrase", "str | None", "A passphrase from which the store's key is derived."),
)
PROFILE = (
    Field(
        "profile",
        "str | None",
        "The profile of the configuration file that has the options. Other arguments override it.",
    ),
    Field(
        "profile_file",
        "Path | None",
        "The configuration file. The default is that of the variable `TOKENLEASE_CONFIG`, else "
        "`tokenlease/config.toml` in the user's folder of settings.",
    ),
)

# The options that identify a token's owner are required by some constructors and not by others.
NAMES = ("provider", "server", "user", "contract", "client_id")


def write() -> str:
    """Return the text of the file."""
    options = option_table()
    others = [option for option in options if option["name"] not in NAMES]

    def of(*providers: str) -> Iterable[Field]:
        return fields(others, lambda it: not it["registry"] and it["providers"] == tuple(providers))

    def names(*wanted: str) -> Iterable[Field]:
        return fields(options, lambda it: it["name"] in wanted)

    def required(*wanted: str) -> Iterable[Field]:
        return [Field(name, "str") for name in wanted]

    registry = [*fields(others, lambda it: it["registry"]), *OF_REGISTRY]
    shared = [*of("winkas", "wyn", "oauth2"), *OF_CLIENTS]
    classes = (
        class_("RegistryOptions", "The options of a registry.", (), registry),
        class_("_Shared", "The options of all clients.", ("RegistryOptions",), shared),
        class_(
            "_OAuth",
            "The options of clients of Wyn Enterprise and OAuth2 servers.",
            ("_Shared",),
            [*of("wyn", "oauth2"), *OAUTH_SECRETS],
        ),
        class_("_OfWinkas", "The options of WinKAS Air alone.", (), of("winkas")),
        class_("_OfWyn", "The options of Wyn Enterprise alone.", (), of("wyn")),
        class_("_OfOAuth2", "The options of OAuth2 servers alone.", (), of("oauth2")),
        class_(
            "Options",
            "The options of `Client` and `AsyncClient`.",
            ("_OAuth", "_OfWinkas", "_OfWyn", "_OfOAuth2"),
            [*names(*NAMES), *PROFILE],
        ),
        class_(
            "_Winkas",
            "The options that `Client.winkas` requires.",
            None,
            required("user", "contract"),
        ),
        class_(
            "WinkasOptions",
            "The options of `Client.winkas`.",
            ("_Winkas", "_Shared", "_OfWinkas"),
            names("server"),
        ),
        class_("_Wyn", "The options that `Client.wyn` requires.", None, required("server", "user")),
        class_(
            "WynOptions",
            "The options of `Client.wyn`.",
            ("_Wyn", "_OAuth", "_OfWyn"),
            names("client_id"),
        ),
        class_(
            "_OAuth2",
            "The options that `Client.oauth2` requires.",
            None,
            required("server", "client_id"),
        ),
        class_(
            "OAuth2Options",
            "The options of `Client.oauth2`.",
            ("_OAuth2", "_OAuth", "_OfOAuth2"),
            names("user"),
        ),
    )
    return HEAD + "".join(classes)


def fields(
    options: Iterable[_OptionInfo], is_wanted: Callable[[_OptionInfo], bool]
) -> Iterable[Field]:
    """Return the fields of the options that are wanted."""
    for option in filter(is_wanted, options):
        choices = ", ".join(f'"{choice}"' for choice in option["choices"])
        of_type = f"Literal[{choices}]" if choices else TYPES[option["type"]]
        if option["name"] == "store_key":
            of_type += " | bytes"
        yield Field(option["name"], f"{of_type} | None", option["meaning"])


def class_(name: str, about: str, bases: tuple[str, ...] | None, fields: Iterable[Field]) -> str:
    """Return a class. Without bases, its fields are required."""
    head = ["TypedDict"] if bases is None else [*(bases or ("TypedDict",)), "total=False"]
    lines = ["", "", f"class {name}({', '.join(head)}):", f'    """{about}"""', ""]
    for field in fields:
        lines.append(f"    {field.name}: {field.type}")
        if field.meaning:
            width = {"width": 96, "break_long_words": False, "break_on_hyphens": False}
            text = textwrap.wrap(f'"""{field.meaning}"""', **width)  # type: ignore[arg-type]
            lines += [f"    {line}" for line in text]
    return "\n".join(lines) + "\n"
