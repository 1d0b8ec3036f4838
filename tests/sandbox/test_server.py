"""The wire: tokens, methods, body forms, dates, files."""

import asyncio
import json
from urllib.parse import urlencode

from sandbox.client import RawClient
from sandbox.facade import Sandbox
from sandbox.server import read_params


async def test_tokens_and_methods_that_are_not_there(http: RawClient) -> None:
    wrong = await http.call("getMe", token="7000000001:AAwrong")
    assert (wrong.status, wrong.description) == (401, "Unauthorized")
    shapeless = await http.call("getMe", token="x")
    assert (shapeless.status, shapeless.description) == (404, "Not Found")
    unknown = await http.call("makeCoffee")
    assert (unknown.status, unknown.description) == (404, "Not Found: method not found")
    assert (await http.result("GETME"))["username"] == "kaoping_bot"


async def test_every_answer_carries_the_virtual_date(http: RawClient, sandbox: Sandbox) -> None:
    assert (await http.call("getMe")).date == "Fri, 02 Apr 2021 04:00:00 GMT"
    sandbox.advance(days=1)
    for answer in (
        await http.call("getMe"),
        await http.call("sendMessage", chat_id=1, text="x"),
        await http.call("getMe", token="1:x"),
        await http.call("getUpdates"),
    ):
        assert answer.date == "Sat, 03 Apr 2021 04:00:00 GMT"
    stored = sandbox.world.store("a.txt", "text/plain", b"abc", "documents")
    response = await http.get(f"/file/bot{sandbox.token}/{stored.path}")
    assert response.headers["Date"] == "Sat, 03 Apr 2021 04:00:00 GMT"


async def test_parameters_come_in_the_query_as_json_as_a_form_and_in_parts(http: RawClient, sandbox: Sandbox) -> None:
    person = sandbox.person("张三")
    await person.start()
    path = f"/bot{sandbox.token}/sendMessage"
    values = {"chat_id": str(person.id), "text": "甲&乙 +1", "reply_markup": '{"inline_keyboard":[]}'}
    form = urlencode(values)
    answers = [
        await http.get(f"{path}?{form}"),
        await http.post(path, json.dumps(values).encode(), "application/json; charset=utf-8"),
        await http.post(path, form.encode(), "application/x-www-form-urlencoded"),
        await http.post(f"{path}?{form}", b"", "application/json"),
    ]
    for answer in answers:
        assert json.loads(answer.body)["result"]["text"] == "甲&乙 +1"
    in_parts = await http.upload("sendMessage", "unused", "x.bin", b"x", **values)
    assert in_parts.body["result"]["text"] == "甲&乙 +1"
    assert len(person.sent) == 5


def test_bodies_that_cannot_be_read() -> None:
    assert read_params("", "application/json", b"{broken") is None
    assert read_params("", "application/json", b"[1]") is None
    assert read_params("", "multipart/form-data", b"no boundary") is None
    assert read_params("", "application/x-www-form-urlencoded", b"\xff=%ff") is None
    empty = read_params("a=1&b=", "", b"")
    assert empty is not None
    assert empty.values == {"a": "1", "b": ""}


async def test_a_broken_body_is_refused_and_the_next_request_works(http: RawClient, sandbox: Sandbox) -> None:
    response = await http.post(f"/bot{sandbox.token}/sendMessage", b"{", "application/json")
    assert response.code == 400
    assert await http.result("getMe")
    assert await http.refusal("sendMessage", chat_id=1, text="x", reply_markup="{") == "Bad Request: chat not found"


