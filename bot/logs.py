"""Logging: one line per event on stderr, ``key=value`` or JSON, and never the token."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import Processor, WrappedLogger

QUIET = ("httpx", "httpcore", "apscheduler", "telegram", "aiohttp", "alembic", "tornado.access")
"""Libraries that tell more than an operator wants; httpx puts whole addresses, and so the token, on INFO."""


def configure(form: str = "text", *, secrets: tuple[str, ...] = (), level: int = logging.INFO) -> None:
    """Sets up logging for the process. ``form`` is "text" or "json"; each of ``secrets`` is blotted out everywhere."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
    ]
    if form == "json":
        last.append(structlog.processors.JSONRenderer(ensure_ascii=False))
    else:
        last += [
            structlog.processors.KeyValueRenderer(
                key_order=["timestamp", "level", "logger", "event"], repr_native_str=False
            )
        ]
    handler = logging.StreamHandler(sys.stderr)
    formatter = structlog.stdlib.ProcessorFormatter(processors=[*last, _Blot(secrets)], foreign_pre_chain=shared)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


class _Blot:
    """The last step: replaces secrets in the finished line, whoever wrote them into it, tracebacks included."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)

    def __call__(self, _logger: WrappedLogger, _name: str, line: Any) -> Any:
        for secret in self._secrets:
            line = line.replace(secret, "***").replace(secret.replace(":", "%3A"), "***")
        return line
