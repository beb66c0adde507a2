// The selected call: caller, who is on it, how its transfer stands, and danger above all.

import { post } from "./api.js";
import { byId, el, fill, notice, show } from "./dom.js";
import { speaker, state, update, watch } from "./store.js";
import { centreName, clockTime, CONSULT_PATH, END, FAILED, KIND, LEG, NEXT_PLACE, problemText, REASON, STATUS, TRANSFER, TRANSFER_PATH } from "./words.js";

async function reveal(call) {
  try {
    const { caller_number } = await post(`/calls/${encodeURIComponent(call.id)}/reveal`);
    update({ revealed: { ...state.revealed, [call.id]: caller_number } });
  } catch (error) {
    notice(problemText(error.slug));
  }
}

function callerLine(call, revealed) {
  const status = STATUS[call.message_status];
  return el(
    "div",
    { class: "caller-line" },
    el("h2", { class: "number" }, revealed ?? (call.caller_number || "号码未知")),
    call.may_reveal && call.caller_number && !revealed
      ? el("button", { type: "button", id: "reveal", class: "quiet", title: "查看完整号码，将记入审计", onclick: () => reveal(call) }, "显示号码")
      : null,
    status ? el("span", { class: "chip drill" }, status) : null,
    el("span", { class: "dim" }, `拨打 ${call.called_number || call.centre} · ${clockTime(call.started_at)} 来电`),
    el("span", { class: "spacer" }),
    call.ended_at ? el("span", { class: "chip" }, `已结束：${END[call.end_reason] ?? call.end_reason}`) : null,
    el("span", { class: "timer big", "data-since": call.started_at, "data-until": call.ended_at, title: "通话时长" }),
  );
}

function legCard(call, leg, setup) {
  const { name, kind } = speaker(call, leg.id);
  const caller = leg.role === "caller";
  const under = caller ? "市民" : `${centreName(setup, leg.centre)} 分机 ${leg.extension || "—"}`;
  return el(
    "li",
    { class: `leg ${kind} ${leg.state}` },
    el("span", { class: "leg-name" }, caller ? name : leg.agent_name || leg.agent || leg.extension),
    el("span", { class: "leg-centre" }, caller ? "" : leg.centre),
    el("span", { class: "dim leg-under" }, under),
    el("span", { class: "leg-state" }, LEG[leg.state]),
    el("span", { class: "timer", "data-since": leg.answered_at ?? leg.added_at, "data-until": leg.ended_at }),
  );
}

function progress(transfers) {
  const latest = transfers.at(-1);
  if (!latest) return el("p", { class: "dim no-transfer" }, "尚未转接");
  const PATH = latest.kind === "consult" ? CONSULT_PATH : TRANSFER_PATH;
  const times = new Map(latest.steps.map((step) => [step.state, step]));
  const last = latest.steps.at(-1);
  const furthest = Math.max(...latest.steps.map((step) => PATH.indexOf(step.state)));
  const failed = FAILED.has(last.state);
  // A step that was passed over (no briefing apart) is not shown as done, nor as still to come.
  const path = PATH.filter((name, at) => times.has(name) || (!failed && at > furthest));
  const called = (name) => (name === "requested" && times.get(name)?.reason ? NEXT_PLACE : TRANSFER[name]);
  const steps = path.map((name) => step(called(name), times.get(name), name === last.state, ""));
  if (failed) steps.push(step(TRANSFER[last.state], last, true, "failed"));
  return el(
    "div",
    { class: "transfer" },
    el("span", { class: "transfer-title" }, `${transfers.length > 1 ? `第${transfers.length}次 ` : ""}${KIND[latest.kind]} ${latest.source} → ${latest.target}`),
    el("ol", { class: "steps", "aria-label": "转接进度" }, steps),
  );
}

function step(name, done, current, more) {
  const reason = done?.reason ? `（${REASON[done.reason] ?? done.reason}）` : "";
  return el(
    "li",
    { class: `${done ? "done" : ""} ${current ? "current" : ""} ${more}`, "aria-current": current ? "step" : null },
    el("span", { class: "step-name" }, name + reason),
    el("span", { class: "step-at" }, clockTime(done?.at)),
  );
}

watch(["call", "selected", "setup", "revealed"], ({ call, selected, setup, revealed }) => {
  const head = byId("head");
  if (!call) {
    fill(head, el("p", { class: "empty" }, selected ? "正在读取…" : "请选择一个通话"));
    return;
  }
  const legs = [...call.legs.filter((leg) => !leg.ended_at), ...call.legs.filter((leg) => leg.ended_at)];
  fill(
    head,
    callerLine(call, revealed[call.id]),
    el("ul", { class: "legs", "aria-label": "在线各方" }, legs.map((leg) => legCard(call, leg, setup))),
    progress(call.transfers),
  );
});

watch(["suggestion", "call"], ({ suggestion, call }) => {
  const made = suggestion?.suggestion;
  const danger = (call?.danger || made?.urgency === "emergency") && call && !call.ended_at;
  const banner = byId("emergency");
  show(banner, danger);
  const said = call?.danger ? "坐席已标记危险：" : "特急：可能";
  const text = danger ? `${said}危及人身、财产或公共安全，应由 110 先行处置` : "";
  if (banner.textContent !== text) banner.textContent = text;
});
