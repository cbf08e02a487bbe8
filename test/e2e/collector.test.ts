import { describe, expect, it } from "vitest";
import { until } from "../../proof/process.ts";
import { expectProblem, expectSentence, type Got, send } from "../support/rest.ts";
import { useWorld } from "../support/shared-world.ts";

const world = useWorld();
type Role = Parameters<typeof world.key>[0];

let last = 0;
const newId = () => `c-${++last}`;
const purchase = (more: object = {}) => ({ event_id: newId(), event: "purchase", user_id: newId(), ...more });
const as = (role: Role, path: string, body?: unknown) =>
  send(`${world.program().url}${path}`, { key: world.key(role), ...(body !== undefined && { body }) });
const collect = (body: unknown) => as("ingest", "/api/collect", body);
const idsOf = async (user_id: string) => {
  const { json } = await as("viewer", `/api/event/${user_id}`);
  return (json["results"] as { event_id: string }[]).map(({ event_id }) => event_id);
};

describe("who may do what", () => {
  const [RECEIPT, COMMAND] = ["ask for a receipt", "run a command"] as const;
  const asks: Readonly<Record<string, (role: Role) => ReturnType<typeof as>>> = {
    collect: (role) => as(role, "/api/collect", purchase()),
    "collect one": (role) => as(role, "/api/event", purchase()),
    "search by body": (role) => as(role, "/api/search", { user_id: "u" }),
    "search by query": (role) => as(role, "/api/event?user_id=u"),
    "search by path": (role) => as(role, "/api/event/u"),
    [RECEIPT]: (role) => as(role, "/api/v1/events/none"),
    [COMMAND]: (role) => as(role, "/api/v1/commands/ping", {}),
  };
  const ALLOWED: Readonly<Record<Role, readonly string[]>> = {
    ingest: ["collect", "collect one", RECEIPT],
    viewer: ["search by body", "search by query", "search by path", RECEIPT, COMMAND],
    operator: Object.keys(asks),
    admin: Object.keys(asks),
  };

  it.each(Object.keys(ALLOWED) as Role[])("a key of role %s", async (role) => {
    for (const what of ALLOWED[role]) expect([what, (await asks[what]?.(role))?.status]).toEqual([what, what === RECEIPT ? 404 : 200]);
    for (const what of Object.keys(asks).filter((each) => !ALLOWED[role].includes(each))) {
      const got = (await asks[what]?.(role)) as Got;
      expectProblem(got, 403, "forbidden");
      expectSentence(got.json["detail"], "en");
      expect([what, got.json["is_success"]]).toEqual([what, what === COMMAND ? undefined : "false"]);
    }
  });

  it("nobody without a key, nor with a wrong one", async () => {
    for (const key of [undefined, "a-wrong-key"]) {
      const got = await send(`${world.program().url}/api/collect`, { body: purchase(), ...(key !== undefined && { key }) });
      expectProblem(got, 401, "unauthenticated");
      expect(got.json["is_success"]).toBe("false");
    }
  });
});

describe("what the collector that is replaced got wrong", () => {
  it("a refused event is told so, in the reader's language", async () => {
    for (const language of ["en", "ko", "ru"]) {
      const headers = { "accept-language": language };
      const got = await send(`${world.program().url}/api/collect`, { key: world.key("ingest"), headers, body: purchase({ event: 5 }) });
      expect(got.json).toMatchObject({ is_success: "false", errors: [{ path: "event" }] });
      expectSentence(got.json["detail"], language);
    }
  });

  it("an event that is there already takes none of its batch with it", async () => {
    const [one, user_id] = [purchase(), newId()];
    await collect(one);
    const others = Array.from({ length: 9 }, () => purchase({ user_id }));
    expect((await collect([...others.slice(0, 5), one, ...others.slice(5), others[0]])).status).toBe(200);
    await until("the others are stored", async () => (await idsOf(user_id)).length === others.length);
    expect(await idsOf(one.user_id)).toEqual([one.event_id]);
  });

  it("the same event may come again at any time, and the first one stays", async () => {
    const one = purchase({ event: "log_in" });
    await collect(one);
    await until("it is stored", async () => (await idsOf(one.user_id)).length === 1);
    for (let times = 0; times < 3; times++) expect((await collect({ ...one, event: "log_out" })).json).toEqual({ is_success: "true" });
    const marker = purchase({ user_id: one.user_id });
    await collect(marker);
    await until("what came after it is stored", async () => (await idsOf(one.user_id)).length === 2);
    const { json } = await as("viewer", `/api/event/${one.user_id}`);
    expect(json["results"]).toMatchObject([{ event_id: marker.event_id }, { event: "log_in" }]);
  });

  it("an order may be in two events: purchase and purchase_success", async () => {
    const [user_id, parameters] = [newId(), { order_id: newId(), currency: "krw", price: 1200 }];
    const events = ["purchase", "purchase_success"].map((event) => purchase({ event, user_id, parameters }));
    await collect(events);
    await until("both are stored", async () => (await idsOf(user_id)).length === 2);
    const { json } = await as("viewer", `/api/event?user_id=${user_id}`);
    expect(json["results"]).toMatchObject([{ parameters }, { parameters }]);
  });

  it("whoever searches right after collecting finds it", async () => {
    const found: boolean[] = [];
    for (let times = 0; times < 100; times++) {
      const one = purchase();
      await collect(one);
      found.push((await idsOf(one.user_id)).includes(one.event_id));
    }
    expect(found).toEqual(Array(100).fill(true));
  });
});
