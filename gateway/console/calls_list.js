// The list of calls: emergencies on top, then newest first, ended ones below.

import { byId, el, fill, show } from "./dom.js";
import { watch } from "./store.js";
import { STATUS, TICKET, TRANSFER, URGENCY } from "./words.js";

const isEmergency = (call) => call.danger || call.urgency === "emergency";

const select = (id) => document.dispatchEvent(new CustomEvent("liandong:select", { detail: id }));

function card(call, selected) {
  const emergency = isEmergency(call) && !call.ended_at;
  const button = el(
    "button",
    {
      type: "button",
      id: `call-${call.id}`,
      class: `call ${emergency ? "is-emergency" : ""} ${call.ended_at ? "is-ended" : ""}`,
      "aria-current": call.id === selected ? "true" : null,
      onclick: () => select(call.id),
    },
    el(
      "span",
      { class: "call-top" },
      el("strong", {}, call.caller_number || "号码未知"),
      el("span", { class: "timer", "data-since": call.started_at, "data-until": call.ended_at }),
    ),
    el("span", { class: "call-who" }, `${call.centre || "—"} · ${call.agents.join("、") || (call.ended_at ? "已结束" : "等待接听")}`),
    el("span", { class: "chips" }, chips(call)),
  );
  return el("li", {}, button);
}

function chips(call) {
  const found = [];
  if (STATUS[call.message_status]) found.push(el("span", { class: "chip drill" }, STATUS[call.message_status]));
  if (call.urgency && call.urgency !== "normal") {
    found.push(el("span", { class: `chip ${call.urgency}` }, URGENCY[call.urgency]));
  }
  if (call.designation_asked) found.push(el("span", { class: "chip urgent" }, "待指定"));
  if (call.transfer_state) found.push(el("span", { class: "chip" }, TRANSFER[call.transfer_state]));
  if (call.ticket_state === "dead" || call.ticket_state === "retrying") {
    found.push(el("span", { class: `chip ticket-${call.ticket_state}` }, `工单${TICKET[call.ticket_state]}`));
  }
  return found;
}

watch(["calls", "selected"], ({ calls, selected }) => {
  const going = calls
    .filter((call) => !call.ended_at)
    .reverse()
    .sort((one, other) => isEmergency(other) - isEmergency(one));
  const ended = calls.filter((call) => call.ended_at).reverse();
  fill(byId("calls"), [...going, ...ended].map((call) => card(call, selected)));
  byId("calls-count").textContent = going.length ? `${going.length} 路进行中` : "";
  show(byId("calls-empty"), calls.length === 0);
  const emergency = going.some(isEmergency);
  document.title = `${emergency ? "【特急】" : ""}联动坐席台`;
});
