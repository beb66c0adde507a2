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
    else if (verb === "back" || verb === "release") await post(`${path}/${verb}`);
    else await postOnce(`${path}/transfers`, { target, kind: verb === "three_way" ? "three_way" : "one_key" });
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
    { verb: "back", target: "", key: setup.keys.back, name: "返回来电人", title: "挂断对方，继续与来电人通话" },
    { verb: "release", target: "", key: setup.keys.release, name: "离开通话", title: "来电人与对方继续通话" },
    call.danger
      ? { verb: "danger", target: "", key: "", name: "取消危险标记", title: "情况已不紧急" }
      : { verb: "danger", target: "", key: "", name: "标记危险", title: "转接 110 时排在队首，话机以特别铃声提示" },
  ];
}

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
