from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradecall.errors import ModelError
from tradecall.places import Places, city_key, find_state, state_names


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    folder = tmp_path_factory.mktemp("places")
    Places.build().save(folder)
    return Places.load(folder)


def test_zip_area_tells_city_state_and_area_codes(places: Places) -> None:
    area = places.zip_area("90210")
    assert area is not None
    assert (area.city, area.state, area.is_standard) == ("Beverly Hills", "CA", True)
    assert "310" in area.area_codes


@pytest.mark.parametrize("code", ["00000", "9021", "90210-1234", ""], ids=repr)
def test_zip_area_is_none_for_what_is_no_zip_in_use(places: Places, code: str) -> None:
    assert places.zip_area(code) is None
    assert not places.is_zip(code)


@pytest.mark.parametrize(
    ("given_facts", "fits"),
    [
        pytest.param({"city": "Beverly Hills"}, True, id="its-city"),
        pytest.param({"city": "beverly hills", "state": "ca"}, True, id="any-case"),
        pytest.param({"city": "Boston"}, False, id="another-city"),
        pytest.param({"state": "MA"}, False, id="another-state"),
        pytest.param({"area_code": "310"}, True, id="its-area-code"),
        pytest.param({"area_code": "617"}, False, id="another-area-code"),
        pytest.param({}, True, id="nothing-to-disagree-with"),
    ],
)
def test_fits_needs_everything_that_is_given_to_agree(
    places: Places, given_facts: dict[str, str], fits: bool
) -> None:
    assert places.fits("90210", **given_facts) is fits


def test_an_unknown_zip_fits_nothing(places: Places) -> None:
    assert not places.fits("00000")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        pytest.param("springfield please", "Springfield", id="one-word"),
        pytest.param("new york", "New York", id="two-words"),
        pytest.param("st louis missouri", "Saint Louis", id="st-is-saint"),
        pytest.param("ft worth", "Fort Worth", id="ft-is-fort"),
        pytest.param("mcconnells", "Mc Connells", id="mc-in-one-word"),
        pytest.param("salt lake city utah", "Salt Lake City", id="longest"),
        pytest.param("o'fallon", "O Fallon", id="apostrophe"),
        pytest.param("qwertyville", None, id="unknown"),
    ],
)
def test_find_cities_gives_the_longest_name_there(
    places: Places, words: str, name: str | None
) -> None:
    found = places.find_cities(words.split())
    assert (found.name if found else None) == name


def test_states_of_city_lists_every_state_with_the_name(places: Places) -> None:
    assert {"IL", "MO", "MA"} <= places.states_of_city("springfield")
    assert places.states_of_city("qwertyville") == frozenset()


def test_states_of_area_code(places: Places) -> None:
    assert places.states_of_area_code("617") == {"MA"}
    assert places.states_of_area_code("000") == frozenset()


@pytest.mark.parametrize(
    ("words", "code", "length"),
    [
        pytest.param("new jersey", "NJ", 2, id="two-words"),
        pytest.param("ohio", "OH", 1, id="one-word"),
        pytest.param("west virginia is", "WV", 2, id="not-virginia"),
        pytest.param("p a", "PA", 2, id="spelled"),
        pytest.param("d c", "DC", 2, id="district"),
        pytest.param("mass", "MA", 1, id="short"),
        pytest.param("new shoes", None, 0, id="none"),
    ],
)
def test_find_state_reads_names_and_abbreviations(
    words: str, code: str | None, length: int
) -> None:
    found = find_state(words.split())
    assert (found.code if found else None) == code
    assert (found.last if found else 0) == length


def test_state_names_covers_the_states_and_the_district() -> None:
    names = state_names()
    assert names["TX"] == "texas"
    assert len([code for code in names if code not in ("PR", "VI", "GU")]) == 51


def test_the_same_tables_give_the_same_bytes(places: Places, tmp_path: Path) -> None:
    places.save(tmp_path / "once")
    places.save(tmp_path / "twice")
    first, second = (next((tmp_path / name).iterdir()) for name in ("once", "twice"))
    assert first.read_bytes() == second.read_bytes()
    assert first.stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"no archive", id="damaged"),
        pytest.param(gzip.compress(b"tradecall places 0\n\nx\ty"), id="another-layout"),
    ],
)
def test_load_refuses_a_bad_file(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "places.txt.gz").write_bytes(content)
    with pytest.raises(ModelError):
        Places.load(tmp_path)


@given(st.text())
def test_city_key_is_stable(name: str) -> None:
    assert city_key(city_key(name)) == city_key(name)
