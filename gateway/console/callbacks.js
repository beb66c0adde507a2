// Callers who have gone while nobody had them: take one, call back, say what came of it.

import { get, post } from "./api.js";
import { byId, el, fill, notice, show } from "./dom.js";
import { state, watch } from "./store.js";
import { CALLBACK, clockTime, OUTCOME, platformText, problemText, STATUS } from "./words.js";

const EVERY_MS = 15_000;
const AFTER_EVENT_MS = 800;
/** The record has a task a moment after the caller has gone. */
const numbers = new Map();
let sending = false;

const may = () => Boolean(state.me?.rights.includes("callbacks.read"));
const path = (task, verb) => `/callbacks/${encodeURIComponent(task.number)}/${verb}`;

async function ask(task, verb, body) {
  sending = true;
  try {
    const said = await post(path(task, verb), body);
    if (verb === "reveal") numbers.set(task.number, said.caller_number);
  } catch (error) {
    notice(problemText(error.slug));
  }
  sending = false;
  await load();
}

function act(task, verb, text, title, body) {
  const id = `callback-${verb}${body?.outcome ?? ""}-${task.number}`;
  const attributes = { type: "button", id, class: "quiet", title, disabled: sending };
  return el("button", { ...attributes, onclick: () => ask(task, verb, body) }, text);
}

function actions(task) {
  const taken = task.state === "taken";
  return [
    task.may_take ? act(task, "take", taken ? "接管" : "领取", taken ? `由 ${task.taken_by} 领取` : "由您回拨") : null,
    task.may_reveal && !numbers.has(task.number) ? act(task, "reveal", "显示号码", "查看完整号码，将记入审计") : null,
    ...(task.mine ? Object.entries(OUTCOME).map(([outcome, text]) => act(task, "done", text, "结束这个回拨任务", { outcome })) : []),
  ];
}

function row(task) {
  const about = [task.item_name || (task.platform ? platformText(state.setup, task.platform) : ""), task.last_words];
  return el(
    "li",
    { class: `callback ${task.danger ? "is-emergency" : ""}` },
    el(
      "span",
      { class: "call-top" },
      el("strong", {}, numbers.get(task.number) ?? (task.caller_number || "号码未知")),
      el("span", { class: "timer", "data-since": task.due_at, title: `${clockTime(task.due_at)} 挂断` }),
    ),
    el("span", { class: "dim callback-number" }, task.number),
    el("span", {}, `${CALLBACK[task.why]}${task.target ? `（${task.target}）` : ""}`),
    ...about.filter(Boolean).map((text) => el("span", { class: "dim callback-about", title: text }, text)),
    el(
      "span",
      { class: "chips" },
      task.danger ? el("span", { class: "chip emergency" }, "危险") : null,
      STATUS[task.message_status] ? el("span", { class: "chip drill" }, STATUS[task.message_status]) : null,
      task.state === "taken" ? el("span", { class: "chip" }, task.mine ? "由您回拨" : `${task.taken_by} 已领取`) : null,
    ),
    el("span", { class: "chips" }, actions(task)),
  );
}

async function load() {
  if (!may()) return;
  // A list that is late is no reason to disturb anyone: it comes again.
  const found = await get("/callbacks").catch(() => null);
  if (!found || !may()) return;
  const tasks = found.callbacks;
  fill(byId("callbacks-list"), tasks.map(row));
  show(byId("callbacks-none"), tasks.length === 0);
  byId("callbacks-count").textContent = tasks.length ? `${tasks.length} 个` : "";
  document.dispatchEvent(new CustomEvent("liandong:tick"));
}

function start() {
  show(byId("callbacks"), may());
  numbers.clear();
  load();
}

let soon = 0;
function later() {
  clearTimeout(soon);
  soon = setTimeout(load, AFTER_EVENT_MS);
}

watch(["me"], start);
watch(["calls"], later);
setInterval(load, EVERY_MS);
start();
