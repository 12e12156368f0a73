"""The collector is paused for a while, and never left off."""

import gc

import pytest

from core.common.memory import collector_paused


def test_the_collector_is_on_again_whatever_happens():
    with pytest.raises(ValueError, match="wrong"), collector_paused():
        assert not gc.isenabled()
        raise ValueError("wrong")
    assert gc.isenabled()


def test_one_that_was_off_stays_off():
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
