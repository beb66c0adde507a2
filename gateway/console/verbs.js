// The verbs, with the phone keys that do the same; enabled only while they are legal.

import { post, postOnce } from "./api.js";
import { byId, el, fill, notice } from "./dom.js";
import { ownLeg, state, watch } from "./store.js";
import { centreName, problemText } from "./words.js";

let sending = false;

async function ask({ verb, target }) {
  const path = `/calls/${encodeURIComponent(state.selected)}`;
  sending = true;
  render();
  try {
    if (verb === "danger") await post(`${path}/danger`, { danger: !state.call.danger });
    else if (verb === "drop") await post(`${path}/drop`, { leg_id: target });
    else if (verb === "back" || verb === "release" || verb === "join") await post(`${path}/${verb}`);
    else await postOnce(`${path}/transfers`, { target, kind: verb === "transfer" ? "one_key" : verb });
  } catch (error) {
    notice(problemText(error.slug));
  }
  sending = false;
  document.dispatchEvent(new CustomEvent("liandong:refresh"));
}

/** All verbs this desk has, legal now or not, so that buttons never jump about. */
function offered() {
  const { setup, call } = state;
  const centre = ownLeg()?.centre ?? call.centre;
  const links = setup.links.filter((link) => link.source === centre);
  return [
    ...links.map((link) => ({ verb: "transfer", target: link.target, key: link.key, name: `转接 ${link.target}`, title: `${centreName(setup, link.target)}接听后您可离开` })),
    ...links.map((link) => ({ verb: "three_way", target: link.target, key: setup.keys.three_way, name: `三方 ${link.target}`, title: "来电人、您和对方一起通话" })),
    ...links.map((link) => ({ verb: "consult", target: link.target, key: link.consult_key, name: `咨询 ${link.target}`, title: "先与对方单独通话，来电人听音乐等待" })),
    { verb: "join", target: "", key: setup.keys.three_way, name: "三方合并", title: "结束咨询，来电人、您和对方一起通话" },
    { verb: "back", target: "", key: setup.keys.back, name: "返回来电人", title: "挂断对方，继续与来电人通话" },
    { verb: "release", target: "", key: setup.keys.release, name: "离开通话", title: "来电人与对方继续通话" },
    ...droppable().map((leg) => ({ verb: "drop", target: leg.id, key: keyOf("drop", leg.id), name: `请离 ${leg.agent_name || leg.centre}`, title: "挂断这一方，您与来电人继续通话" })),
    call.danger
      ? { verb: "danger", target: "", key: "", name: "取消危险标记", title: "情况已不紧急" }
      : { verb: "danger", target: "", key: "", name: "标记危险", title: "转接 110 时排在队首，话机以特别铃声提示" },
  ];
}

/** Parties that this desk could let go now: buttons of theirs come and go with them. */
const droppable = () =>
  state.call.legs.filter((leg) => leg.id !== ownLeg()?.id && state.verbs.verbs.some((legal) => legal.verb === "drop" && legal.target === leg.id));

const keyOf = (verb, target) =>
  state.verbs.verbs.find((legal) => legal.verb === verb && legal.target === target)?.key ?? "";

const isLegal = (offer) =>
  state.verbs.may_act &&
  (offer.verb === "danger" ? !state.call.ended_at : isOffered(offer));

const isOffered = (offer) =>
  state.verbs.verbs.some((legal) => legal.verb === offer.verb && (!legal.target || legal.target === offer.target));

function render() {
  const { call, verbs, setup } = state;
  if (!call || !verbs || !setup) {
    fill(byId("verbs"));
    byId("verbs-note").textContent = "";
    return;
  }
  fill(
    byId("verbs"),
    offered().map((offer) =>
      el(
        "button",
        {
          type: "button",
          id: `verb-${offer.verb}${offer.target}`,
          class: `verb ${offer.verb}`,
          title: offer.title,
          disabled: !isLegal(offer) || sending,
          onclick: () => ask(offer),
        },
        el("span", {}, offer.name),
        offer.key ? el("kbd", { "aria-label": `话机按键 ${offer.key}` }, offer.key) : null,
      ),
    ),
  );
  byId("verbs-note").textContent = noteFor(call, verbs);
}

function noteFor(call, verbs) {
  if (call.ended_at) return "通话已结束";
  if (verbs.may_act) return "也可在话机上按所示按键";
  return state.me?.role === "operator" ? "您的坐席不在这个通话上" : "仅查看：由通话中的坐席操作";
}

watch(["call", "verbs", "setup"], render);
