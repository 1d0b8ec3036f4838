"""Figures about the running bot for Prometheus, on 127.0.0.1."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from bot.application import Bot
from bot.settings import SettingsFault


@contextmanager
def served(bot: Bot, port: int) -> Iterator[None]:
    """Serves the figures while the caller works. Raises SettingsFault where the port is taken."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Figures(bot))
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as fault:
        raise SettingsFault(f"KAOPING_METRICS_PORT {port}: {fault.strerror}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Figures(Collector):
    """What the workers have counted since they began; read when somebody asks."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    def collect(self) -> Iterator[Metric]:
        """One figure after another."""
        workers, handled, sent, ticked = self._bot.workers, 0, 0, None
        if workers is not None:
            handled, sent, ticked = workers.dispatcher.handled, workers.sender.sent, workers.ticker.last
        for name, help_text, value in (
            ("kaoping_updates_received", "Updates from Telegram that were written down.", self._bot.receiver.received),
            ("kaoping_updates_handled", "Updates that came to an end, dead ones included.", handled),
            ("kaoping_messages_sent", "Messages that went out.", sent),
        ):
            yield CounterMetricFamily(name, help_text, value)
        if ticked is not None:
            help_text = "The latest instant for which time has done its work."
            yield GaugeMetricFamily("kaoping_last_tick_timestamp_seconds", help_text, ticked.timestamp())
