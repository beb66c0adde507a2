// The suggestion, the words behind it, and a person's decision by click or key.

import { advice } from "./advice.js";
import { post } from "./api.js";
import { byId, el, fill, grouped, notice } from "./dom.js";
import { state, watch } from "./store.js";
import { point } from "./transcript.js";
import { clockTime, DECISION, platformText, problemText, URGENCY } from "./words.js";

const CHOICES = [
  { decision: "accepted", name: "接受", key: "A" },
  { decision: "changed", name: "更改…", key: "C" },
  { decision: "ignored", name: "忽略", key: "I" },
];

let sending = false;

async function decide(decision, more = {}) {
  const made = state.suggestion?.suggestion;
  if (!made || !mayDecide() || sending) return;
  sending = true;
  render();
  try {
    const path = `/calls/${encodeURIComponent(state.selected)}/suggestion/decision`;
    await post(path, { suggestion_id: made.suggestion_id, decision, ...more });
  } catch (error) {
    notice(error.slug === "illegal-verb" ? "建议已更新，请看过新的建议再决定" : problemText(error.slug));
  }
  sending = false;
  document.dispatchEvent(new CustomEvent("liandong:refresh"));
}

function choose(decision) {
  if (!state.suggestion?.suggestion || !mayDecide()) return;
  if (decision === "changed") openChange();
  else decide(decision);
}

const mayDecide = () => Boolean(state.call?.may_act);

function render() {
  const made = state.suggestion?.suggestion;
  const body = byId("suggestion");
  if (!made) {
    fill(body, el("p", { class: "empty" }, state.selected ? "正在听，还没有建议" : ""));
    fill(byId("decide"));
    return;
  }
  const percent = Math.round(made.confidence * 100);
  fill(
    body,
    el(
      "div",
      { class: "proposal" },
      el("strong", { class: "platform" }, platformText(state.setup, made.platform)),
      el("span", { class: `chip ${made.urgency}` }, URGENCY[made.urgency]),
    ),
    el("p", { class: "class" }, className(made), made.sure === false ? el("span", { class: "chip unsure" }, "不确定") : null),
    el(
      "p",
      { class: "confidence" },
      el("label", { for: "confidence" }, "置信度"),
      el("meter", { id: "confidence", min: "0", max: "1", low: "0.5", high: "0.8", optimum: "1", value: String(made.confidence) }, `${percent}%`),
      el("span", {}, `${percent}%`),
    ),
    advice(made),
    el("h3", {}, `依据 ${made.evidence.length} 处`),
    el("ul", { class: "evidence" }, made.evidence.map(evidenceItem)),
  );
  fill(byId("decide"), decided(made) ?? CHOICES.map(button));
}

const className = (made) => (made.item ? `${made.item} ${made.item_name}` : made.item_name || "未定类别");

function evidenceItem(span, at) {
  const id = `evidence-${at}`;
  return el(
    "li",
    {},
    el(
      "button",
      { type: "button", id, title: "在转写中查看", onclick: () => point(span) },
      el("q", {}, span.text),
      el("span", { class: "why" }, span.why),
    ),
  );
}

function decided(made) {
  const decision = state.suggestion.decision;
  if (!decision || decision.suggestion_id !== made.suggestion_id) return null;
  const to = decision.decision === "changed" ? ` → ${platformText(state.setup, decision.platform)} ${decision.item ?? ""}` : "";
  const by = `坐席 ${decision.agent} · ${clockTime(decision.at)}`;
  return el("p", { class: `decided ${decision.decision}` }, el("strong", {}, DECISION[decision.decision] + to), el("span", { class: "dim" }, by));
}

function button({ decision, name, key }) {
  return el(
    "button",
    {
      type: "button",
      id: `decide-${decision}`,
      class: decision === "accepted" ? "primary" : null,
      disabled: !mayDecide() || sending,
      "aria-keyshortcuts": `Alt+${key}`,
      onclick: () => choose(decision),
    },
    name,
    el("kbd", {}, `Alt+${key}`),
  );
}

function openChange() {
  const made = state.suggestion.suggestion;
  const select = byId("change-class");
  const groups = grouped(state.classes, (entry) => entry.platform);
  fill(
    select,
    [...groups].map(([platform, entries]) =>
      el(
        "optgroup",
        { label: platformText(state.setup, platform) },
        entries.map((entry) => el("option", { value: entry.id, selected: entry.id === made.item }, `${entry.id.startsWith("G-") ? "" : entry.id} ${entry.name}`)),
      ),
    ),
  );
  showScope();
  byId("change").showModal();
}

function showScope() {
  const chosen = state.classes.find((entry) => entry.id === byId("change-class").value);
  byId("change-scope").textContent = chosen?.scope ?? "";
}

byId("change-class").addEventListener("change", showScope);
byId("change-cancel").addEventListener("click", () => byId("change").close());
byId("change-form").addEventListener("submit", (event) => {
  event.preventDefault();
  byId("change").close();
  const chosen = state.classes.find((entry) => entry.id === byId("change-class").value);
  if (chosen) decide("changed", { platform: chosen.platform, item: chosen.id });
});
document.addEventListener("keydown", (event) => {
  const choice = CHOICES.find(({ key }) => event.code === `Key${key}`);
  if (!choice || !event.altKey || event.ctrlKey || event.metaKey || byId("change").open) return;
  if (byId(`decide-${choice.decision}`)) {
    event.preventDefault();
    choose(choice.decision);
  }
});
watch(["suggestion", "call", "selected", "setup"], render);
