"""A Chromium without a driver package: the DevTools protocol over a websocket, as much of it as trying the page needs.

    async with Browser(find_browser(), width=1440, height=900) as browser:
        await browser.open(sandbox.url)
        await browser.click("已知悉", within='[data-name="张三"]')
        await browser.screenshot(Path("page.png"))

Nothing sleeps: conditions are waited for inside the page, which looks again at each change of the document.
"""

import asyncio
import base64
import itertools
import json
import os
import re
import shutil
import signal
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tornado.websocket import WebSocketClientConnection, websocket_connect

PATIENCE = 20.0  # real seconds
START_PATIENCE = 60.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--lang=zh-CN",
    "--remote-debugging-port=0",
)
ADDRESS = re.compile(rb"DevTools listening on (ws://\S+)")
# What of an element a person reads: its words, its label, or the placeholder of an empty field.
FIND = """
(text, within) => {
  const roots = within ? [...document.querySelectorAll(within)] : [document.body];
  const kinds = 'button, a, [role=button], summary, label, input, textarea, select';
  const label = (element) => element.getAttribute('aria-label') || element.title || element.placeholder || '';
  const said = (element) => (element.innerText || label(element)).trim();
  const seen = (element) => { const box = element.getBoundingClientRect(); return box.width > 0 && box.height > 0; };
  const shown = roots.flatMap((root) => [...root.querySelectorAll(kinds)]).filter(seen);
  const exact = shown.filter((element) => said(element) === text || label(element) === text);
  return exact.at(-1) ?? shown.filter((element) => said(element).includes(text)).at(-1) ?? null;
}
"""
AIM = """
(element) => {
  element.scrollIntoView({block: 'nearest', inline: 'nearest', behavior: 'instant'});
  const box = element.getClientRects()[0];  // a link over two lines has a box for each
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const hit = document.elementFromPoint(x, y);  // not while something lies above it
  return hit && (element.contains(hit) || hit.contains(element)) ? [x, y] : null;
}
"""
# A page that still moves under the mouse would have it hit something else: people wait too.
STEADY = """
(place, now) => {
  const same = place && window.aimed && place[0] === window.aimed.x && place[1] === window.aimed.y;
  if (!same) window.aimed = place && {x: place[0], y: place[1], since: now};
  return same && now - window.aimed.since > 120 ? place : null;
}
"""
DRAWN = """
document.fonts.status === 'loaded' && [...document.images].every((image) => {
  const box = image.getBoundingClientRect();
  const seen = box.width && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight;
  return image.complete || !seen;
})
"""
WAIT = """
new Promise((resolve, reject) => {
  const look = () => { try { return (%s); } catch (error) { return null; } };
  let observer, poll;
  const stop = () => { observer.disconnect(); clearTimeout(limit); cancelAnimationFrame(poll); };
  const check = () => { const value = look(); if (value) { stop(); resolve(value); } return value; };
  observer = new MutationObserver(check);
  observer.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
  const limit = setTimeout(() => { stop(); reject(new Error('in vain')); }, %d);
  const frame = () => { if (!check()) poll = requestAnimationFrame(frame); };
  frame();
})
"""


def find_browser() -> str | None:
    """The path of a Chromium on this machine, or of the one `KAOPING_TEST_BROWSER` names; None where there is none."""
    named = os.environ.get("KAOPING_TEST_BROWSER")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


class BrowserError(Exception):
    """The browser could not do what it was told; says what it was."""


