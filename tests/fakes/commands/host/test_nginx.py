"""`nginx -t` on real configurations. The expected words are those of nginx 1.22.1 on the same files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.commands.conftest import Ended, Run

GOOD = """
events {}
http {
    # in front of the API
    map $http_upgrade $connection_upgrade { default upgrade; '' close; }
    upstream api { server 127.0.0.1:8000; keepalive 4; }
    server {
        listen 80;
        location /ws/ { proxy_pass http://api; proxy_set_header Connection $connection_upgrade; }
        location ~ ^/(?<part>a|b) { return 200 "$part; {$uri}"; }
    }
}
"""


def test_a_right_one_is_said_to_be_right(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """004:289: both lines on stderr; the file is the one that the workstation names."""
    conf = tmp_path / "nginx.conf"
    conf.write_text(GOOD)
    monkeypatch.setenv("GAMEDAY_NGINX_CONF", str(conf))
    good = f"nginx: the configuration file {conf} syntax is ok\nnginx: configuration file {conf} test is successful\n"
    assert run("nginx -t") == Ended(0, "", good)
    assert run("nginx -tq") == Ended(0, "", "")
    assert run("nginx -T").out == f"# configuration file {conf}:\n{GOOD}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("events {}\nhttp { server { listen 80 }\n}", 'unexpected "}" in {}:2'),
        ("events {}\nhttp { server { listen 80; }\n", 'unexpected end of file, expecting "}" in {}:3'),
        ("events {}\n}", 'unexpected "}" in {}:2'),
        ("events {}\nhttp { servr { listen 80; } }", 'unknown directive "servr" in {}:2'),
        ("events {}\nhttp { server { proxy_pass http://x; } }", '"proxy_pass" directive is not allowed here in {}:2'),
        ("events {}\nhttp { server { location / { proxy_pass http://no-such-host.invalid; } } }", 'host not found in upstream "no-such-host.invalid" in {}:2'),
        ("events {}\nhttp { server { location / { proxy_pass localhost; } } }", "invalid URL prefix in {}:2"),
        ("events {}\nhttp { server { listen 99999; } }", 'invalid port in "99999" of the "listen" directive in {}:2'),
        ('events {}\nhttp { server { root "/x; } }', 'unexpected end of file, expecting ";" or "}" in {}:2'),
        ("events {}\nhttp { include /nope/mime.types; }", 'open() "/nope/mime.types" failed (2: No such file or directory) in {}:2'),
        ("events { worker_connections; }", 'invalid number of arguments in "worker_connections" directive in {}:1'),
        ("events; http {}", 'directive "events" has no opening "{" in {}:1'),
        ("events {}\nhttp { server { location / { return 200 $nope; } } }", 'unknown "nope" variable'),
    ],
)  # fmt: skip
def test_a_wrong_one_is_said_to_be_wrong(run: Run, tmp_path: Path, text: str, message: str) -> None:
    """The first fault, with its line."""
    conf = tmp_path / "nginx.conf"
    conf.write_text(text)
    expected = f"nginx: [emerg] {message.replace('{}', str(conf), 1)}\nnginx: configuration file {conf} test failed\n"
    assert run(f"nginx -t -c {conf}") == Ended(1, "", expected)


def test_events_are_needed(run: Run, tmp_path: Path) -> None:
    """The syntax is right, the configuration is not."""
    conf = tmp_path / "nginx.conf"
    conf.write_text("http {}\n")
    assert run(f"nginx -t -c {conf}").err.splitlines() == [
        f"nginx: the configuration file {conf} syntax is ok",
        'nginx: [emerg] no "events" section in configuration',
        f"nginx: configuration file {conf} test failed",
    ]


def test_there_is_no_nginx_to_signal(run: Run, tmp_path: Path) -> None:
    """A reload reads the file first, and then finds no process."""
    conf = tmp_path / "nginx.conf"
    conf.write_text(GOOD)
    assert run(f"nginx -s reload -c {conf}") == Ended(
        1, "", 'nginx: [error] open() "/run/nginx.pid" failed (2: No such file or directory)\n'
    )
    assert run("nginx -s frobnicate") == Ended(1, "", 'nginx: invalid option: "-s frobnicate"\n')
    assert run("nginx -x") == Ended(1, "", 'nginx: invalid option: "x"\n')
    assert run("nginx -v").err == "nginx version: nginx/1.22.1\n"
    assert run("nginx -t -c /nope/nginx.conf").err.startswith(
        'nginx: [emerg] open() "/nope/nginx.conf" failed (2: No such file or directory)\n'
    )
