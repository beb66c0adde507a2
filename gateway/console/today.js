// Today's connection rate by centre, for those who may see figures.

import { get } from "./api.js";
import { byId, el, fill, show } from "./dom.js";
import { state, watch } from "./store.js";
import { centreName, withCode } from "./words.js";

const EVERY_MS = 60_000;
const AFTER_END_MS = 1500;
/** The log of a call is written a moment after its end. */
const BUT = [["abandoned", "放弃"], ["gave_up", "等候中挂机"], ["returned", "退回"], ["lost", "掉线"]];

const percent = (rate) => (rate === null ? "—" : `${(rate * 100).toFixed(1)}%`);

function line(figures, within) {
  const but = BUT.filter(([name]) => figures[name]).map(([name, word]) =>
    el("span", { class: name === "lost" ? "error" : "" }, `${word} ${figures[name]}`),
  );
  return el(
    "li",
    { title: `${within} 秒内接听 ${percent(figures.in_time_rate)}` },
    el("span", {}, withCode(figures.centre, centreName(state.setup, figures.centre))),
    el("strong", {}, percent(figures.connection_rate)),
    el("span", { class: "dim but" }, but),
    el("span", { class: "dim" }, `${figures.answered}/${figures.offered}`),
  );
}

const may = () => Boolean(state.me?.rights.includes("figures"));

async function load() {
  if (!may()) return;
  // A figure that is late is no reason to disturb anyone.
  const found = await get("/figures").catch(() => null);
  if (!found || !may()) return;
  const centres = found.figures.filter((one) => one.centre);
  fill(byId("today-lines"), centres.map((one) => line(one, found.answer_within_s)));
  show(byId("today-none"), centres.length === 0);
}

let ended = "";
watch(["calls"], ({ calls }) => {
  const now = calls.filter((call) => call.ended_at).map((call) => call.id).join();
  if (now !== ended) setTimeout(load, AFTER_END_MS);
  ended = now;
});
function start() {
  show(byId("today"), may());
  load();
}
watch(["me"], start);
setInterval(load, EVERY_MS);
start();
