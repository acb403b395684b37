import pytest

from evalsvc.metrics import wilson

# Newcombe 1998, table I, method 3; and R's prop.test(correct=FALSE).
KNOWN = ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718), (29, 29, 0.8830, 1.0))


@pytest.mark.parametrize(("successes", "n", "low", "high"), KNOWN)
def test_wilson_gives_the_published_intervals(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_never_leaves_zero_to_one_nor_its_own_share() -> None:
    for n in range(1, 60):
        for successes in range(n + 1):
            low, high = wilson(successes, n)
            assert 0 <= low <= successes / n <= high <= 1
            assert low < high


def test_more_confidence_is_a_wider_interval() -> None:
    (low90, high90), (low95, high95), (low99, high99) = (wilson(30, 100, confidence) for confidence in (0.9, 0.95, 0.99))
    assert low99 < low95 < low90 < high90 < high95 < high99


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_what_is_no_proportion_is_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        wilson(successes, n)
