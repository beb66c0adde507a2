"""How long and how fast the acoustic network learns."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A stretch of the training up to step `end`."""

    end: int
    people: tuple[str, ...]
    """Which recorded speakers are learnt from."""
    recorded: float
    """Share of the audio that is recorded, the rest being synthetic."""


@dataclass(frozen=True)
class Plan:
    """All in steps of one batch. The rate rises, holds, falls; a lower slope refines."""

    phases: tuple[Phase, ...] = (
        Phase(2000, ("syllables",), 0.2),
        Phase(3600, ("syllables", "words"), 0.2),
        Phase(4500, ("syllables", "words"), 0.3),
    )
    batch: int = 16
    peak: float = 2.5e-3
    warm_up: int = 200
    flat: float = 0.4
    """Share of the main phases before the rate begins to fall, in a line, to a hundredth."""
    refining: float = 8e-4
    """Rate at the start of the last phase; falls in a line to a hundredth of it."""
    save_every: int = 100
    watch_every: int = 200
    seed: int = 1

    @property
    def steps(self) -> int:
        """Return the length of the training."""
        return self.phases[-1].end

    def phase(self, step: int) -> Phase:
        """Return the phase that `step` is in."""
        return next(phase for phase in self.phases if step < phase.end)

    def rate(self, step: int) -> float:
        """Return the learning rate of `step`."""
        main = self.phases[-2].end
        if step >= main:
            left = (self.steps - step) / (self.steps - main)
            return self.refining * max(0.01, left)
        rise = min(1.0, (step + 1) / self.warm_up)
        done = step / main
        fall = 1.0 if done < self.flat else max(0.01, (1 - done) / (1 - self.flat))
        return self.peak * rise * fall
