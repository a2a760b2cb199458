"""What is made of a line that somebody typed."""

from __future__ import annotations

import pytest

from kazasu.cli.setup.question import NONE, Answer, Form, Question


@pytest.mark.parametrize(
    ("form", "typed", "answer"),
    [
        (Form.TEXT, "17", "17"),
        (Form.TEXT, "none", "none"),
        (Form.NUMBER, "17", 17),
        (Form.NUMBER, "017", 17),
        (Form.NUMBER, "-1", "-1"),
        (Form.NUMBER, "\uff11\uff17", "\uff11\uff17"),
        (Form.NUMBER, "", ""),
        (Form.YES_NO, "Y", True),
        (Form.YES_NO, "はい", True),
        (Form.YES_NO, "false", False),
        (Form.YES_NO, "いいえ", False),
        (Form.YES_NO, "perhaps", "perhaps"),
        (Form.LIST, "05:00-12:00, 13:00-14:00", ["05:00-12:00", "13:00-14:00"]),
        (Form.LIST, '"the first.pem" second.pem', ["the first.pem", "second.pem"]),
        (Form.LIST, "hanako's.pem", ["hanako's.pem"]),
        (Form.LIST, "", []),
    ],
)
def test_what_looks_like_an_answer_becomes_one_and_the_rest_stays_text(form: Form, typed: str, answer: Answer) -> None:
    read = Question("key", "", "", form).read(typed)
    assert (read, type(read)) == (answer, type(answer))


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("a", "alternate"), ("BUT", "button"), ("schedule", "schedule"), ("x", "x"), ("s", "s"), ("", "")],
)
def test_a_beginning_that_fits_one_option_only_is_that_option(typed: str, answer: str) -> None:
    options = ("alternate", "button", "schedule", "shift")
    assert Question("direction", "", "", options=options).read(typed) == answer


def test_none_is_an_answer_where_the_question_says_so() -> None:
    assert Question("in", "", "", Form.LIST, or_none=True).read("None") == NONE
    assert Question("in", "", "", Form.LIST).read("None") == ["None"]
