// A sound when a call becomes an emergency: the operator may be looking elsewhere.

import { byId, show } from "./dom.js";
import { watch } from "./store.js";

const known = new Set();
let audio = null;
let missed = false;

/** Browsers allow sound only after the first click or key on the page. */
async function open() {
  audio ??= new AudioContext();
  await audio.resume();
  show(byId("silent"), false);
  if (missed) ring();
}

/** Two short tones; an alarm that could not sound is made up for as soon as it can. */
function ring() {
  missed = audio?.state !== "running";
  if (missed) return;
  for (const [at, hertz] of [[0, 880], [0.25, 660]]) {
    const tone = new OscillatorNode(audio, { frequency: hertz });
    const loudness = new GainNode(audio, { gain: 0.2 });
    tone.connect(loudness).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + 0.18);
  }
  document.documentElement.dataset.alarms = String(Number(document.documentElement.dataset.alarms ?? 0) + 1);
}

for (const kind of ["click", "keydown"]) addEventListener(kind, open, { once: true, capture: true });

watch(["me"], ({ me }) => show(byId("silent"), Boolean(me) && audio?.state !== "running"));

watch(["calls"], ({ calls }) => {
  const now = calls.filter((call) => !call.ended_at && (call.danger || call.urgency === "emergency"));
  const fresh = now.filter((call) => !known.has(call.id));
  known.clear(); // what was taken back and is said again, sounds again
  for (const call of now) known.add(call.id);
  if (fresh.length) ring();
});
