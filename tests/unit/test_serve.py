"""A role with what it cannot work with: one clear message, and it ends."""

import subprocess
import sys
from pathlib import Path


def test_recognition_without_its_model_says_so_and_ends(tmp_path: Path) -> None:
    settings = tmp_path / "liandong.toml"
    settings.write_text(
        f'[switch]\nport = 1\n[speech]\nmodel_dir = "{tmp_path}/none"\n'
        f'[ledger]\nurl = "sqlite+aiosqlite:///{tmp_path}/ledger.sqlite3"\n'
        f'[journal]\ndirectory = "{tmp_path}/journal"\n'
        '[redis]\nurl = "redis://127.0.0.1:1/0"\n[api]\nport = 0\n',
        "utf-8",
    )
    ended = subprocess.run(
        [sys.executable, "-m", "gateway", "recognise", "--config", str(settings)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Not EX_CONFIG, which would stop call control too: calls go on without transcripts.
    assert ended.returncode == 1
    assert ended.stderr.count("no speech model at") == 1
    assert "Traceback" not in ended.stderr
