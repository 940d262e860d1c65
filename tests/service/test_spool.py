"""The spool: accepted as a whole or not at all, removed as a whole, read back after anything."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from xrayscan.service.record import Record, now
from xrayscan.service.spool import Spool


def accepted(spool: Spool, name: str = "0412.tif") -> Record:
    folder = spool.incoming()
    (folder / "input" / "scan.tif").write_bytes(b"II*")
    record = Record(folder.name, name, "scan.tif", None, 3, "", now())
    spool.accept(record)
    return record


def test_what_was_accepted_is_there_after_a_restart(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    first, second = accepted(spool, "a"), accepted(spool, "b")
    spool.write(replace(first, state="screened", finished_at=now(), priority="low", score=0.1))
    told = Spool(tmp_path).records()
    assert [(one.name, one.state) for one in told] == [("a", "screened"), ("b", "waiting")]
    assert told[1] == second
    assert (spool.input(second.id) / "scan.tif").read_bytes() == b"II*"


def test_half_an_upload_and_half_a_removal_are_cleared(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    (spool.incoming() / "input" / "scan").write_bytes(b"II")
    record = accepted(spool)
    (tmp_path / "scans" / record.id / "record.json").unlink()
    assert Spool(tmp_path).records() == []
    assert not list((tmp_path / "incoming").iterdir())
    assert not list((tmp_path / "scans").iterdir())


def test_a_record_that_is_damaged_is_told_and_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool(tmp_path)
    record = accepted(spool)
    (tmp_path / "scans" / record.id / "record.json").write_text("[1]")
    (tmp_path / "scans" / "lost+found").mkdir()
    with caplog.at_level(logging.ERROR):
        assert spool.records() == []
    assert "a record is a JSON object, this is a list" in caplog.text
    assert "cannot be read as a scan's record; it is left as it is" in caplog.text
    assert (spool.input(record.id) / "scan.tif").exists()


@pytest.mark.parametrize("scan", ["", "..", "../../etc", "A" * 32, "0" * 31, "0" * 32 + "\n", f"{'0' * 32}/.."])
def test_only_ids_of_ours_lead_to_a_record(tmp_path: Path, scan: str) -> None:
    assert Spool(tmp_path).read(scan) is None


def test_the_spool_is_for_its_user_only_and_ids_differ(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    assert (tmp_path / "spool").stat().st_mode & 0o077 == 0
    assert len({spool.incoming().name for _ in range(20)}) == 20


def test_sizes_are_counted_and_removals_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    record = accepted(spool)
    before = spool.size(record.id)
    spool.clear_input(record.id)
    assert before - spool.size(record.id) == 3
    spool.remove(record.id)
    assert (spool.size(record.id), spool.read(record.id)) == (0, None)


def test_what_others_put_beside_uploads_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = Spool(tmp_path).incoming()
    (tmp_path / "incoming" / "lane3").mkdir()
    (tmp_path / "incoming" / "lane3" / "0412.tif").write_bytes(b"II*")
    with caplog.at_level(logging.ERROR):
        assert Spool(tmp_path).records() == []
    assert (tmp_path / "incoming" / "lane3" / "0412.tif").read_bytes() == b"II*"
    assert not own.exists()
    assert "lane3 is no upload of this service, it stays as it is" in caplog.text
