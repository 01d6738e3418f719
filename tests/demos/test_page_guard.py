"""Who may see what of the page, and who may log in."""

from __future__ import annotations

import io
import re
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.errors import InputError
from demos import login
from demos.login import Accounts
from demos.page import guard
from demos.page.guard import Guard, Rules

HERE, SOCKET = "http://127.0.0.1:7860", "ws://127.0.0.1:7860/page/talk"
WORDS = {"ada": "correct horse", "sam": "battery staple"}


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    lines = [login.line("ada", "staff", WORDS["ada"]), login.line("sam", "customer", WORDS["sam"])]
    (tmp_path / "people").write_text("\n".join(lines))
    return Accounts.load(tmp_path / "people")


def client(rules: Rules, base: str = HERE) -> TestClient:
    async def told(request: Any) -> PlainTextResponse:
        return PlainTextResponse(f"{request.scope['state']['user']},{request.scope['state']['staff']}")

    async def socket(connection: WebSocket) -> None:
        await connection.accept()
        await connection.close()

    paths = ("/", "/staff/", "/staff/queue", "/page/files", "/staff/gradio_api/upload")
    routes = [*(Route(path, told, methods=["GET", "POST"]) for path in paths), WebSocketRoute("/page/talk", socket)]
    app = Starlette(routes=routes)
    app.add_middleware(Guard, rules=rules)
    return TestClient(app, base_url=base, follow_redirects=False)


def entered(rules: Rules, name: str) -> TestClient:
    one = client(rules)
    assert one.post("/login", data={"name": name, "password": WORDS[name]}).headers["location"] == "/"
    return one


def test_on_this_machine_without_a_login_everybody_sees_everything() -> None:
    one = client(Rules())
    assert one.get("/").headers["location"] == "/staff/"
    assert one.get("/staff/").text == ",True"


def test_elsewhere_without_a_login_nobody_sees_desk_and_calls() -> None:
    one = client(Rules(local=False), "http://shop.example.com")
    assert one.get("/").text == ",False"
    assert one.get("/staff/queue").status_code == 403


def test_a_customer_sees_the_conversation_and_staff_everything(accounts: Accounts) -> None:
    sam, ada = entered(Rules(accounts), "sam"), entered(Rules(accounts), "ada")
    assert sam.get("/").text == "sam,False"
    assert sam.get("/staff/").status_code == 403
    assert sam.post("/staff/queue").status_code == 403
    assert ada.get("/").headers["location"] == "/staff/"
    assert ada.get("/staff/queue").text == "ada,True"


def test_who_has_not_logged_in_sees_nothing(accounts: Accounts) -> None:
    one = client(Rules(accounts))
    assert one.get("/").headers["location"] == "/login"
    assert one.get("/staff/").headers["location"] == "/login"
    assert one.post("/page/files").status_code == 403
    with pytest.raises(WebSocketDisconnect), one.websocket_connect(SOCKET, headers={"origin": HERE}):
        pass
    assert "password" in one.get("/login").text


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", "x"), ("", ""), ("ada", "a" * 9000)])
def test_a_wrong_password_lets_nobody_in(
    accounts: Accounts, name: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "WRONG_SECONDS", 0.0)
    one = client(Rules(accounts))
    answer = one.post("/login", data={"name": name, "password": password})
    assert answer.status_code == 401
    assert "wrong" in answer.text
    assert one.get("/").headers["location"] == "/login"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(accounts: Accounts) -> None:
    answer = client(Rules(accounts, secure=True)).post("/login", data={"name": "ada", "password": WORDS["ada"]})
    cookie = answer.headers["set-cookie"].lower()
    for wanted in ("httponly", "samesite=strict", "secure"):
        assert wanted in cookie


def test_logging_out_ends_it(accounts: Accounts) -> None:
    one = entered(Rules(accounts), "ada")
    kept = dict(one.cookies)
    one.get("/logout")
    assert one.get("/").headers["location"] == "/login"
    one.cookies.update(kept)
    assert one.get("/").headers["location"] == "/login"


def test_other_sites_cannot_speak_for_a_visitor() -> None:
    one = client(Rules())
    elsewhere = {"origin": "http://evil.example.com"}
    assert one.post("/page/files", headers=elsewhere).status_code == 403
    for headers in (elsewhere, {}):
        with pytest.raises(WebSocketDisconnect), one.websocket_connect(SOCKET, headers=headers):
            pass
    with one.websocket_connect(SOCKET, headers={"origin": HERE}):
        pass


def test_a_name_that_was_bent_to_this_machine_is_not_answered() -> None:
    assert client(Rules(), "http://evil.example.com:7860").get("/").status_code == 403


def test_gradios_own_uploads_are_closed() -> None:
    assert client(Rules()).post("/staff/gradio_api/upload").status_code == 404


def test_the_command_keeps_hashes_for_its_owners_eyes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "people"
    for password in ("first password", "second password"):
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
        assert login.main([str(file), "ada", "--role", "staff"]) == 0
    text = file.read_text()
    assert re.fullmatch(r"ada staff [0-9a-f]{32} [0-9a-f]{64}\n", text)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = Accounts.load(file).check("ada", "second password")
    assert found is not None
    assert found.role == "staff"
    assert Accounts.load(file).check("ada", "first password") is None


@pytest.mark.parametrize(
    ("name", "role", "password", "problem"),
    [("a b", "staff", "12345678", "spaces"), ("ada", "king", "12345678", "role"), ("ada", "staff", "short", "8 to")],
)
def test_names_roles_and_passwords_that_cannot_be_are_refused(
    name: str, role: str, password: str, problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        login.line(name, role, password)


@pytest.mark.parametrize("text", ["", "ada staff", "ada king 00 00", "ada staff zz zz", "ada staff 00 00"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "people").write_text(text)
    with pytest.raises(InputError, match="people"):
        Accounts.load(tmp_path / "people")
    with pytest.raises(InputError, match="cannot be read"):
        Accounts.load(tmp_path / "absent")
