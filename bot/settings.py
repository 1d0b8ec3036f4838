"""Settings from the environment or ``.env``, each checked, each fault named in one line."""

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

TOKEN_FORM = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{20,100}")


class SettingsFault(Exception):
    """A setting is missing or wrong. ``str()`` is one line that names it; the process ends with exit code 2."""


_ID_DIGITS = 16
"""Telegram's ids are smaller than 2 to the power of 52."""


class Settings(BaseSettings):
    """Everything an operator can set; each field is ``KAOPING_`` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="KAOPING_", env_file=".env", extra="ignore", frozen=True)

    token: SecretStr | None = None
    """The bot's token from @BotFather. Only ``run`` needs it."""
    admins: Annotated[frozenset[int], NoDecode] = frozenset()
    """Telegram ids of the first administrators, comma separated."""
    database_url: str = "sqlite:///kaoping.db"
    api_base: str = "https://api.telegram.org"
    """Address of the Bot API server, without a path."""
    rulebook: str = "jilin-2021"
    """Name of a rule book that comes with the program, or a path to one."""
    summary_chat: int | None = Field(default=None, gt=-(10**_ID_DIGITS), lt=10**_ID_DIGITS)
    """The chat to which monthly summaries are posted."""
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None
    webhook_port: int | None = Field(default=None, ge=1, le=65535)
    clock: Literal["system", "server"] = "system"
    """``server`` takes the time from the Bot API server's Date header: for the demo and for tests."""
    poll_seconds: int = Field(default=30, ge=0, le=50)
    """How long one getUpdates waits for something to come."""
    limits: bool = True
    """Whether Telegram's sending limits are kept. Switched off only against a server that has none."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Port on 127.0.0.1 that serves figures for Prometheus; none by default."""
    log: Literal["text", "json"] = "text"

    @field_validator("admins", mode="before")
    @classmethod
    def _ids(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.replace("，", ",").split(",") if part.strip()]
        if wrong := [part for part in parts if not part.isascii() or not part.isdigit() or len(part) > _ID_DIGITS]:
            raise ValueError(f"{wrong[0]!r} is not a Telegram id (digits, comma separated)")
        return frozenset(int(part) for part in parts)

    @field_validator("token")
    @classmethod
    def _token(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value():
            return None
        if not TOKEN_FORM.fullmatch(value.get_secret_value()):
            raise ValueError("is not a bot token (looks like 123456:ABC…, from @BotFather)")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        try:
            backend = make_url(value).get_backend_name()
        except ArgumentError:
            raise ValueError("is not a database URL (sqlite:///file.db or postgresql://…)") from None
        if backend not in {"sqlite", "postgresql"}:
            raise ValueError(f"{backend} is not supported (sqlite:///file.db or postgresql://…)")
        return value

    @field_validator("api_base", "webhook_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("is not an address (https://host or http://host:port)")
        return value.rstrip("/")

    @field_validator("rulebook")
    @classmethod
    def _rulebook(cls, value: str) -> str:
        if ("/" in value or value.endswith(".toml")) and not Path(value).is_file():
            raise ValueError(f"there is no file {value}")
        return value

    @model_validator(mode="after")
    def _webhook(self) -> "Settings":
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise ValueError("KAOPING_WEBHOOK_URL and KAOPING_WEBHOOK_SECRET go together: set both or neither")
        return self

    @cached_property
    def required_token(self) -> str:
        """The token, for what cannot do without. Raises SettingsFault if there is none."""
        if self.token is None:
            raise SettingsFault("KAOPING_TOKEN is not set: the bot's token from @BotFather")
        return self.token.get_secret_value()


def load(**overrides: object) -> Settings:
    """The settings in force. Raises SettingsFault that names the first wrong one, never its secret value."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except UnicodeDecodeError:
        raise SettingsFault(".env is not UTF-8 text: save it as UTF-8") from None
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise SettingsFault(said) from None
        raise SettingsFault(f"KAOPING_{str(first['loc'][0]).upper()} {said}") from None
