// The transcript by speaker: finals stay, partials are shown lightly until their final comes,
// gaps are marked, and the words behind the suggestion are highlighted where they were said.

import { byId, el, fill, grouped, show } from "./dom.js";
import { speaker, state, watch } from "./store.js";
import { duration } from "./words.js";

const NEAR_END_PX = 60;

let stuck = true; // to the end, until the reader scrolls back
let finals = new Map();
let gaps = new Map();
let partials = new Map();
let rows = new Map();
let partialsFace = "[]";

/** What the stream brings. Partials are kept for every call: a call may be selected mid-word. */
export const EVENTS = {
  "utterance.partial": takePartial,
  "utterance.heard": (heard) => keep(() => takeFinal(heard)),
  "speech.gap": (gap) => keep(() => takeGap(gap)),
  "speech.closed": ({ leg_id }) => keep(() => partials.delete(leg_id)),
  "leg.ended": ({ leg_id }) => keep(() => partials.delete(leg_id)),
};

/** Another call is shown from now on. */
export function clear() {
  [finals, gaps, stuck] = [new Map(), new Map(), true];
  render();
}

/** A snapshot may be older than what the stream has brought since: it adds, and takes nothing. */
export function load(said) {
  keep(() => {
    said.utterances.forEach(takeFinal);
    said.gaps.forEach(takeGap);
    said.closed_legs.forEach((leg) => partials.delete(leg));
  });
}

function keep(change) {
  change();
  render();
}

function takePartial(heard) {
  if (finals.has(heard.utterance_id)) return;
  partials.set(heard.leg_id, heard);
  renderPartials();
}

function takeFinal(heard) {
  if (heard.call_id === undefined || heard.call_id === state.selected) finals.set(heard.utterance_id, heard);
  const partial = partials.get(heard.leg_id);
  if (partial && (partial.utterance_id === heard.utterance_id || partial.start_ms < heard.end_ms)) {
    partials.delete(heard.leg_id);
  }
}

function takeGap(gap) {
  if (gap.call_id === undefined || gap.call_id === state.selected) gaps.set(`${gap.leg_id} ${gap.start_ms}`, gap);
}

function render() {
  const spans = grouped(evidence(), (span) => span.utterance_id);
  const lines = [
    ...[...finals].map(([key, heard]) => ({ key, at: heard.start_ms, legId: heard.leg_id, heard })),
    ...[...gaps].map(([key, gap]) => ({ key, at: gap.start_ms, legId: gap.leg_id, gap })),
  ].sort((one, other) => one.at - other.at);
  const list = byId("transcript");
  const known = new Set(lines.map((line) => line.key));
  for (const [key, row] of rows) if (!known.has(key)) row.node.remove(), rows.delete(key);
  following(() => {
    lines.forEach((line, place) => {
      const marks = spans.get(line.key) ?? [];
      const who = speaker(state.call, line.legId);
      // Rows that are the same are left alone: a screen reader would read them again.
      const face = JSON.stringify([line.heard?.text, marks, who]);
      let row = rows.get(line.key);
      if (row?.face !== face) {
        const node = line.gap ? gapRow(line.gap, who) : heardRow(line.heard, who, marks);
        if (row) row.node.replaceWith(node);
        rows.set(line.key, (row = { node, face }));
      }
      if (list.children[place] !== row.node) list.insertBefore(row.node, list.children[place] ?? null);
    });
    renderPartials();
  });
  show(byId("transcript-empty"), Boolean(state.selected) && !lines.length && !byId("partials").childElementCount);
}

function renderPartials() {
  const spans = grouped(evidence(), (span) => span.utterance_id);
  const shown = [...partials.values()].filter((partial) => partial.text && partial.call_id === state.selected);
  const lines = shown.map((partial) => ({
    partial,
    who: speaker(state.call, partial.leg_id),
    marks: (spans.get(partial.utterance_id) ?? []).filter((span) => stillSaid(partial.text, span)),
  }));
  const face = JSON.stringify(lines);
  if (face !== partialsFace) {
    partialsFace = face;
    const focused = byId("partials").contains(document.activeElement) && document.activeElement.dataset.evidence;
    following(() =>
      fill(
        byId("partials"),
        lines.map(({ partial, who, marks }) => line("partial", partial.start_ms, who, ...highlighted(partial.text, marks), "…")),
      ),
    );
    tip(null); // of a mark that was replaced: the pointer never leaves it
    if (focused) markNamed(focused)?.focus({ preventScroll: true });
  }
  if (lines.length) show(byId("transcript-empty"), false);
}

