"""Every setting as a flag of its own, made from the one place that describes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, get_args

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from ovnloom.cli.wrong import Wrong
from ovnloom.settings import Settings

Model = TypeVar("Model", bound=BaseSettings)
METAVARS: Mapping[Any, str] = {bool: "true|false", int: "NUMBER", float: "SECONDS", str: "TEXT"}


def settings(given: Mapping[str, Any]) -> Settings:
    """The controller's settings: what is given, else the environment, else the defaults. Raises Wrong."""
    return read(Settings, given)


def read(model: type[Model], given: Mapping[str, Any]) -> Model:
    """The settings of a process: what is given, else the environment, else the defaults. Raises Wrong."""
    try:
        return model(**given)
    except ValidationError as error:
        raise Wrong(
            *(_sentence(found["loc"], found["msg"], found["input"], given) for found in error.errors())
        ) from None


def _sentence(place: tuple[int | str, ...], message: str, value: Any, given: Mapping[str, Any]) -> str:
    name = str(place[0]) if place else "settings"
    # Pydantic names a value of the environment by its variable or by its field, depending on its version.
    field = name.lower().removeprefix("ovnloom_")
    where = flag(field) if field in given else f"OVNLOOM_{field.upper()}"
    return f"{where} is {value!r}; {message[0].lower()}{message[1:]}"


def flag(name: str) -> str:
    """The flag of a setting."""
    return f"--{name.replace('_', '-')}"


def command(action: Callable[[Mapping[str, str]], int], name: str, text: str) -> typer.Typer:
    """A command line whose flags are the settings; the action gets those that were given, its answer is the exit code.

    All values are text here, so that a setting has one reading and one complaint, wherever it comes from.
    """

    def call(**values: str | None) -> None:
        raise typer.Exit(action({name: value for name, value in values.items() if value is not None}))

    declare(call, Settings)
    call.__doc__ = text
    app = typer.Typer(
        pretty_exceptions_enable=False,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command(name)(call)
    return app


def declare(call: Callable[..., None], model: type[BaseSettings], *others: inspect.Parameter) -> None:
    """typer reads a flag for each setting off the signature of `call`, after its other parameters."""
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_option(name, field))
        for name, field in model.model_fields.items()
    ]
    call.__signature__ = inspect.Signature([*others, *parameters])  # type: ignore[attr-defined]  # inspect's way
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in (*others, *parameters)}


def _option(name: str, field: FieldInfo) -> Any:
    words = get_args(field.annotation)
    metavar = "|".join(map(str, words)) if words else METAVARS.get(field.annotation, "TEXT")
    if field.annotation is float and "share" in name:
        metavar = "NUMBER"
    default = field.get_default(call_default_factory=True)
    said = str(default).lower() if isinstance(default, bool) else default
    described = f"{field.description or ''} (default {said})" if said != "" else field.description
    return Annotated[str | None, typer.Option(flag(name), metavar=metavar, help=described, show_default=False)]
