// Whose call it is when it goes to and fro: a supervisor designates, or the three settle it.

import { post } from "./api.js";
import { byId, el, fill, notice, show } from "./dom.js";
import { state, watch } from "./store.js";
import { centreName, OWNER, problemText, withCode } from "./words.js";

let sending = false;

async function say(what, body) {
  sending = true;
  render(state);
  try {
    await post(`/calls/${encodeURIComponent(state.selected)}/${what}`, body);
  } catch (error) {
    notice(problemText(error.slug));
  }
  sending = false;
  document.dispatchEvent(new CustomEvent("liandong:refresh"));
}

const button = (id, text, title, act) =>
  el("button", { type: "button", id, title, disabled: sending, onclick: act }, text);

const named = (code) => withCode(code, centreName(state.setup, code));

/** The centres that calls can be handed on from: lines outside accept nothing. */
const centres = () => [...new Set(state.setup.links.map((link) => link.source))];

function asked({ designation, may_designate }) {
  const text = `第 ${designation.hop} 次移交 ${designation.source} → ${designation.target}：须由督导指定受理单位，来电人仍由当前坐席接待`;
  const choices = centres().map((code) =>
    button(`designate-${code}`, `指定 ${named(code)}`, "由该单位受理，可再次转接", () => say("designation", { centre: code })),
  );
  return [el("span", {}, text), may_designate ? choices : null];
}

function settling() {
  const choices = centres().map((code) =>
    button(`settle-${code}`, `${code} 受理`, `三方商定由${named(code)}受理`, () => say("ownership", { centre: code })),
  );
  const none = button("settle-none", "未达成一致", "由首接单位受理", () => say("ownership", {}));
  return [el("span", {}, "三方协商结果"), choices, none];
}

function owner({ owner: said, handovers }) {
  const by = said?.by ? `（${said.by}）` : "";
  return [
    said ? el("span", {}, `受理单位：${named(said.centre)} · ${OWNER[said.how]}${by}`) : null,
    handovers > 1 ? el("span", { class: "dim" }, `已移交 ${handovers} 次`) : null,
  ];
}

function render({ call, verbs, setup }) {
  const panel = byId("ownership");
  const live = call && !call.ended_at;
  const asks = Boolean(live && call.designation);
  const settles = Boolean(live && call.unsettled && verbs?.may_act);
  show(panel, Boolean(call && setup && (asks || settles || call.owner || call.handovers > 1)));
  if (panel.hidden) return fill(panel);
  panel.classList.toggle("asks", asks);
  return fill(panel, ...(asks ? asked(call) : settles ? settling() : owner(call)).filter(Boolean));
}

watch(["call", "verbs", "setup"], render);
