import numpy as np

from pipelines.face_model.smoothing import smooth_jointly, whittaker

RNG = np.random.default_rng(0)
SECOND = np.diff(np.eye(40), 2, axis=0)


def test_whittaker_is_the_exact_solution() -> None:
    values, weights = RNG.normal(size=40), RNG.uniform(0.1, 1, 40)
    exact = np.linalg.solve(np.diag(weights) + 3 * SECOND.T @ SECOND, weights * values)
    assert np.allclose(whittaker(values, 3.0, weights), exact, atol=1e-7)


def test_jointly_is_the_exact_solution() -> None:
    information = np.cov(RNG.normal(size=(4, 30)))
    roughness = np.diag([0.0, 1.0, 5.0, 0.2])
    values = RNG.normal(size=(40, 4))
    system = np.kron(np.eye(40), information) + np.kron(SECOND.T @ SECOND, roughness)
    exact = np.linalg.solve(system, (values @ information).reshape(-1)).reshape(40, 4)
    assert np.allclose(smooth_jointly(values, information, roughness, np.ones(40)), exact, atol=1e-6)


def test_directions_without_roughness_are_left_alone() -> None:
    values = RNG.normal(size=(30, 2))
    smooth = smooth_jointly(values, np.eye(2), np.diag([0.0, 50.0]), np.ones(30))
    assert np.allclose(smooth[:, 0], values[:, 0])
    assert np.abs(np.diff(smooth[:, 1], 2)).max() < 0.2 * np.abs(np.diff(values[:, 1], 2)).max()


def test_no_lag_and_no_change_to_straight_lines() -> None:
    line = np.linspace(-3, 5, 50)
    assert np.allclose(whittaker(line, 100.0, np.ones(50)), line)
    values = RNG.normal(size=50)
    assert np.allclose(whittaker(values, 9.0, np.ones(50))[::-1], whittaker(values[::-1], 9.0, np.ones(50)))


def test_gaps_are_bridged() -> None:
    curve = np.sin(np.arange(60) / 8)
    damaged, weights = curve.copy(), np.ones(60)
    damaged[20:25], weights[20:25] = 99.0, 0.0
    assert np.abs(whittaker(damaged, 1.0, weights) - curve).max() < 0.02


def test_short_sequences_stay() -> None:
    values = RNG.normal(size=(2, 3))
    assert np.array_equal(smooth_jointly(values, np.eye(3), np.eye(3), np.ones(2)), values)