/** Words of a partial may have changed since the suggestion was made of them. */
const stillSaid = (text, span) => Array.from(text).slice(span.start, span.end).join("") === span.text;

function heardRow(heard, who, spans) {
  return line("heard", heard.start_ms, who, ...highlighted(heard.text, spans));
}

function gapRow(gap, who) {
  const seconds = (gap.end_ms - gap.start_ms) / 1000;
  // Without a length it has begun and is not over: the same gap comes again with one.
  const length = seconds > 0 ? `约 ${seconds.toFixed(1)} 秒未能转写` : "此后暂未转写";
  const why = gap.why === "no capacity" ? "（识别已满）" : "";
  return line("gap", gap.start_ms, who, `〔${length}${why}，请听录音〕`);
}

function line(kind, startMs, who, ...words) {
  return el(
    "li",
    { class: `line ${kind} ${who.kind}` },
    el("span", { class: "at" }, duration(startMs / 1000)),
    el("span", { class: "who" }, who.name),
    el("p", { class: "words" }, words),
  );
}

/** Cut `text` at the spans, which count code points; of overlapping ones the first wins. */
function highlighted(text, spans) {
  const points = Array.from(text);
  const cut = (from, to) => points.slice(from, to).join("");
  const parts = [];
  let done = 0;
  for (const span of [...spans].sort((one, other) => one.start - other.start)) {
    const start = Math.max(span.start, done);
    const end = Math.min(span.end, points.length);
    if (end <= start) continue;
    if (start > done) parts.push(cut(done, start));
    parts.push(markOf(cut(start, end), span));
    done = end;
  }
  if (done < points.length) parts.push(cut(done));
  return parts;
}

function markOf(words, span) {
  return el(
    "mark",
    {
      tabindex: "0",
      "aria-label": `${words}，依据：${span.why}`,
      "data-evidence": evidenceKey(span),
      onmouseenter: (event) => tip(event.target, span.why),
      onmouseleave: () => tip(null),
      onfocus: (event) => tip(event.target, span.why),
      onblur: () => tip(null),
      onkeydown: (event) => event.key === "Escape" && tip(null),
    },
    words,
  );
}

export const evidenceKey = (span) => `${span.utterance_id}:${span.start}:${span.end}`;

const markNamed = (key) =>
  [...document.querySelectorAll("#transcript mark, #partials mark")].find((found) => found.dataset.evidence === key);

/** Bring the words of `span` into view. */
export function point(span) {
  const mark = markNamed(evidenceKey(span));
  mark?.scrollIntoView({ block: "center" });
  mark?.focus({ preventScroll: true });
}

function tip(target, text = "") {
  const box = byId("tip");
  show(box, Boolean(target));
  if (!target) return;
  box.textContent = `依据：${text}`;
  const place = target.getBoundingClientRect();
  box.style.left = `${Math.max(8, Math.min(place.left, innerWidth - box.offsetWidth - 8))}px`;
  box.style.top = `${place.top - box.offsetHeight - 6}px`;
}

function following(change) {
  const before = byId("transcript").childElementCount;
  change();
  if (stuck) toEnd();
  else if (byId("transcript").childElementCount > before) show(byId("to-newest"), true);
}

function toEnd() {
  const box = byId("transcript-scroll");
  box.scrollTop = box.scrollHeight;
}

const evidence = () => state.suggestion?.suggestion?.evidence ?? [];

byId("transcript-scroll").addEventListener("scroll", ({ target: box }) => {
  tip(null);
  stuck = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
  if (stuck) show(byId("to-newest"), false);
});
byId("to-newest").addEventListener("click", toEnd);
new ResizeObserver(() => stuck && toEnd()).observe(byId("transcript-scroll"));
watch(["call", "suggestion"], render);
