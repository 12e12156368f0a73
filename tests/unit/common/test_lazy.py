import threading

from core.common.lazy import lazy


class Slow:
    """Two objects, whose values are computed at once."""

    both = threading.Barrier(2, timeout=10)

    def __init__(self, number):
        self.number = number
        self.asked = 0

    @lazy
    def value(self):
        """How it is made."""
        self.asked += 1
        self.both.wait()
        return self.number * 10


def test_threads_do_not_wait_for_one_another():
    slow = [Slow(1), Slow(2)]
    threads = [threading.Thread(target=lambda one=one: one.value) for one in slow]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # A second time they are not computed, or would wait for ever
    assert [one.value for one in slow] == [10, 20]
    assert [one.asked for one in slow] == [1, 1]


def test_the_class_knows_it_by_its_own_words():
    assert Slow.value.__doc__ == "How it is made."
