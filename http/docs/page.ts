import type { OpenApiDocument, Operation } from "../openapi/operation.ts";
import { type Html, html } from "./html.ts";
import { type Place, renderOperation } from "./operation.ts";

/** The document as one page, readable without its script; the script sends what is typed into the forms. */
export function renderPage(document: OpenApiDocument): string {
  const { info, tags } = document;
  const groups = tags.map((tag) => ({ ...tag, places: placesOf(document, tag.name) }));
  const links = groups.map(({ name, places }) => html`<details open><summary>${name}</summary><ul>${places.map(link)}</ul></details>`);
  const sections = groups.map(
    ({ name, description, places }) =>
      html`<section><h2>${name}</h2><p>${description}.</p>${places.map((place) => renderOperation(document, place))}</section>`,
  );
  return whole(
    html`<header><h1>${info.title} <small>API ${info.version}</small></h1>
<p>${info.description}</p>
<form class="key"><label>Key<input type="password" name="key" autocomplete="off" placeholder="${keyHint(document)}"></label>
<a href="/openapi.json">openapi.json</a></form></header>
<div class="columns"><nav aria-label="Contents"><details class="menu" open><summary>Contents</summary>${links}</details></nav><main>${sections}</main></div>`,
  );
}

/** A page that asks for a key and shows the other one when it is right. */
export function renderKeyPage(): string {
  return whole(html`<main class="door"><h1>Switchboard</h1>
<form class="open"><p>These pages need a key of role viewer. It stays in this page.</p>
<label>Key<input type="password" name="key" autocomplete="off" required autofocus></label>
<button type="submit">Open</button><output></output></form>
<noscript><p>Without scripts: <code>curl -H "authorization: Bearer $SWITCHBOARD_KEY"</code> and this address with <code>/openapi.json</code>.</p></noscript></main>`);
}

function keyHint({ security }: OpenApiDocument): string {
  return security.some((each) => Object.keys(each).length === 0) ? "none needed on this machine" : "needed for every request";
}

function placesOf({ paths }: OpenApiDocument, tag: string): Place[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    (Object.entries(item) as [string, Operation][])
      .filter(([, { tags }]) => tags[0] === tag)
      .map(([method, operation]) => ({ method, path, operation })),
  );
}

function link({ operation }: Place): Html {
  return html`<li><a href="#${operation.operationId}">${operation.operationId}</a></li>`;
}

function whole(content: Html): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Switchboard API</title><link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/page.css"><script src="/docs/page.js" defer></script></head>
<body>${content}</body></html>
`.html;
}
