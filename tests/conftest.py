"""What every test may count on: a home folder of its own, slow tests on request, card tests only with a card."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

# Several processes run the tests, and share the cores: one thread each, which also makes sums the same everywhere.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests that take minutes as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="takes minutes; run with `python3 run.py test --slow`")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(skip)
    for_card = [item for item in items if item.get_closest_marker("gpu")]
    if for_card and not _has_card():
        for item in for_card:
            item.add_marker(pytest.mark.skip(reason="NO CUDA CARD HERE: what this test proves stays unproven"))


def _has_card() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session", autouse=True)
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's settings, token and jobs out of the tests, and the tests out of them."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("DROPKEY_")}
    for name in ours.keys() - {"DROPKEY_PLATES", "DROPKEY_BLENDER_PYTHON"}:
        del os.environ[name]
    os.environ["DROPKEY_HOME"] = str(tmp_path_factory.mktemp("home"))
    yield
    del os.environ["DROPKEY_HOME"]
    os.environ.update(ours)
