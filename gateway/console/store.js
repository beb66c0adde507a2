// What the page knows. Panels subscribe to the parts they show.

export const state = {
  me: null,
  setup: null,
  classes: [],
  connection: "retrying",
  calls: [],
  selected: "",
  call: null,
  verbs: null,
  suggestion: null,
  revealed: {},
};

const watchers = [];

/** Call `render` whenever one of `keys` is updated. */
export function watch(keys, render) {
  watchers.push({ keys, render });
}

export function update(changes) {
  Object.assign(state, changes);
  const changed = Object.keys(changes);
  for (const { keys, render } of watchers) {
    if (keys.some((key) => changed.includes(key))) render(state);
  }
}

/** The reader's own live leg on the selected call. */
export function ownLeg() {
  const { call, me } = state;
  return call?.legs.find((leg) => me?.agent && leg.agent === me.agent && !leg.ended_at) ?? null;
}

/** Who is on a leg, in a few words. */
export function speaker(call, legId) {
  if (!call) return { name: "…", kind: "unknown" };
  const leg = call.legs.find((found) => found.id === legId);
  if (!leg) return { name: "未知", kind: "unknown" };
  if (leg.role === "caller") return { name: "来电人", kind: "caller" };
  const own = leg.centre === call.centre;
  return { name: `${leg.centre} ${leg.agent_name || leg.extension}`, kind: own ? "agent" : "target" };
}
