#!/usr/bin/env bash
# Makes the Mandarin demo model: installs what only that needs, then runs the recipe's stages, which
# resume where they were. About three hours on two cores; arguments name a stage instead.
# Needs root for the system packages, and the package registries.
set -euo pipefail
cd "$(dirname "$0")/.."

has() { command -v "$1" >/dev/null 2>&1; }

wanted=()
has fstconvert || wanted+=(libfst-tools)
compgen -G '/usr/lib/*/fst/*/olabel_lookahead*' >/dev/null || wanted+=(libfst22-plugins-base)
if [ "${#wanted[@]}" -gt 0 ]; then
    has apt-get || { echo "model: install by hand: ${wanted[*]}" >&2; exit 1; }
    apt-get update
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}"
fi

if ! .venv/bin/python -c 'import torch, ai_edge_litert, flatbuffers, jieba, kaldifst' 2>/dev/null; then
    .venv/bin/python -m pip install --constraint constraints.txt --group model
fi

exec .venv/bin/python -m asr_models.recipe "${@:-all}"
