"""A fixture for pytest: a VM for each test that asks for one.

    @pytest.mark.banger_vm(memory="2G", egress="none")
    def test_make(banger_vm):
        banger_vm.run(["make", "test"])
"""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from . import Client, Vm


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "banger_vm(**options): the options of banger.vm for the fixture banger_vm")


@pytest.fixture(scope="session")
def banger_client() -> Client:
    """The client of the VMs of `banger_vm`. A project may replace it by a fixture of the same name."""
    return Client()


@pytest.fixture
def banger_vm(request: pytest.FixtureRequest, banger_client: Client) -> Iterator[Vm]:
    """A fresh VM, which is deleted after the test. The mark `banger_vm` has its options."""
    mark = request.node.get_closest_marker("banger_vm")
    with banger_client.vm(**(mark.kwargs if mark else {})) as vm:
        yield vm
