"""The default stream of random numbers: one for the process, whoever draws from it."""

import threading

import subgrad as sg
from subgrad import nn
from subgrad.ops import random


def drawn_in_threads(n, draws):
    found = [[] for _ in range(n)]

    def work(mine):
        mine.extend(tuple(nn.Linear(2, 1).weight.numpy()[0]) for _ in range(draws))

    threads = [threading.Thread(target=work, args=[mine]) for mine in found]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return found


def test_no_two_threads_draw_the_same():
    sg.manual_seed(3)
    found = [weight for mine in drawn_in_threads(4, 10) for weight in mine]
    assert len(set(found)) == 40
    sg.manual_seed(3)
    assert {tuple(nn.Linear(2, 1).weight.numpy()[0]) for _ in range(40)} == set(found)


def test_the_seed_holds_in_threads_that_start_later_and_that_are_there():
    sg.manual_seed(3)
    (first,), again = drawn_in_threads(1, 5), []
    thread = threading.Thread(target=sg.manual_seed, args=[3])
    thread.start()
    thread.join()
    again.extend(tuple(nn.Linear(2, 1).weight.numpy()[0]) for _ in range(5))
    assert again == first


def test_a_stream_of_its_own_leaves_the_default_one_where_it_is():
    sg.manual_seed(1)
    a, b = random.next_seed(), random.next_seed()
    sg.manual_seed(1)
    assert random.next_seed() == a
    with random.stream(7):
        assert random.next_seed() == (7, 1)
        sg.manual_seed(1)
        assert random.next_seed() == (7, 2)
    assert (random.next_seed(), random.next_seed()) == (a, b)
