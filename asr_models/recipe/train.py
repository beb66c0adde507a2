"""Train the acoustic network; stops cleanly on Ctrl-C or SIGTERM and resumes where it was."""

import random
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader

from asr_models.recipe import clips, watch
from asr_models.recipe.average import Average
from asr_models.recipe.batches import Batch, Batches, stock
from asr_models.recipe.errors import RecipeError
from asr_models.recipe.loss import batch_loss
from asr_models.recipe.network import Tdnn
from asr_models.recipe.paths import Paths
from asr_models.recipe.plan import Plan
from asr_models.recipe.progress import bar


class Trainer:
    """The network, its running average, the optimiser, and the step it is at."""

    def __init__(self, paths: Paths, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        random.seed(plan.seed)
        self.plan, self.step = plan, 0
        self.clips, self.folder = paths.sub("clips"), paths.sub("train")
        self.net = Tdnn()
        self.average = Average(self.net)
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=1e-3, weight_decay=0.01)
        self._stopping = threading.Event()

    def run(self) -> bool:
        """Train to the end, True; or until told to stop, False."""
        self._resume()
        sets = watch.sets(self.clips)
        with _signals(self._stopping), bar("train", self.plan.steps) as tick:
            tick(steps=self.step)
            while self.step < self.plan.steps and not self._stopping.is_set():
                try:
                    for loss in self._phase():
                        tick(f"loss {loss:.3f}")
                        if self.step % self.plan.watch_every == 0:
                            self._watch(sets)
                except RuntimeError:
                    # A signal to the whole process group ends the loader before us.
                    if not self._stopping.is_set():
                        raise
        self._save()
        return self.step >= self.plan.steps

    def _phase(self) -> Iterator[float]:
        """Train to the end of the phase the step is in; yields the smoothed loss."""
        plan, phase = self.plan, self.plan.phase(self.step)
        held = stock(self.clips, phase.people, phase.recorded)
        batches = Batches(held, plan.batch, plan.seed)
        if self.step == 0:
            self._normalise([batches[i] for i in range(3)])
        loader = DataLoader(
            batches,
            batch_size=None,
            sampler=range(self.step, phase.end),
            num_workers=1,
            prefetch_factor=6,
            generator=torch.Generator(),  # a restart must not use up the drop-out's numbers
        )
        smooth = 0.0
        for batch in loader:
            loss = self._learn(batch)
            smooth = loss if smooth == 0.0 else 0.98 * smooth + 0.02 * loss
            self.step += 1
            if self.step % plan.save_every == 0:
                self._save()
            yield smooth
            if self._stopping.is_set():
                return
        if phase is plan.phases[0]:
            torch.save(self.average.state(), self.folder / "phase1.pt")

    def _learn(self, batch: Batch) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate(self.step)
        self.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            log_probs = self.net(batch.features)
        loss = batch_loss(log_probs, batch.windows, batch.silent)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.average.add(self.net, self.step)
        return float(loss.detach())

    def _normalise(self, batches: list[Batch]) -> None:
        every = torch.cat([batch.features.reshape(-1, 40) for batch in batches])
        self.net.mean.copy_(every.mean(0))
        self.net.scale.copy_(1 / (every.std(0) + 1e-3))

    def _watch(self, sets: list[watch.Set]) -> None:
        net = self.average.network()
        with torch.no_grad():
            found = [f"{held.name} {watch.unit_error(net, held):.3f}" for held in sets]
        with (self.folder / "watch.log").open("a", encoding="utf-8") as log:
            log.write(f"step {self.step}: {', '.join(found)}\n")

    def _save(self) -> None:
        state = {
            "step": self.step,
            "clips": clips.fingerprint(self.clips),
            "net": self.net.state_dict(),
            "average": self.average.state(),
            "optimiser": self.optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }
        path = self.folder / "last.pt"
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def _resume(self) -> None:
        path = self.folder / "last.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["clips"] != clips.fingerprint(self.clips):
            raise RecipeError(
                f"{path} was trained on other clips; remove {self.folder} to train anew"
            )
        self.step = int(state["step"])
        self.net.load_state_dict(state["net"])
        self.average.load(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])


@contextmanager
def _signals(stopping: threading.Event) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the training after the current step."""
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda *_: stopping.set()) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def averaged(path: Path) -> Tdnn:
    """Return the averaged network of a checkpoint: `last.pt`, or `phase1.pt`."""
    state = torch.load(path, weights_only=True)
    net = Tdnn()
    net.load_state_dict(state.get("average", state))
    return net.eval()
