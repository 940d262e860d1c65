"""Records: drawn from seeds, written and read back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.simulate.lane import VAN
from xrayscan.errors import RecipeError
from xrayscan.simulate.body import POSTURES
from xrayscan.simulate.delivery import DELIVERIES
from xrayscan.simulate.record import KINDS, STREAMS, Choices, Record, check_names, check_pitch, draw_record
from xrayscan.simulate.scanner import PRESETS


class TestDrawing:
    def test_the_same_seed_gives_the_same_record(self):
        assert draw_record(7, "person") == draw_record(7, "person") == draw_record((7,), "person")
        assert draw_record(7) != draw_record(8)
        assert draw_record((7, 1)) != draw_record((7, 2))

    def test_numpy_seeds_are_numbers_too(self):
        assert draw_record(np.int64(7)) == draw_record(7)
        assert draw_record(tuple(np.arange(3))) == draw_record((0, 1, 2))

    def test_kind_and_choices_leave_scanner_and_delivery_as_they_were(self):
        plain = draw_record(5)
        for kind in KINDS:
            other = draw_record(5, kind, choices=VAN)
            assert (other.scanner, other.delivery, other.mirrored) == (plain.scanner, plain.delivery, plain.mirrored)

    @pytest.mark.parametrize("delivery", DELIVERIES)
    def test_a_delivery_is_as_asked_and_a_picture_states_no_pitch(self, delivery):
        record = draw_record(3, delivery=delivery)
        assert record.delivery.delivery == delivery
        assert record.states_pitch == (delivery != "display")

    @pytest.mark.parametrize("preset", PRESETS)
    def test_a_preset_is_as_asked(self, preset):
        record = draw_record(3, preset=preset)
        assert record.scanner.endpoints[0] in PRESETS[preset].high

    def test_one_pitch_is_both(self):
        assert draw_record(1, pitch=0.02).pitch == (0.02, 0.02)
        assert draw_record(1, pitch=(0.02, 0.03)).pitch == (0.02, 0.03)
        assert draw_record(1).pitch is None

    def test_vehicles_pass_either_way(self):
        share = np.mean([draw_record(seed).mirrored for seed in range(300)])
        assert 0.4 < share < 0.6

    def test_every_part_has_random_numbers_of_its_own(self):
        record = draw_record((1, 2))
        drawn = {record.rng(stream, attempt).random() for stream in STREAMS for attempt in range(3)}
        assert len(drawn) == 3 * len(STREAMS)
        assert record.rng("load", 1).random() == record.rng("load", 1).random()


class TestWriting:
    @pytest.mark.parametrize("seed", range(12))
    def test_json_brings_it_back(self, seed):
        record = draw_record((seed, 1), KINDS[seed % 5], pitch=(0.01, 0.02) if seed % 2 else None, choices=VAN)
        text = record.to_json()
        assert "\n" not in text
        assert Record.from_json(text) == record

    def test_a_file_brings_it_back(self, tmp_path):
        path = tmp_path / "a.record.json"
        path.write_text(draw_record(1).to_json())
        assert Record.load(path) == draw_record(1)

    @pytest.mark.parametrize(("text", "said"), [
        ("nonsense", "this is no record of a simulated scan: Expecting value"),
        ("[1]", "expected a table"),
        ('{"seed": [1]}', "it has no 'scanner'; a record holds seed, kind, scanner"),
    ])  # fmt: skip
    def test_something_else_is_no_record(self, text, said):
        with pytest.raises(RecipeError, match=said):
            Record.from_json(text)

    @pytest.mark.parametrize(("key", "value", "said"), [
        ("kind", "persons", "no kind of scene 'persons'; known are clean, look-alike"),
        ("seed", [-1], "expected whole numbers of 0 or more"),
        ("seed", 5, "is no record of a simulated scan"),
        ("pitch", [0.01, 0.02, 0.03], "expected 0.0005 to 0.1 m, one number or two"),
        ("color", "red", "unexpected keyword argument 'color'"),
    ])  # fmt: skip
    def test_a_wrong_value_is_told(self, key, value, said):
        table = json.loads(draw_record(1).to_json()) | {key: value}
        with pytest.raises(RecipeError, match=said):
            Record.from_json(json.dumps(table))

    def test_a_file_is_named(self, tmp_path):
        with pytest.raises(RecipeError, match=r"a.record.json: No such file or directory; name a .record.json"):
            Record.load(tmp_path / "a.record.json")
        (tmp_path / "b.record.json").write_bytes(b"\xff\xfe\x00")
        with pytest.raises(RecipeError, match=r"reading the record .*b.record.json: "):
            Record.load(tmp_path / "b.record.json")


class TestErrors:
    def test_seeds(self):
        for wrong in (-1, (3, -1), ()):
            with pytest.raises(RecipeError, match="expected whole numbers of 0 or more"):
                draw_record(wrong)

    def test_kind_and_preset(self):
        with pytest.raises(RecipeError, match="no kind of scene 'people'"):
            draw_record(1, "people")
        with pytest.raises(RecipeError, match="portal"):
            draw_record(1, preset="portal")

    @pytest.mark.parametrize("pitch", [0.0, -0.01, 1.0, float("nan"), (0.01, 5.0), (0.01,)])
    def test_pitch(self, pitch):
        with pytest.raises(RecipeError, match=r"expected 0.0005 to 0.1 m"):
            draw_record(1, pitch=pitch)
        check_pitch("the pitch", None)

    @pytest.mark.parametrize("shares", [(), (0.0, 0.0), (0.5, -0.1), ("a",), 0.5])
    def test_shares_of_persons(self, shares):
        with pytest.raises(RecipeError, match="expected shares of scenes with one, two"):
            Choices(persons=shares)

    def test_names_are_a_list(self):
        with pytest.raises(RecipeError, match="vehicles is 'van'; expected a list of names"):
            Choices(vehicles="van")

    def test_the_nearest_name(self):
        with pytest.raises(RecipeError, match="there is no posture 'siting'; did you mean 'sitting'"):
            check_names("posture", ("siting",), POSTURES)
        with pytest.raises(RecipeError, match="there is no letter 'zzz'; known are a, b"):
            check_names("letter", ("a", "zzz"), ("a", "b"))

    def test_a_record_cannot_be_changed_to_another_kind_in_silence(self):
        with pytest.raises(RecipeError, match="no kind of scene"):
            replace(draw_record(1), kind="none")
