"""Puts the papers of the sample zone's published result where a visitor can open them."""

import io
import zipfile
from pathlib import Path


def unpack(archive: bytes, folder: Path) -> list[Path]:
    """All files of the archive that the bot has sent, over those of an earlier showing. Returns where they are."""
    folder.mkdir(exist_ok=True)
    written = []
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        for name in packed.namelist():
            path = folder / name
            path.write_bytes(packed.read(name))
            written.append(path)
    return written
