import { expect, it } from "vitest";
import { createServer } from "../../http/server.ts";
import { complaintOf, malformedBodies } from "../../proof/malformed-bodies.ts";
import { bearer, createDesk } from "./desk.ts";

const BODIES = 1_000;
const SEED = 20_261_127;

it("a thousand bodies that are no good: each is refused for what is wrong with it, and nothing of it is queued", async () => {
  const { deps, memory, log } = createDesk();
  const server = createServer(deps);
  const complaints: string[] = [];
  const good: string[] = [];
  const statuses: Record<number, number> = {};
  for (const malformed of malformedBodies(BODIES, SEED)) {
    const { path, headers, body } = malformed;
    const got = await server.inject({ method: "POST", url: path, headers: { ...bearer("ivy"), ...headers }, payload: body });
    const complaint = complaintOf(malformed, {
      status: got.statusCode,
      content_type: String(got.headers["content-type"]),
      text: got.body,
    });
    if (complaint) complaints.push(complaint);
    good.push(...malformed.good);
    statuses[got.statusCode] = (statuses[got.statusCode] ?? 0) + 1;
  }
  expect(complaints).toEqual([]);
  expect(memory.queued.map(({ event_id }) => event_id)).toEqual(good);
  expect(Object.keys(statuses)).toEqual(["200", "400", "413", "415", "422"]);
  expect(good.length).toBeGreaterThan(BODIES / 5);
  expect(log.lines.filter(({ level }) => level === "error")).toEqual([]);
});
