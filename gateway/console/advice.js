// What an operator would write down: unit, place, facts, what to ask next. Proposals all of them.

import { el } from "./dom.js";
import { state } from "./store.js";
import { platformText } from "./words.js";

const FACT = {
  time: "时间",
  place: "地点",
  phone: "电话",
  casualty: "伤亡",
  weapon: "凶器",
  hazard: "险情",
  plate: "车牌",
  amount: "金额",
  person: "姓名",
};
const SHOWN_FACTS = 8;

/** The proposal's details as rows; those that are not known are left out. */
export function advice(made) {
  return [
    made.title ? el("p", { class: "advice-title", title: made.summary || null }, made.title) : null,
    made.also?.length
      ? el("p", { class: "also" }, "请联动 ", made.also.map((line) => el("span", { class: "chip emergency" }, platformText(state.setup, line))))
      : null,
    el(
      "dl",
      { class: "advice" },
      row("单位", [made.unit, made.assist?.length ? `协办 ${made.assist.join("、")}` : ""].filter(Boolean).join("；")),
      row("地点", [made.district?.path || made.district?.name, made.place].filter(Boolean).join(" · "), areaCode(made.district)),
      row("时限", made.deadline),
      row("类型", made.request_type),
      row("次选", made.runner_up ? className(made.runner_up) : ""),
      facts(made.facts ?? []),
    ),
    made.ask?.length ? el("p", { class: "ask" }, el("strong", {}, "可追问 "), made.ask.join(" ")) : null,
  ];
}

const areaCode = (district) => (district ? `${district.code}（${district.code_system}）` : null);

function className(id) {
  const known = state.classes?.find((entry) => entry.id === id);
  return known ? `${id.startsWith("G-") ? "" : id} ${known.name}`.trim() : id.replace("L-", "");
}

function row(name, text, title = null) {
  return text ? el("div", {}, el("dt", {}, name), el("dd", { title }, text)) : null;
}

function facts(found) {
  const said = found.slice(0, SHOWN_FACTS).map((fact) => el("span", { class: "fact", title: fact.text }, `${FACT[fact.kind] ?? fact.kind} ${fact.value}`));
  return said.length ? el("div", {}, el("dt", {}, "要点"), el("dd", { class: "facts" }, said)) : null;
}
