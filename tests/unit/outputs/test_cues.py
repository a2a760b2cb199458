from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

import kazasu.outputs
from kazasu.errors import ConfigurationError
from kazasu.model.cue import OF_DOORS, OF_THE_DESK, OF_THE_KEYPAD, Channel, Cue, CueName, Frame
from kazasu.outputs.cues import DEFAULT_PATH, load, parse
from kazasu.outputs.rhythm import LIGHTS, SOUND, flashes_per_second, rhythm, told_apart

SHIPPED = DEFAULT_PATH.read_text()
ANSWERS = (CueName.GRANTED, CueName.ALREADY_DONE, CueName.DENIED, CueName.RETRY, CueName.BLOCKED, CueName.FAULT)
REPOSITORY = Path(__file__).parents[3]

# On and off by turns, in milliseconds, as somebody sees it who knows no colours, and as somebody hears it.
SEEN = {
    CueName.GRANTED: (1000,),
    CueName.ALREADY_DONE: (300, 250, 300),
    CueName.DENIED: (200, 250, 200, 250, 200),
    CueName.RETRY: (150, 250, 600),
    CueName.BLOCKED: (700, 250, 150, 250, 150),
    CueName.FAULT: (700, 300, 700),
}
HEARD = {
    CueName.GRANTED: (120,),
    CueName.ALREADY_DONE: (120, 430, 120),
    CueName.DENIED: (650,),
    CueName.RETRY: (150, 250, 600),
    CueName.BLOCKED: (700, 250, 150, 250, 150),
    CueName.FAULT: (700, 300, 700),
}


def _changed(old: str, new: str) -> bytes:
    assert SHIPPED.count(old) >= 1
    return SHIPPED.replace(old, new, 1).encode()


def _with(name: str, cue: str) -> bytes:
    """The shipped cues, one of them written anew."""
    head, _, tail = SHIPPED.partition(f"[{name}]")
    return (head + f"[{name}]\n{cue}\n" + "".join(tail.partition("\n\n")[1:])).encode()


def _error(content: bytes) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse(content, "cues.toml")
    return str(caught.value)


# The cues as they are shipped


def test_every_cue_is_there() -> None:
    cues = load()
    assert set(cues) == set(CueName)
    assert all(cue.name is name for name, cue in cues.items())


def test_installers_find_the_same_file_under_config() -> None:
    link = REPOSITORY / "config" / "cues.toml"
    assert link.is_symlink()
    assert link.samefile(DEFAULT_PATH)
    assert DEFAULT_PATH.parent == Path(kazasu.outputs.__file__).parent, "it is part of the package"


@pytest.mark.rule(1)
def test_green_is_lit_only_where_it_is_recorded_and_then_at_once() -> None:
    lit = {name: [Channel.GREEN in frame.on for frame in cue.frames] for name, cue in load().items()}
    assert {name for name, frames in lit.items() if any(frames)} == {CueName.GRANTED, CueName.ALREADY_DONE}
    assert lit[CueName.GRANTED][0]
    assert lit[CueName.ALREADY_DONE][0]


@pytest.mark.rule(11)
def test_no_cue_switches_the_relay() -> None:
    assert not any(Channel.RELAY in frame.on for cue in load().values() for frame in cue.frames)


def test_answers_look_and_sound_as_the_page_for_employees_says() -> None:
    cues = load()
    assert {name: rhythm(cues[name], LIGHTS, repeat=False) for name in ANSWERS} == SEEN
    assert {name: rhythm(cues[name], SOUND, repeat=False) for name in ANSWERS} == HEARD


@pytest.mark.parametrize("channels", [LIGHTS, SOUND], ids=["without colour and sound", "without light"])
def test_answers_are_told_apart_also_when_they_cut_reading_short(channels: frozenset[Channel]) -> None:
    """The blink or tick that an answer interrupts runs into the answer's first pulse."""
    cues = load()
    on_ms = max(rhythm(cues[CueName.READING], channels, repeat=True)[::2])
    cut = [Frame(ms=ms, on=channels) for ms in range(0, on_ms + 1, 10)]
    seen = [
        (name, rhythm(Cue(name=name, frames=(frame, *cues[name].frames)), channels, repeat=False))
        for name in ANSWERS
        for frame in cut
    ]
    for (one, its), (other, others) in itertools.combinations(seen, 2):
        assert one is other or told_apart(its, others), (one, its, other, others)


@pytest.mark.parametrize("channels", [LIGHTS, SOUND], ids=["without colour and sound", "without light"])
def test_answers_are_told_apart_also_when_they_cut_the_wait_for_a_pin_short(channels: frozenset[Channel]) -> None:
    """A key's light is not cut: the answer waits until it is out."""
    cues = load()
    on_ms = max(rhythm(cues[CueName.PIN], channels, repeat=True)[::2])
    seen = [
        (name, rhythm(Cue(name=name, frames=(Frame(ms=ms, on=channels), *cues[name].frames)), channels, repeat=False))
        for name in ANSWERS
        for ms in range(1, on_ms + 1, 10)
    ]
    for (one, its), (other, others) in itertools.combinations(seen, 2):
        assert one is other or told_apart(its, others), (one, its, other, others)


