import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * The limit of `bench -- command`: the same HTTP round trips with no work between them. An update comes in and is answered, Cloudflare is called,
 * the answer is sent. Nothing is stored, checked or queued. Its one argument is the URL of the stand-ins.
 */
const [target = ""] = process.argv.slice(2);

async function call(path: string, body: unknown): Promise<void> {
  const headers = { "content-type": "application/json", authorization: "Bearer token" };
  await (await fetch(`${target}${path}`, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

async function work(text: string): Promise<void> {
  const { message } = JSON.parse(text) as { message: { text: string; chat: { id: number } } };
  const [, ip = ""] = message.text.split(" ");
  await call("/client/v4/zones/0/firewall/access_rules/rules", {
    mode: "block",
    configuration: { target: "ip", value: ip },
    notes: "bench",
  });
  await call("/bot0/sendMessage", { chat_id: message.chat.id, text: `${ip} is blocked` });
}

const server = createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  response.writeHead(200, { "content-length": 0 }).end();
  void work(text);
});
server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`));
