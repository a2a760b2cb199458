"""The wires of a keypad: rows that never fight, columns that tell, and pins that are let go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

from fakes.wires import COLUMNS, ROWS, Wires
from kazasu.errors import OutputError, PinBusy
from kazasu.keypads.wires import GpioMatrix
from kazasu.model.cue import Channel
from kazasu.outputs.gpio import GpioOutput, Header, Pin

ONE, FOUR, FIVE = (0, 0), (1, 0), (1, 1)


def floats(wires: Wires) -> bool:
    return all(wires.pin(number).function == "input" for number in ROWS)


def test_it_says_which_keys_are_down() -> None:
    wires = Wires()
    matrix = GpioMatrix(ROWS, COLUMNS, Header(wires))
    wires.set_down({ONE, FIVE})
    assert matrix.scan() == {ONE, FIVE}
    matrix.close()


def test_whoever_watches_is_told_of_each_press_and_sees_whether_a_key_is_down() -> None:
    wires, told = Wires(), []
    matrix = GpioMatrix(ROWS, COLUMNS, Header(wires))
    with matrix.watch(lambda: told.append("touched")) as any_down:
        assert not any_down()
        wires.set_down({FIVE})
        assert (any_down(), told) == (True, ["touched"])
        wires.set_down(set())
        assert (any_down(), told) == (False, ["touched"])
    wires.set_down({ONE})
    matrix.scan()
    assert told == ["touched"]
    matrix.close()


def test_two_rows_are_never_driven_against_each_other() -> None:
    wires = Wires()
    matrix = GpioMatrix(ROWS, COLUMNS, Header(wires))
    wires.set_down({ONE, FOUR})
    matrix.scan()
    assert floats(wires)
    with matrix.watch(lambda: None):
        assert all(wires.pin(number).state == 0 for number in ROWS)
    assert floats(wires)
    matrix.close()
    assert not wires.fought


def test_its_pins_are_claimed_and_let_go() -> None:
    header = Header(Wires())
    matrix = GpioMatrix(ROWS, COLUMNS, header)
    with pytest.raises(OutputError, match="GPIO12 is used for row 1 of the keypad and for the output red"):
        GpioOutput({Channel.RED: Pin(number=12)}, header)
    matrix.close()
    GpioMatrix(ROWS, COLUMNS, header).close()


def test_pins_that_another_program_has_are_told_apart() -> None:
    class TakenPin(MockPin):  # type: ignore[misc]  # gpiozero ships no type information
        def __init__(self, factory: MockFactory, info: object) -> None:
            raise Exception("'GPIO busy'")  # noqa: TRY002  (as lgpio does)

    with pytest.raises(PinBusy, match=r"^GPIO12 cannot be used for row 1 of the keypad: 'GPIO busy'"):
        GpioMatrix(ROWS, COLUMNS, Header(MockFactory(pin_class=TakenPin)))


def test_through_lgpio_a_row_is_never_high_and_columns_are_watched_until_it_is_closed() -> None:
    program = """if True:
        import gpiozero.pins.local, lgpio
        from kazasu.keypads.wires import GpioMatrix
        from kazasu.outputs.gpio import Header

        gpiozero.pins.local.get_pi_revision = lambda: 0x902120  # a Zero 2 W, wherever the test runs
        header = Header()
        matrix = GpioMatrix((12, 16), (6, 13), header)
        with matrix.watch(lambda: None) as any_down:
            print(any_down(), *lgpio.driven)
        print(*matrix.scan(), *lgpio.driven[2:])
        print(*sorted(lgpio.watched))
        matrix.close()
        print(*sorted(lgpio.watched))
        header.close()
    """
    chip = Path(__file__).parents[2] / "fakes" / "chip"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(chip)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "False (12, 0) (16, 0)\n(12, 0) (16, 0)\n6 13\n\n"
