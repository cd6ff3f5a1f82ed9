"""Whatever the order of publishing, a night has one current publication and no current one expires."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from warehouse.engines import Publication
from warehouse.publication_register import Register

START = datetime(2020, 6, 1, 18, 30, tzinfo=UTC)
NIGHTS = st.integers(0, 4).map(lambda days: date(2020, 6, 1) + timedelta(days=days))


def registered(acts: list[tuple[date, int]]) -> Register:
    """Publications of nights, each so many days after the one before."""
    register, now = Register(), START
    for night, days in acts:
        now += timedelta(days=days)
        made = Publication(register.next_id(night), night, now, "run", "0", "c", 1, 0, 0)
        register = Register((*register.publications, made))
    return register


ACTS = st.lists(st.tuples(NIGHTS, st.integers(0, 40)), max_size=12)


@given(ACTS)
def test_ids_are_never_used_twice_and_the_last_of_a_night_is_current(acts: list[tuple[date, int]]) -> None:
    register = registered(acts)
    ids = [made.publication_id for made in register.publications]
    assert len(set(ids)) == len(ids)
    for night, current in register.current().items():
        places = [made for made in register.publications if made.as_of == night]
        assert current == places[-1]
        assert current.publication_id == f"{night}.{len(places)}"
    newest = register.newest()
    assert (newest.as_of if newest else None) == max((night for night, _ in acts), default=None)


@given(ACTS, st.integers(1, 60), st.integers(0, 500))
def test_what_expires_was_superseded_long_enough_ago(
    acts: list[tuple[date, int]], kept_days: int, later: int
) -> None:
    register, now = registered(acts), START + timedelta(days=later)
    expired = set(register.expired(kept_days, now))
    for made in register.publications:
        after = register.publications[register.publications.index(made) + 1 :]
        successor = next((other for other in after if other.as_of == made.as_of), None)
        due = successor is not None and now - successor.published_at >= timedelta(days=kept_days)
        assert (made.publication_id in expired) == due


@given(ACTS)
def test_the_register_survives_its_table(acts: list[tuple[date, int]]) -> None:
    register = registered(acts)
    assert Register.from_frame(register.frame()) == register


def test_ids_on_disk_that_the_register_forgot_are_not_used_again() -> None:
    night = date(2020, 6, 1)
    assert registered([(night, 0)]).next_id(night, {"2020-06-01.10", "2020-06-02.99"}) == "2020-06-01.11"