class Browser:
    """One page in one Chromium of its own, with an empty profile. Sizes in CSS pixels."""

    def __init__(self, program: str, *, width: int = 1440, height: int = 900, mobile: bool = False) -> None:
        self._program = program
        self._size = {"width": width, "height": height, "deviceScaleFactor": 2 if mobile else 1, "mobile": mobile}
        self._profile = tempfile.TemporaryDirectory(prefix="sandbox-browser-", ignore_cleanup_errors=True)
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._events: dict[str, asyncio.Future[None]] = {}
        self._session = ""
        self.errors: list[str] = []

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            self._program,
            *FLAGS,
            f"--user-data-dir={self._profile.name}",
            "about:blank",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(START_PATIENCE):
                await self._connect()
        except BaseException:
            await self._end()
            raise
        return self

    async def _connect(self) -> None:
        assert self._process.stderr is not None  # noqa: S101  (it is a pipe)
        said = b""
        while not (match := ADDRESS.search(said)):
            line = await self._process.stderr.readline()
            if not line:
                raise BrowserError(f"{self._program} did not start: {said.decode(errors='replace')[-2000:]}")
            said += line
        self._drain = asyncio.ensure_future(self._process.stderr.read())
        self._socket: WebSocketClientConnection = await websocket_connect(match[1].decode(), max_message_size=2**28)
        self._reader = asyncio.ensure_future(self._read())
        target = await self._send("Target.createTarget", url="about:blank")
        attached = await self._send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "DOM"):
            await self._send(f"{domain}.enable")
        await self._send("Emulation.setDeviceMetricsOverride", **self._size)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.cancel()
        self._socket.close()
        await self._end()

    async def _end(self) -> None:
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # the browser's own process group, which it was started in
        await self._process.wait()
        self._profile.cleanup()

    # ---- the protocol -----------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while (line := await self._socket.read_message()) is not None:
            message = json.loads(line)
            if "id" in message:
                waiting = self._answers.pop(message["id"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
            elif message["method"] == "Runtime.exceptionThrown":
                details = message["params"]["exceptionDetails"]
                self.errors.append(details.get("exception", {}).get("description") or details["text"])
            elif (event := self._events.pop(message["method"], None)) is not None:
                event.set_result(None)

    async def _send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        session = {"sessionId": self._session} if self._session else {}
        await self._socket.write_message(json.dumps({"id": number, "method": method, "params": params, **session}))
        message = await answer
        if "error" in message:
            raise BrowserError(f"{method}: {message['error']['message']}")
        result: dict[str, Any] = message["result"]
        return result

    async def _run(self, script: str, **how: Any) -> dict[str, Any]:
        result = await self._send("Runtime.evaluate", expression=script, awaitPromise=True, userGesture=True, **how)
        if "exceptionDetails" in result:
            thrown = result["exceptionDetails"].get("exception", {})
            raise BrowserError(thrown.get("description") or str(thrown))
        found: dict[str, Any] = result["result"]
        return found

    # ---- what a person does -----------------------------------------------------------------------------------------

    async def open(self, url: str) -> None:
        """Go to an address and wait until it is loaded."""
        loaded = self._events["Page.loadEventFired"] = asyncio.get_running_loop().create_future()
        await self._send("Page.navigate", url=url)
        await asyncio.wait_for(loaded, START_PATIENCE)

    async def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression (a promise is awaited)."""
        return (await self._run(script, returnByValue=True)).get("value")

    async def wait_for(self, condition: str, *, patience: float = PATIENCE) -> Any:
        """Wait until a JavaScript expression is true; its value. In vain: BrowserError with what the page shows."""
        try:
            return await self.evaluate(WAIT % (condition, patience * 1000))
        except BrowserError as error:
            if "in vain" not in str(error):
                raise
            shown = await self.evaluate("document.body.innerText")
            raise BrowserError(f"waited {patience:g} s in vain for {condition}; the page shows:\n{shown}") from None

    async def wait_for_text(self, text: str, *, within: str = "body", patience: float = PATIENCE) -> None:
        """Wait until these words can be read inside what the selector names."""
        look = (
            f"[...document.querySelectorAll({json.dumps(within)})].some(e => e.innerText.includes({json.dumps(text)}))"
        )
        await self.wait_for(look, patience=patience)

    async def text(self, within: str = "body") -> str:
        """The words inside the first element the selector names."""
        return str(await self.evaluate(f"document.querySelector({json.dumps(within)}).innerText"))

    async def click(self, text: str, *, within: str = "") -> None:
        """Click the last button, link or field with these words, label or tooltip, with the mouse, once it is there."""
        await self.evaluate("delete window.aimed")
        aim = f"({AIM})(({FIND})({json.dumps(text)}, {json.dumps(within)}))"
        place = await self.wait_for(f"({STEADY})({aim}, performance.now())")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            await self._send("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    async def type(self, text: str, *, into: str, enter: bool = False) -> None:
        """Put the focus into what the selector names and type; with `enter`, press Enter after it."""
        await self.wait_for(f"!!document.querySelector({json.dumps(into)})")
        await self.evaluate(f"document.querySelector({json.dumps(into)}).focus()")
        await self._send("Input.insertText", text=text)
        if enter:
            for kind in ("keyDown", "keyUp"):
                key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
                await self._send("Input.dispatchKeyEvent", type=kind, **key)

    async def upload(self, *files: Path, into: str) -> None:
        """Choose files in the file field the selector names."""
        await self.wait_for(f"!!document.querySelector({json.dumps(into)})")
        field = await self._run(f"document.querySelector({json.dumps(into)})")
        await self._send("DOM.setFileInputFiles", files=[str(path) for path in files], objectId=field["objectId"])

    async def screenshot(self, path: Path) -> None:
        """A PNG of what is on the screen, once fonts and pictures are there."""
        await self.wait_for(DRAWN)
        shot = await self._send("Page.captureScreenshot", format="png")
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))
