// The desk: logs in, listens, loads what changed and lets the panels show it.

import { get, post, remove, serverNow } from "./api.js";
import { byId, notice, show } from "./dom.js";
import { Live } from "./live.js";
import { state, update, watch } from "./store.js";
import { CONNECTION, duration, problemText, ROLE, withCode } from "./words.js";
import "./alarm.js";
import "./calls_list.js";
import "./call_head.js";
import "./ownership.js";
import "./suggestion.js";
import "./ticket.js";
import "./verbs.js";
import * as transcript from "./transcript.js";

const REFRESH_MS = 60;
const POLL_MS = 3000;
const ONLY_WORDS = new Set(["utterance.partial", "utterance.heard", "speech.gap", "speech.closed"]);

const live = new Live({
  onReload: () => loadAll(),
  onEvent: takeEvent,
  onState: (connection) => update({ connection }),
  onRefused: () => get("/session").catch(toLogin),
});

function takeEvent({ call, kind, data }) {
  transcript.EVENTS[kind]?.(data);
  if (ONLY_WORDS.has(kind)) return;
  soon("calls", loadCalls);
  if (call === state.selected) soon("call", loadSelected);
}

const waiting = {};

/** Load once for a burst of events. */
function soon(name, load) {
  waiting[name] ??= setTimeout(() => {
    delete waiting[name];
    load();
  }, REFRESH_MS);
}

async function loadAll() {
  await loadCalls();
  await loadSelected();
}

async function loadCalls() {
  try {
    update({ calls: await get("/calls") });
  } catch (error) {
    failed(error);
    return;
  }
  const shown = state.calls.find((call) => call.id === state.selected);
  const newest = state.calls.filter((call) => !call.ended_at).at(-1);
  // Never away from a call that goes on; an ended one gives way to the next.
  if (newest && (!shown || shown.ended_at)) select(newest.id);
  else if (!shown && state.calls.length) select(state.calls.at(-1).id);
}

function select(id) {
  if (id === state.selected) return;
  update({ selected: id, call: null, verbs: null, suggestion: null });
  transcript.clear();
  loadSelected();
}

async function loadSelected() {
  const id = state.selected;
  if (!id) return;
  const path = `/calls/${encodeURIComponent(id)}`;
  try {
    const [call, verbs, suggestion, said] = await Promise.all([
      get(path),
      get(`${path}/verbs`).catch(noVerbs),
      get(`${path}/suggestion`),
      get(`${path}/transcript`),
    ]);
    if (id !== state.selected) return;
    update({ call, verbs, suggestion });
    transcript.load(said);
  } catch (error) {
    failed(error);
  }
}

/** A call that is only in the record has no verbs any more. */
function noVerbs(error) {
  if (error.slug === "call-not-found") return { may_act: false, verbs: [] };
  throw error;
}

function failed(error) {
  if (error.status === 401) toLogin();
  else if (error.slug !== "network" && error.slug !== "call-not-found") notice(problemText(error.slug));
}

function toLogin() {
  live.close();
  update({ me: null, calls: [], selected: "", call: null, verbs: null, suggestion: null, revealed: {} });
  transcript.clear();
  show(byId("desk"), false);
  show(byId("login"), true);
  byId("token").focus();
}

async function start(me) {
  const [setup, classes] = await Promise.all([get("/links"), get("/classes")]);
  update({ me, setup, classes: classes.classes });
  show(byId("login"), false);
  show(byId("desk"), true);
  if (me.rights.includes("calls.own") || me.rights.includes("calls.all")) live.open();
  else notice("此角色不能查看通话");
}

async function logIn(event) {
  event.preventDefault();
  const field = byId("token");
  byId("login-error").textContent = "";
  try {
    const me = await post("/session", { token: field.value });
    field.value = "";
    await start(me);
  } catch (error) {
    byId("login-error").textContent = problemText(error.slug ?? "network");
    field.select();
  }
}

async function logOut() {
  await remove("/session").catch(() => null);
  toLogin();
}

watch(["me", "connection"], ({ me, connection }) => {
  const chip = byId("connection");
  show(chip, Boolean(me));
  chip.textContent = CONNECTION[connection];
  chip.dataset.state = connection;
  show(byId("me"), Boolean(me));
  show(byId("log-out"), Boolean(me));
  show(byId("docs-link"), Boolean(me));
  byId("me").textContent = me ? `${ROLE[me.role]} ${me.agent || me.name}` : "";
});

watch(["setup"], ({ setup }) => {
  byId("centres").textContent = setup.centres.map((centre) => withCode(centre.code, centre.name)).join(" ⇄ ");
});

function tick() {
  const now = serverNow();
  byId("clock").textContent = new Date(now).toLocaleTimeString("zh-CN", { hour12: false });
  for (const timer of document.querySelectorAll("[data-since]")) {
    const until = timer.dataset.until ? Date.parse(timer.dataset.until) : now;
    timer.textContent = duration((until - Date.parse(timer.dataset.since)) / 1000);
  }
}

watch(["calls", "call"], tick);
setInterval(tick, 1000);
// Without the stream the page still follows, a little behind.
setInterval(() => state.me && state.connection === "retrying" && loadAll(), POLL_MS);
byId("login-form").addEventListener("submit", logIn);
byId("log-out").addEventListener("click", logOut);
document.addEventListener("liandong:select", (event) => select(event.detail));
document.addEventListener("liandong:tick", tick);
document.addEventListener("liandong:refresh", () => loadSelected());
get("/session").then(start, toLogin);
