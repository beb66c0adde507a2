"""How long and how fast the acoustic network learns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn; all in steps of one batch."""

    steps: int = 3600
    second_phase: int = 2000
    """From here the words of the second recorded speaker are used as well."""
    batch: int = 16
    peak: float = 2.5e-3
    warm_up: int = 200
    flat: float = 0.4
    """Share of the steps before the rate begins to fall, in a line, to a hundredth."""
    save_every: int = 100
    watch_every: int = 200
    seed: int = 1

    def rate(self, step: int) -> float:
        """Return the learning rate of `step`."""
        rise = min(1.0, (step + 1) / self.warm_up)
        done = step / self.steps
        fall = 1.0 if done < self.flat else max(0.01, (1 - done) / (1 - self.flat))
        return self.peak * rise * fall

    def people(self, step: int) -> tuple[str, ...]:
        """Return which recorded speakers are learnt from at `step`."""
        return ("syllables",) if step < self.second_phase else ("syllables", "words")
