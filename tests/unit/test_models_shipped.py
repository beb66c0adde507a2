"""The model that lies in this repository is whole, and what its manifest says."""

from gateway.speech.models.home import shipped_dir
from gateway.speech.models.layout import troubles
from gateway.speech.models.manifest import manifest_troubles
from gateway.speech.models.registry import DEMO


def test_the_shipped_model_is_whole() -> None:
    model = shipped_dir() / DEMO
    assert model.is_dir()
    assert troubles(model, thorough=True) == []
    assert manifest_troubles(model) == []
    size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
    assert size <= 25_000_000
