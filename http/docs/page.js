// The script of /docs: sends what is typed into the forms, with the key that is typed above. The key stays in its field.

/** @returns {string} */
const key = () => document.querySelector('input[name="key"]')?.value.trim() ?? "";
const headers = () => (key() === "" ? {} : { authorization: `Bearer ${key()}` });

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** The path with its parameters: those in braces, and the others as a query. */
function urlOf(form) {
  const query = new URLSearchParams();
  let path = form.dataset.path;
  for (const { name, value } of form.querySelectorAll("input")) {
    if (path.includes(`{${name}}`)) path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== "") query.set(name, value);
  }
  return query.size > 0 ? `${path}?${query}` : path;
}

async function send(method, url, body) {
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const response = await fetch(url, { method, headers: { ...headers(), ...type }, body });
  const text = await response.text();
  try {
    return { status: response.status, json: JSON.parse(text), text: JSON.stringify(JSON.parse(text), null, 2) };
  } catch {
    return { status: response.status, json: null, text };
  }
}

/** Sends, and shows what came back in `output`; a question gets its buttons. */
async function show(output, method, url, body) {
  output.replaceChildren(element("p", { className: "waiting", textContent: "…" }));
  try {
    const { status, json, text } = await send(method, url, body);
    const badge = element("code", { className: `status s${String(status)[0]}`, textContent: String(status) });
    const parts = [element("p", {}, badge, ` ${method} ${url}`), element("pre", { textContent: text })];
    const next = (label, way, target) => {
      const button = element("button", { type: "button", textContent: label });
      button.addEventListener("click", () => show(output, way, target));
      return button;
    };
    if (json?.outcome === "confirm") {
      const target = `/api/v1/confirmations/${encodeURIComponent(json.token)}`;
      parts.push(element("p", { className: "actions" }, next("Confirm", "POST", target), next("Drop", "DELETE", target)));
    }
    const run = json?.status_url ?? (json?.run_id && url.startsWith("/api/v1/runs/") ? url : undefined);
    if (run) parts.push(element("p", { className: "actions" }, next("What became of it?", "GET", run)));
    output.replaceChildren(...parts);
  } catch (error) {
    output.replaceChildren(element("p", { className: "failed", textContent: `No answer: ${error.message}` }));
  }
}

function arrange(root) {
  for (const code of root.querySelectorAll(".curl code")) code.textContent = code.textContent.replace("ORIGIN", location.origin);
  for (const button of root.querySelectorAll("button.copy")) {
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("code:not(figcaption code)").textContent);
      button.textContent = "Copied";
      setTimeout(() => Object.assign(button, { textContent: "Copy" }), 1_500);
    });
  }
  for (const form of root.querySelectorAll("form.try")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const body = form.querySelector("textarea")?.value;
      void show(form.querySelector("output"), form.dataset.method, urlOf(form), body);
    });
  }
  root.querySelector("form.key")?.addEventListener("submit", (event) => event.preventDefault());
  root.querySelector("form.open")?.addEventListener("submit", open);
  if (matchMedia("(max-width: 60rem)").matches) root.querySelector("details.menu")?.removeAttribute("open");
}

/** Asks for the page with the key, and puts it in the place of the door. */
async function open(event) {
  event.preventDefault();
  const typed = key();
  const response = await fetch("/docs", { headers: { ...headers(), accept: "text/html" } });
  if (!response.ok) {
    const { detail } = await response.json().catch(() => ({}));
    event.target.querySelector("output").textContent = detail ?? `The server answered ${response.status}.`;
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  document.body.replaceChildren(...page.body.childNodes);
  document.querySelector('input[name="key"]').value = typed;
  arrange(document);
  reveal();
}

/** A link to an operation opens it. */
function reveal() {
  const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
  if (target instanceof HTMLDetailsElement) target.open = true;
  target?.scrollIntoView();
}

arrange(document);
addEventListener("hashchange", reveal);
reveal();
