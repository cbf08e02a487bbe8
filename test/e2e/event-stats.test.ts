import { beforeAll, describe, expect, it } from "vitest";
import { SERIES_COLOURS } from "../../clients/chart/svg.ts";
import { until } from "../../proof/process.ts";
import { readPicture } from "../support/charts.ts";
import { switchboard } from "../support/finished.ts";
import { send } from "../support/rest.ts";
import { useWorld } from "../support/shared-world.ts";

const world = useWorld({ VIEWERS: "telegram:1003" });
const KINDS = { page_view: 40, purchase: 12, login: 5 };
/** The middle of the hour that is looked at: far enough from both ends. */
const at = new Date(Date.now() - 30 * 60_000).toISOString();

interface Stats {
  readonly output: { readonly total: number; readonly kinds: readonly { readonly event: string; readonly count: number }[] };
  readonly reply: { readonly chart: { readonly series: readonly object[] }; readonly text: string };
}

const stats = async (input: object = {}) => {
  const got = await send(`${world.program().url}/api/v1/commands/event_stats`, { method: "POST", key: world.key("viewer"), body: input });
  return { status: got.status, body: got.json as unknown as Stats };
};

beforeAll(async () => {
  const events = Object.entries(KINDS).flatMap(([event, count]) =>
    Array.from({ length: count }, (_, n) => ({ event_id: `${event}-${n}`, event, user_id: "u1", event_datetime: at })),
  );
  const collected = await send(`${world.program().url}/api/collect`, { method: "POST", key: world.key("ingest"), body: events });
  expect(collected.status).toBe(200);
  await until("all events are stored", async () => (await stats()).body.output.total === 57);
});

describe("events that were collected", () => {
  it("are seen by REST as JSON: what was counted, and the chart", async () => {
    const { status, body } = await stats();
    expect(status).toBe(200);
    expect(body.output.kinds.map(({ event, count }) => [event, count])).toEqual(Object.entries(KINDS));
    expect(body.reply.chart).toMatchObject({ kind: "bars", span_s: 60, zone: "UTC", series: [{ name: "page_view", total: "40" }, {}, {}] });
    expect((await stats({ event: "login" })).body.output).toMatchObject({ total: 5, event: "login" });
    expect((await stats({ since: "99d" })).status).toBe(422);
  });

  it("are seen on Telegram as a picture with a caption, in the asker's language", async () => {
    expect(await world.say(1003, "/event_stats")).toMatch(
      /^ℹ️ 57 events since .* UTC\n🟦 page_view: 40\n🟧 purchase: 12\n🟩 login: 5\nPer minute: 0\.9/,
    );
    const photo = (await world.platforms().messages(1003)).at(-1)?.photo;
    expect(photo).toMatchObject({ width: 1_280, height: 768 });
    const { bars } = readPicture(Buffer.from(photo?.base64 ?? "", "base64"));
    const [blue = [], orange = [], green = [], red = []] = SERIES_COLOURS.map(bars);
    expect([blue, orange, green, red].map(({ length }) => length)).toEqual([1, 1, 1, 0]);
    expect((blue[0] ?? 0) / (orange[0] ?? 1)).toBeCloseTo(40 / 12, 0);
    expect(await world.say(1003, "/event_stats 2h --event purchase", "ko")).toMatch(/이후 이벤트 12개\n🟦 purchase: 12\n/);
    expect(await world.say(1003, "/event_stats 3h --event refund", "ru")).toMatch(/^ℹ️ С .* событий «refund» нет\.\n/);
    expect((await world.platforms().messages(1003)).at(-1)?.photo).toBeUndefined();
  });

  it("are seen in the shell as bars, in 80 columns", async () => {
    const env = { SWITCHBOARD_URL: world.program().url, SWITCHBOARD_KEY: world.key("viewer") };
    const { code, out } = await switchboard(["event", "stats", "--since", "1h"], env);
    expect(code).toBe(0);
    expect(out).toMatch(/\n·*█·* {2}40 {2}🟦 page_view\n·*█·* {2}12 {2}🟧 purchase\n·*█·* {3}5 {2}🟩 login\n\d\d:\d\d +\d\d:\d\d\n$/);
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});
