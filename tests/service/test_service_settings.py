"""Tokens, addresses and limits: what a service may be started with."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.service.served import TOKEN
from xrayscan.service import ServiceError
from xrayscan.service.settings import Access, Binding, Limits


def test_tokens_come_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# of lane 3\n{TOKEN}\n\n{TOKEN[::-1]}\n")
    file.chmod(0o600)
    for access in (Access.found(file, {}), Access.found(None, {"XRAYSCAN_TOKEN": f"{TOKEN}\n"})):
        assert access.allows(f"Bearer {TOKEN}")
        assert access.allows(f"bearer  {TOKEN}")
        assert not access.allows(TOKEN)
        assert not access.allows(f"Basic {TOKEN}")
        assert TOKEN not in repr(access)
    assert Access.found(file, {}).allows(f"Bearer {TOKEN[::-1]}")
    assert not Access.found(None, {})


def test_a_token_file_that_others_can_read_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "tokens").write_text(TOKEN)
    (tmp_path / "tokens").chmod(0o644)
    with caplog.at_level(logging.WARNING):
        Access.found(tmp_path / "tokens", {})
    assert "can be read by others on this machine; run: chmod 600" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("token", ["short", "long enough but with spaces", "längst lang genug mit Umlaut"])
def test_a_weak_token_is_refused_and_not_told(token: str) -> None:
    with pytest.raises(ServiceError, match="expected 24 or more, ASCII without spaces: make one with: python -c") as caught:
        Access.of([token])
    assert token not in str(caught.value)


def test_a_token_file_without_a_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"name a text file with one token a line"):
        Access.found(tmp_path / "none", {})
    (tmp_path / "empty").write_text("# none\n")
    with pytest.raises(ServiceError, match="it holds no token; make one with"):
        Access.found(tmp_path / "empty", {})


def test_no_open_door(caplog: pytest.LogCaptureFixture) -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "scanner.example"):
        with pytest.raises(
            ServiceError, match="other machines could submit scans and read reports without a token; set XRAYSCAN_"
        ):
            Binding(host).check(Access())
    for host in ("127.0.0.1", "::1", "localhost"):
        Binding(host).check(Access())
    assert not caplog.text
    Binding("0.0.0.0").check(Access.of([TOKEN]))
    assert "without TLS: scans, reports and the token can be read on the way" in caplog.text


def test_tls_needs_both_its_files(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="give both --tls-cert and --tls-key"):
        Binding(certificate=tmp_path / "cert.pem")
    with pytest.raises(ServiceError, match=r"there is no file .*cert\.pem; give a PEM file"):
        Binding(certificate=tmp_path / "cert.pem", key=tmp_path / "key.pem")


def test_limits_are_above_zero() -> None:
    with pytest.raises(ServiceError, match="queue is 0; give a number above 0"):
        Limits(queue=0)
    with pytest.raises(ServiceError, match="keep_seconds is nan; give a number above 0"):
        Limits(keep_seconds=float("nan"))
