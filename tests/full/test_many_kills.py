"""The kill tests of every day strike once at a moment of chance; here they strike many times."""

from django.test import tag

from tests.trainer import test_resume

ROUNDS = 8


@tag("full")
class ManyKills(test_resume.KillTests):
    def test_a_run_that_was_killed_ends_with_the_same_weights_bit_for_bit(self) -> None:
        for number in range(ROUNDS):
            with self.subTest(round=number):
                self.setUp()
                super().test_a_run_that_was_killed_ends_with_the_same_weights_bit_for_bit()