async def test_files_go_up_to_50_and_down_to_20_megabytes(http: RawClient, sandbox: Sandbox) -> None:
    person = sandbox.person("张三")
    await person.start()
    mega = 1024 * 1024
    sent = await http.upload("sendDocument", "document", "大.bin", bytes(50 * mega), chat_id=person.id)
    assert sent.body["result"]["document"]["file_size"] == 50 * mega
    over = await http.upload("sendDocument", "document", "大.bin", bytes(50 * mega + 1), chat_id=person.id)
    assert (over.status, over.description) == (413, "Request Entity Too Large")
    empty = await http.upload("sendDocument", "document", "空.bin", b"", chat_id=person.id)
    assert empty.description == "Bad Request: file must be non-empty"

    fits = await person.send_document("二十.bin", b"\x01" * (20 * mega))
    described = await http.result("getFile", file_id=fits.file_id)
    fetched = await http.get(f"/file/bot{sandbox.token}/{described['file_path']}")
    assert fetched.body == b"\x01" * (20 * mega)
    large = await person.send_document("二十五.bin", bytes(25 * mega))
    assert await http.refusal("getFile", file_id=large.file_id) == "Bad Request: file is too big"
    assert await http.refusal("getFile", file_id="x") == "Bad Request: invalid file_id"
    assert await http.refusal("sendDocument", chat_id=person.id, document="x") == (
        "Bad Request: wrong file identifier/HTTP URL specified"
    )
    again = await http.result("sendDocument", chat_id=person.id, document=fits.file_id)
    assert again["document"]["file_name"] == "二十.bin"


async def test_a_file_needs_the_token_and_a_path_that_exists(http: RawClient, sandbox: Sandbox) -> None:
    stored = sandbox.world.store("a.txt", "text/plain", b"abc", "documents")
    quoted = sandbox.token.replace(":", "%3A")
    for path, status in (
        (f"{sandbox.token}/{stored.path}", 200),
        (f"{quoted}/{stored.path}", 200),
        (f"1:x/{stored.path}", 401),
        (f"{sandbox.token}/documents/none.txt", 404),
        (f"{sandbox.token}/../../etc/passwd", 404),
    ):
        assert (await http.get(f"/file/bot{path}")).code == status


async def test_pictures_are_pictures(http: RawClient, sandbox: Sandbox) -> None:
    person = sandbox.person("张三")
    await person.start()
    png = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + (1200).to_bytes(4, "big") + (800).to_bytes(4, "big")
    sent = await http.upload("sendPhoto", "photo", "图.png", png, chat_id=person.id, caption="图")
    assert [(each["width"], each["height"]) for each in sent.body["result"]["photo"]] == [(320, 213), (1200, 800)]
    for data, why in (
        (b"%PDF", "IMAGE_PROCESS_FAILED"),
        (png[:16] + (9000).to_bytes(4, "big") + (2000).to_bytes(4, "big"), "PHOTO_INVALID_DIMENSIONS"),
        (png + bytes(10 * 1024 * 1024), ("file of size 10485784 bytes is too big for a photo; the maximum size is "
         "10485760 bytes")),
    ):  # fmt: skip
        refused = await http.upload("sendPhoto", "photo", "x.png", data, chat_id=person.id)
        assert refused.description == f"Bad Request: {why}"
    photo_id = sent.body["result"]["photo"][-1]["file_id"]
    assert await http.refusal("sendDocument", chat_id=person.id, document=photo_id) == (
        "Bad Request: type of file mismatch"
    )
    assert (await http.result("sendPhoto", chat_id=person.id, photo=photo_id))["photo"] == sent.body["result"]["photo"]


async def test_a_client_that_goes_away_leaves_its_poll(http: RawClient, sandbox: Sandbox) -> None:
    _reader, writer = await asyncio.open_connection("127.0.0.1", sandbox.port)
    body = json.dumps({"timeout": 50}).encode()
    head = f"POST /bot{sandbox.token}/getUpdates HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    writer.write(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    await sandbox.until(lambda: sandbox.world.updates.polled)
    writer.close()
    await writer.wait_closed()
    person = sandbox.person("张三")
    await person.start()
    (update,) = await http.result("getUpdates", timeout=1)
    assert update["message"]["text"] == "/start"
