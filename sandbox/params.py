"""The parameters of a request, read as leniently as Telegram does: JSON values or their text, however they came."""

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import bad_request


@dataclass(frozen=True, slots=True)
class Part:
    """An uploaded file of a multipart request."""

    name: str
    mime: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Params:
    """Values by name (text, or what JSON gave) and uploads by field name."""

    values: dict[str, Any]
    uploads: dict[str, Part] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """A string; numbers are taken as their text."""
        value = self.values.get(name)
        return default if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number; what is none counts as the default, as with Telegram."""
        value = self.values.get(name)
        if isinstance(value, int):
            return int(value)
        try:
            return int(value) if isinstance(value, str) else default
        except ValueError:
            return default

    def boolean(self, name: str) -> bool:
        """True for true, yes and 1 in any spelling."""
        value = self.values.get(name)
        return value is True or str(value).strip().lower() in ("true", "yes", "1")

    def json(self, name: str) -> Any:
        """An object or array, given as such or as JSON text; None where it is missing. 400 for what is no JSON."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {name.replace('_', ' ')} JSON object") from None
