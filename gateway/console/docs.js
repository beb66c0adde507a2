// The API's description, read from openapi.json: works without the internet, needs a log-in.

import { get } from "./api.js";
import { byId, el, fill, grouped } from "./dom.js";

const nameOf = (schema) => schema?.$ref?.split("/").at(-1);

function operation({ method, path, route }) {
  return el(
    "details",
    { id: route.operationId },
    el(
      "summary",
      {},
      el("code", { class: "method" }, method.toUpperCase()),
      el("code", {}, path),
      el("span", { class: "dim" }, ` — ${route.summary}`),
    ),
    el("p", { class: "text" }, route.description ?? ""),
    list("Parameters", (route.parameters ?? []).map(parameter)),
    list("Body", [schemaName(route.requestBody?.content?.["application/json"]?.schema)]),
    list("Answers", Object.entries(route.responses).map(answer)),
  );
}

function parameter({ name, in: where, required, description }) {
  return [el("code", {}, name), ` (${where}${required ? ", required" : ""}) ${description ?? ""}`];
}

function answer([status, { description, content }]) {
  const schema = Object.values(content ?? {}).find((one) => one.schema)?.schema;
  return [el("code", {}, status), ` ${description} `, schemaName(schema)];
}

function schemaName(schema) {
  const name = nameOf(schema) ?? nameOf(schema?.items);
  return name ? el("a", { href: `#schema-${name}` }, schema.items ? `list of ${name}` : name) : null;
}

function list(title, items) {
  const present = items.filter(Boolean);
  return present.length ? [el("strong", {}, title), el("ul", {}, present.map((item) => el("li", {}, item)))] : null;
}

function schemaBox([name, schema]) {
  return el(
    "details",
    { id: `schema-${name}` },
    el("summary", {}, el("code", {}, name)),
    el("pre", {}, el("code", {}, JSON.stringify(schema, null, 2))),
  );
}

function openTarget() {
  const target = byId(location.hash.slice(1));
  if (target) target.open = true;
}

async function start() {
  const docs = await get("/openapi.json");
  const operations = Object.entries(docs.paths).flatMap(([path, routes]) =>
    Object.entries(routes).map(([method, route]) => ({ method, path, route })),
  );
  const byTag = grouped(operations, ({ route }) => route.tags[0]);
  fill(
    byId("docs"),
    el("p", { class: "intro" }, docs.info.description),
    docs.tags.map(({ name, description }) => [
      el("h2", {}, name, " ", el("span", { class: "dim" }, description)),
      (byTag.get(name) ?? []).map(operation),
    ]).flat(),
    el("h2", {}, "schemas"),
    Object.entries(docs.components.schemas).map(schemaBox),
  );
  openTarget();
}

addEventListener("hashchange", openTarget);
start().catch((error) =>
  fill(byId("docs"), el("p", { class: "error" }, error.status === 401 ? "Log in first (请先登录)." : `Not available: ${error.slug ?? error}`)),
);
