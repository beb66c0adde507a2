// A sound when a call becomes an emergency: the operator may be looking elsewhere.

import { watch } from "./store.js";

const known = new Set();
let audio = null;

/** Two short tones. Browsers allow sound only after the first click or key on the page. */
function ring() {
  audio ??= new AudioContext();
  for (const [at, hertz] of [[0, 880], [0.25, 660]]) {
    const tone = new OscillatorNode(audio, { frequency: hertz });
    const loudness = new GainNode(audio, { gain: 0.2 });
    tone.connect(loudness).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + 0.18);
  }
  document.documentElement.dataset.alarms = String(Number(document.documentElement.dataset.alarms ?? 0) + 1);
}

watch(["calls"], ({ calls }) => {
  const now = calls.filter((call) => !call.ended_at && (call.danger || call.urgency === "emergency"));
  const fresh = now.filter((call) => !known.has(call.id));
  for (const call of fresh) known.add(call.id);
  if (fresh.length) ring();
});