@pytest.mark.parametrize("pause_ms", range(10, 1000, 30))
def test_quick_typing_does_not_flash(pause_ms: int) -> None:
    """A key's cue starts anew with the next key."""
    frames, left_ms = [], pause_ms
    for frame in load()[CueName.KEY].frames:
        if left_ms > 0:
            frames.append(Frame(ms=min(frame.ms, left_ms), on=frame.on))
            left_ms -= frame.ms
    assert flashes_per_second(Cue(name=CueName.KEY, frames=tuple(frames))) <= 3


@pytest.mark.parametrize("later", [OF_THE_KEYPAD, OF_DOORS, OF_THE_DESK])
def test_a_file_from_before_there_were_keypads_doors_or_commands_goes_on_to_work(later: frozenset[CueName]) -> None:
    document = SHIPPED
    for name in later:
        head, _, tail = document.partition(f"[{name.value}]")
        document = head + tail.partition("\n\n")[2]
        assert f"[{name.value}]" not in document
    assert parse(document.encode(), "cues.toml") == load()


def test_no_second_holds_more_than_three_flashes_also_when_reading_is_cut_short() -> None:
    cues = load()
    blinking = [frame.on for frame in cues[CueName.READING].frames for _ in range(frame.ms // 10)]
    for cut, name in itertools.product(range(len(blinking) + 1), ANSWERS):
        frames = [Frame(ms=10, on=on) for on in (*blinking, *blinking[:cut])]
        assert flashes_per_second(Cue(name=name, frames=(*frames, *cues[name].frames))) <= 3, (name, cut)


def test_reading_begins_dark_and_answers_end_dark_so_that_they_stand_out_from_the_steady_light() -> None:
    cues = load()
    for frame in (cues[CueName.READING].frames[0], *(cues[name].frames[-1] for name in ANSWERS)):
        assert frame.on.isdisjoint(LIGHTS)
        assert frame.ms >= 250


def test_only_what_stands_repeats_so_that_no_answer_sounds_for_ever() -> None:
    assert {name for name, cue in load().items() if cue.repeat} == {CueName.READING, CueName.READY, *OF_DOORS}


def test_resting_in_order_is_silent_and_static() -> None:
    (frame,) = load()[CueName.READY].frames
    assert Channel.BUZZER not in frame.on


# Cues that somebody wrote


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[ready", "cues.toml: not TOML: "),
        (b"\xff", "cues.toml: not TOML: "),
        (b"a = " + b"9" * 5000, "cues.toml: not TOML: "),
        (b"a = " + b"[" * 30_000, "cues.toml: not TOML: "),
        (b"#" * 70_000, "cues.toml: larger than 65536 bytes"),
        (b"", "cues.toml: missing: ready, reading, granted, already_done, denied, retry, fault;"),
        (_changed("[fault]", "[falt]"), "cues.toml: no cue is called 'falt'; did you mean fault?"),
        (_changed("[fault]", "[zzz]"), "cues.toml: no cue is called 'zzz'; there are: ready, reading,"),
        (b"ready = 1\n" + _changed("[ready]", "[readyy]"), "cues.toml: no cue is called 'readyy'; did you mean ready?"),
        (_changed("\nrepeat", "\nrepaet"), "cues.toml: ready: no key is called 'repaet'; did you mean repeat?"),
        (_changed("\nrepeat = true", "\nrepeat = 1"), "cues.toml: ready: repeat has to be true or false, not 1"),
        (_with("ready", ""), "cues.toml: ready: frames has to be a list of 1 to 64 frames"),
        (_with("ready", "frames = []"), "cues.toml: ready: frames has to be a list"),
        (_with("ready", "frames = 'x'"), "cues.toml: ready: frames has to be a list"),
        (_with("ready", f"frames = [{'{ms=9,on=[]},' * 65}]"), "cues.toml: ready: frames has to be a list"),
        (_with("ready", "frames = [1]"), "cues.toml: ready: frame 1: has to look like {"),
        (
            _changed("{ ms = 110", "{ msec = 110"),
            "cues.toml: reading: frame 3: no key is called 'msec'; did you mean ms?",
        ),
        (
            _changed("ms = 110,", ""),
            "cues.toml: reading: frame 3: ms has to be a whole number from 1 to 60000, not None",
        ),
        (_changed("ms = 110", "ms = 0"), "cues.toml: reading: frame 3: ms has to be"),
        (_changed("ms = 110", "ms = 60001"), "cues.toml: reading: frame 3: ms has to be"),
        (_changed("ms = 110", "ms = 1.5"), "cues.toml: reading: frame 3: ms has to be"),
        (_changed("ms = 110", "ms = true"), "cues.toml: reading: frame 3: ms has to be"),
        (_changed('"red"]', '"rde"]'), "cues.toml: ready: frame 1: no channel is called 'rde'; did you mean red?"),
        (_changed('["red"]', '"red"'), "cues.toml: ready: frame 1: on has to be a list of channels"),
        (_changed('["red"]', "[1]"), "cues.toml: ready: frame 1: on has to be a list of channels"),
        (
            _with("ready", "frames = [{ms=60000,on=['red']},{ms=1,on=['red']}]"),
            "cues.toml: ready: longer than 60000 ms in all",
        ),
        (
            _changed('"red"]', '"green"]'),
            "cues.toml: ready: frame 1: green may be on in already_done and granted only",
        ),
        (
            _changed('["red", "buzzer"]', '["relay"]'),
            "cues.toml: reading: frame 2: relay may be on in granted only",
        ),
        (
            _with("ready", "frames = [{ms=100,on=['red']},{ms=100,on=[]}]\nrepeat = true"),
            "cues.toml: ready: flashes 5 times within a second; more than 3 can cause a seizure",
        ),
        (
            _with("denied", "frames = [{ms=1000,on=['red','buzzer']}]"),
            "cues.toml: granted and denied look alike without colour",
        ),
        (
            _with("denied", "frames = [{ms=100,on=['red','buzzer']},{ms=2000,on=['red']}]"),
            "cues.toml: key and denied sound alike",
        ),
        (
            _with("reading", "frames = [{ms=3000,on=['red']},{ms=100,on=[]}]\nrepeat = true"),
            "cues.toml: ready and reading sound alike",
        ),
        (
            _with("fault", "frames = [{ms=300,on=['red','buzzer']}]"),
            "cues.toml: ready and fault look alike",  # at rest it repeats without a gap
        ),
    ],
)
def test_says_what_is_wrong_where_and_what_was_meant(content: bytes, message: str) -> None:
    assert _error(content).startswith(message)


def test_a_relay_may_answer_a_granted_tap() -> None:
    cues = parse(_changed('["green", "buzzer"]', '["green", "buzzer", "relay"]'), "cues.toml")
    assert Channel.RELAY in cues[CueName.GRANTED].frames[0].on


def test_a_fault_need_not_differ_from_itself_at_rest() -> None:
    cues = parse(_with("fault", "frames = [{ms=2500,on=['red','buzzer']},{ms=2000,on=[]}]"), "cues.toml")
    assert len(cues[CueName.FAULT].frames) == 2


def test_reads_a_file_that_the_installer_names(tmp_path: Path) -> None:
    path = tmp_path / "cues.toml"
    path.write_bytes(_changed("ms = 1000", "ms = 900"))
    assert load(path)[CueName.READY].frames[0].ms == 900


def test_names_the_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(ConfigurationError, match=f"^{path}: cannot be read: "):
            load(path)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(list(Channel)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["frames", "repeat", "ms", "on", "x"]) | st.text(max_size=4), inner, max_size=4
        )
    ),
    max_leaves=20,
)


