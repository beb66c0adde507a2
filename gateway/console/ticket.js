// Whether the order system has the ticket, and which revision of it.

import { byId, el, fill } from "./dom.js";
import { watch } from "./store.js";
import { PHASE, TICKET } from "./words.js";

watch(["call"], ({ call }) => {
  const ticket = call?.ticket;
  if (!ticket) {
    fill(byId("ticket"), el("p", { class: "empty" }, call ? "尚未生成" : ""));
    return;
  }
  fill(
    byId("ticket"),
    el(
      "p",
      { class: "ticket-line" },
      el("span", { class: `chip ticket-${ticket.state}` }, TICKET[ticket.state]),
      el("strong", {}, `第 ${ticket.revision} 版 · ${PHASE[ticket.phase] ?? ticket.phase}`),
      ticket.attempts > 1 ? el("span", { class: "dim" }, `已尝试 ${ticket.attempts} 次`) : null,
    ),
    el("p", { class: "dim ticket-id", title: ticket.id }, `编号 ${ticket.id}`),
    ticket.error ? el("p", { class: "error" }, ticket.error) : null,
  );
});
