"""The nights that bulletins are made from, and their pages."""

import pytest

from tests.bulletins.cities import cities_input
from tests.bulletins.district import district_input
from tests.bulletins.frames import NightlyInput, Site


@pytest.fixture
def district() -> NightlyInput:
    return district_input()


@pytest.fixture
def cities() -> NightlyInput:
    return cities_input()


@pytest.fixture(scope="session")
def district_site() -> Site:
    return district_input().render_all()


@pytest.fixture(scope="session")
def cities_site() -> Site:
    return cities_input().render_all()