def _toml(value: object) -> str:
    """TOML of whatever comes; of some things no TOML at all."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key or 'k'} = {_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return str(value).lower() if isinstance(value, bool | int | float) else f'"{value}"'


@given(st.binary(max_size=200))
def test_bytes_that_are_no_cues_are_an_error_and_nothing_else(content: bytes) -> None:
    _error(content)


@given(st.fixed_dictionaries({name.value: _VALUES for name in CueName}))
def test_values_that_are_no_cues_are_an_error_and_nothing_else(document: dict[str, object]) -> None:
    _error("\n".join(f"{name} = {_toml(value)}" for name, value in document.items()).encode())


@given(
    st.sampled_from(list(CueName)),
    st.lists(st.tuples(st.integers(1, 60_000), st.sets(st.sampled_from(list(Channel)))), min_size=1, max_size=64),
    st.booleans(),
)
def test_whatever_one_cue_is_the_whole_is_refused_or_keeps_every_promise(
    name: CueName, frames: list[tuple[int, set[Channel]]], repeat: bool
) -> None:
    text = ", ".join(f"{{ms={ms}, on={[channel.value for channel in on]}}}" for ms, on in frames)
    content = _with(name.value, f"frames = [{text}]\nrepeat = {str(repeat).lower()}")
    assert tomli.loads(content.decode())
    try:
        cues = parse(content, "cues.toml")
    except ConfigurationError:
        return
    assert all(flashes_per_second(cue) <= 3 for cue in cues.values())
    assert len({rhythm(cue, LIGHTS, repeat=cue.repeat) for cue in cues.values()}) == len(cues)
    assert len({rhythm(cue, SOUND, repeat=cue.repeat) for cue in cues.values()}) == len(cues)
