import socket

import pytest

from agent.errors import InputError
from demos import web
from tests.fakes import builder


@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_a_port_that_cannot_be_is_refused(port: str) -> None:
    with pytest.raises(InputError, match="1 to 65535"):
        web.main(["--port", port], builder())


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"--port {port}"):
            web.main(["--port", str(port)], builder())


def test_it_serves_only_this_machine_unless_told() -> None:
    assert web._parser().parse_args([]).host == "127.0.0.1"
