"""Verbs that need a second person or not, in a zone of two departments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session

import store.departments
import store.verbs
import store.words  # noqa: F401 - how counts are read
from store import commands
from store.commands import Act, Rest, command
from store.errors import Refusal
from store.notices import Audience, Notice
from store.people import Department, Person, Role, appoint
from store.proposals import Proposal
from store.times import CHINA

NOW = datetime(2021, 4, 6, 10, tzinfo=CHINA)


@dataclass(frozen=True)
class Marked:
    department: str
    marks: str


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test declares is gone after it."""
    monkeypatch.setattr("store.acting._figures_of", [])
    registries = (commands.VERBS, commands._SAID, commands.CONVERTERS)
    kept = [dict(one) for one in registries]
    yield
    for registry, before in zip(registries, kept, strict=True):
        registry.clear()
        registry.update(before)


@pytest.fixture(autouse=True)
def _verbs(_own_registry: None) -> None:
    """Verbs that write a mark into a department's aliases, so that it shows whether they were done."""

    def mark(act: Act, department: Department, reason: str) -> Marked:
        if reason == "不可能":
            raise Refusal("impossible")
        department.aliases = f"{department.aliases} {reason}".strip()
        act.session.add(department)
        act.session.flush()
        act.caution("look_twice", reason=reason)
        act.notify(Notice("marked", Audience("department", department.id), {"reason": reason}))
        return Marked(department.name, department.aliases)

    @command("mark", words=("记号",), roles=(Role.ADMINISTRATOR, Role.MEMBER_UNIT), changes=True,
             weighs_on_department=True)  # fmt: skip
    def plain(act: Act, department: Department, reason: Rest = "") -> Marked:
        """Mark."""
        return mark(act, department, reason)

    @command("strike", changes=True, weighs_on_department=True, second_person=True)
    def grave(act: Act, department: Department, reason: Rest = "") -> Marked:
        """Mark gravely."""
        return mark(act, department, reason)

    def only_grave(_act: Act, given: Mapping[str, Any]) -> bool:
        return given["reason"] == "重"

    @command("weigh", changes=True, weighs_on_department=True, second_person=only_grave)
    def weighed(act: Act, department: Department, reason: Rest = "") -> Marked:
        """Mark, gravely or not."""
        return mark(act, department, reason)

    @command("look", roles=(Role.ADMINISTRATOR, Role.LIAISON))
    def look(act: Act, department: Department) -> str:
        """Look."""
        return department.aliases

    @command("whisper", chat_only=True)
    def whisper(act: Act) -> str:
        """Whisper."""
        return "…"


class Zone:
    """财政局 and 政务服务局 (the office), and whoever is called for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.fin = Department(code="fin", name="财政局", kind="bureau")
        self.gov = Department(code="gov", name="政务服务局", kind="bureau", office=True)
        session.add_all([self.fin, self.gov])
        session.flush()
        self.count = 0

    def person(self, name: str, role: Role, department: Department | None = None) -> Person:
        self.count += 1
        person = Person(telegram_id=self.count, name=name, started_at=NOW)
        self.session.add(person)
        self.session.flush()
        appoint(self.session, person, role, NOW, department.id if department else None)
        return person

    def act(self, person: Person, via: str = "chat") -> Act:
        return Act(self.session, NOW, person, via, system_user="root" if via == "command line" else None)

    def proposal(self, number: int) -> Proposal:
        return self.session.get_one(Proposal, number)


@pytest.fixture
def zone(session: Session) -> Zone:
    return Zone(session)
