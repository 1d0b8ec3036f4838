"""The sandbox's state on disk: people, chats, messages and files, so that a demo can go on where it was left."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.updates import Waiting
from sandbox.world import Chat, Person, Query, StoredFile, World

FORMAT = 1


def save(world: World, folder: Path) -> None:
    """Write the state into `folder`, which is made. The description is replaced in one step, after the files."""
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    for stored in world.files.values():
        target = files / stored.unique_id
        if not target.exists():
            target.write_bytes(stored.data)
    described: dict[str, Any] = {
        "format": FORMAT,
        "now": world.clock.now().isoformat(),
        "people": [asdict(person) for person in world.people.values()],
        "chats": [{**asdict(chat), "uneditable": sorted(chat.uneditable)} for chat in world.chats.values()],
        "files": [
            {name: getattr(stored, name) for name in ("file_id", "unique_id", "path", "name", "mime")}
            for stored in world.files.values()
        ],
        "queries": [asdict(query) for query in world.queries.values()],
        "commands": world.commands,
        "updates": [asdict(update) for update in world.updates.waiting],
        "next_update": world.updates.next_id,
        "numbers": world.numbers,
    }
    fresh = folder / "state.json.new"
    fresh.write_text(json.dumps(described, ensure_ascii=False), encoding="utf-8")
    fresh.replace(folder / "state.json")


def load(world: World, folder: Path) -> None:
    """Read the state back into a new world; nothing happens where there is none. ValueError for another format.

    The clock moves to the instant of the state if that lies ahead.
    """
    described_in = folder / "state.json"
    if not described_in.exists():
        return
    described = json.loads(described_in.read_text(encoding="utf-8"))
    if described.get("format") != FORMAT:
        raise ValueError(f"{described_in}: not a state of this sandbox")
    world.people = {each["id"]: Person(**each) for each in described["people"]}
    world.chats = {each["id"]: _chat(each) for each in described["chats"]}
    for each in described["files"]:
        stored = StoredFile(**each, data=(folder / "files" / each["unique_id"]).read_bytes())
        world.files[stored.file_id] = world.files_by_path[stored.path] = stored
    world.queries = {each["id"]: Query(**each) for each in described["queries"]}
    world.commands = described["commands"]
    world.updates.waiting.extend(Waiting(**each) for each in described["updates"])
    world.updates.next_id = described["next_update"]
    world.numbers = described["numbers"]
    world.clock.catch_up(datetime.fromisoformat(described["now"]))


def _chat(described: dict[str, Any]) -> Chat:
    described["uneditable"] = set(described["uneditable"])
    for name in ("members", "messages", "keyboards"):
        described[name] = {int(key): value for key, value in described[name].items()}
    return Chat(**described)
