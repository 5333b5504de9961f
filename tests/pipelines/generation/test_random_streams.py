from __future__ import annotations

import itertools

import numpy as np

from pipelines.generation.random_streams import Stream, random_stream


def test_a_stream_is_the_same_each_time() -> None:
    np.testing.assert_array_equal(*(random_stream(7, 1, Stream.POSE).normal(size=5) for _ in range(2)))


def test_seeds_takes_and_purposes_have_streams_of_their_own() -> None:
    first = [random_stream(seed, take, stream).random() for seed, take, stream in itertools.product((0, 1, 2**40), (0, 1, 2), Stream)]

    assert len(set(first)) == len(first)


def test_results_do_not_change_from_version_to_version() -> None:
    assert random_stream(7, 1, Stream.EXPRESSION).integers(1000, size=4).tolist() == [686, 386, 350, 202]
