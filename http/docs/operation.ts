import type { Example, Media, OpenApiDocument, Operation, Parameter } from "../openapi/operation.ts";
import { curlCommand } from "./curl.ts";
import { type Html, html } from "./html.ts";
import { type FieldRow, fieldsOf } from "./schema.ts";

/** Where an operation is. */
export interface Place {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** A longer body is scrolled. */
const MAX_ROWS = 16;
const JSON_TYPE = "application/json";

/** One operation, closed until it is looked at: what it takes, examples to copy, and a form to try it. */
export function renderOperation(document: OpenApiDocument, place: Place): Html {
  const { method, path, operation } = place;
  const { summary, description, operationId } = operation;
  const parameters = (operation.parameters ?? []).filter((each): each is Parameter => !("$ref" in each));
  const media = operation.requestBody?.content[JSON_TYPE];
  const rows = [...parameters.map(toRow), ...(media ? fieldsOf(document, media.schema) : [])];
  return html`<details class="operation" id="${operationId}">
<summary><span class="method ${method}">${method.toUpperCase()}</span> <code class="path">${path}</code>
<span class="summary">${summary}</span>${badges(operation)}</summary>
<div class="body">${description === undefined ? undefined : html`<p>${description}</p>`}${rows.length > 0 ? table(rows) : undefined}
${examples(document, place, { parameters, media })}${form(place, { parameters, media })}
<p class="answers">Answers: ${statuses(operation)}</p></div></details>`;
}

type Takes = { readonly parameters: readonly Parameter[]; readonly media: Media | undefined };

function badges(operation: Operation): Html {
  const { "x-role": role, "x-effect": effect, "x-execution": execution } = operation;
  const shown = [role && ["role", role], effect && [`effect-${effect}`, effect], execution && ["execution", execution]];
  const made = shown.filter((each) => each !== undefined && each !== "").map((each) => each as [string, string]);
  return html`<span class="badges">${made.map(([kind, words]) => html`<span class="badge ${kind}">${words}</span>`)}</span>`;
}

function toRow({ name, schema, required = false, description }: Parameter): FieldRow {
  return {
    name,
    type: String(schema["type"] ?? (Array.isArray(schema["enum"]) ? schema["enum"].join(" | ") : "value")),
    required,
    description,
  };
}

function table(rows: readonly FieldRow[]): Html {
  const lines = rows.map(
    ({ name, type, required, description }) =>
      html`<tr><td><code>${name}</code>${required ? html`<span class="required" title="required">*</span>` : undefined}</td>
<td class="type">${type}</td><td>${description}</td></tr>`,
  );
  return html`<div class="scroll"><table><thead><tr><th>Field</th><th>Type</th><th>Meaning</th></tr></thead><tbody>${lines}</tbody></table></div>`;
}

/** The path with the parameters' examples in it. */
function exampleUrl(path: string, parameters: readonly Parameter[]): string {
  const inPath = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(parameters.find((each) => each.name === name)?.example ?? name));
  const query = parameters.filter((each) => each.in === "query" && each.example !== undefined);
  const words = new URLSearchParams(Object.fromEntries(query.map(({ name, example }) => [name, String(example)]))).toString();
  return words === "" ? inPath : `${inPath}?${words}`;
}

function examples(document: OpenApiDocument, { method, path }: Place, { parameters, media }: Takes): Html {
  const keyless = document.security.some((each) => Object.keys(each).length === 0);
  const bodies: readonly Example[] = media?.examples ? Object.values(media.examples) : [{ value: undefined }];
  const lines = bodies.map(({ summary, value }) => {
    const line = curlCommand({ method: method.toUpperCase(), url: `ORIGIN${exampleUrl(path, parameters)}`, body: value }, { keyless });
    return html`<figure>${summary === undefined ? undefined : html`<figcaption>as in a chat: <code>${summary}</code></figcaption>`}
<pre class="curl" tabindex="0"><code>${line}</code></pre><button type="button" class="copy">Copy</button></figure>`;
  });
  return html`<div class="examples">${lines}</div>`;
}

function form({ method, path, operation }: Place, { parameters, media }: Takes): Html {
  const fields = parameters.map(
    ({ name, example, required = false }) =>
      html`<label>${name}<input name="${name}" value="${example === undefined || !required ? "" : String(example)}" autocomplete="off"></label>`,
  );
  const [first] = Object.values(media?.examples ?? {});
  const body = media
    ? html`<label>Body<textarea name="body" rows="${linesOf(first?.value)}" spellcheck="false">${toText(first?.value)}</textarea></label>`
    : undefined;
  const warning =
    operation["x-effect"] === undefined || operation["x-effect"] === "read"
      ? undefined
      : html`<span class="hint">It is really done, not only tried.</span>`;
  return html`<form class="try" data-method="${method.toUpperCase()}" data-path="${path}">${fields}${body}
<div class="actions"><button type="submit">Send</button>${warning}</div><output></output></form>`;
}

function toText(value: unknown): string {
  return JSON.stringify(value ?? {}, null, 2);
}

function linesOf(value: unknown): number {
  return Math.min(toText(value).split("\n").length, MAX_ROWS);
}

function statuses({ responses }: Operation): Html[] {
  return Object.keys(responses).map((status) => html`<code class="status s${status.slice(0, 1)}">${status}</code> `);
}
