import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig } from "../../core/config.ts";

const HEX_KEY = "0f".repeat(32);
const ZONE = "023e105f4ecef8ad9ca31a8372d0c353";
const DATABASE = { DATABASE_URL: "postgres://app:hunter2@db/switchboard", SECRET_KEY: HEX_KEY };
const TELEGRAM = { TELEGRAM_BOT_TOKEN: "123456:TEST-token_1" };
const CLOUDFLARE = { CLOUDFLARE_API_TOKEN: "cf-secret", CLOUDFLARE_ZONE_ID: ZONE };

const parse = (env: Record<string, string> = {}) => parseConfig(env, "/srv/desk");

function refusal(env: Record<string, string>): ConfigError {
  try {
    parse(env);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

describe("without any setting", () => {
  it("everything has its default, and the sandbox is on", () => {
    expect(parse()).toMatchObject({
      host: "127.0.0.1",
      port: 8080,
      data_dir: "/srv/desk/.data",
      roles: ["http", "bots", "workers", "scheduler"],
      database_url: null,
      public_url: null,
      redis: null,
      sandbox: { port: 0, zones: [], account: null },
      admin_api_key: null,
      secret_key: null,
      secret_key_old: null,
      locale: "en",
      zone: "UTC",
      never_block: [],
      telegram: null,
      telegram_webhook_secret: null,
      telegram_limits: {
        global: { limit: 30, window_ms: 1_000 },
        chat: { limit: 1, window_ms: 1_000 },
        group: { limit: 20, window_ms: 60_000 },
      },
      cloudflare: null,
      cloudflare_budget: { limit: 1_200, window_ms: 300_000 },
      events: { retention_days: null, queue_mb: 256 },
      log_level: "info",
    });
  });

  it("an empty variable, or one of white space, is an unset one", () => {
    const names = ["PORT", "ROLES", "SECRET_KEY", "SANDBOX", "ADMINS", "TZ_DEFAULT", "TELEGRAM_BOT_TOKEN", "ADMIN_API_KEY", "NEVER_BLOCK"];
    expect(parse(Object.fromEntries(names.map((name, at) => [name, " ".repeat(at % 2)])))).toEqual(parse());
  });
});

describe("settings", () => {
  it("are read", () => {
    expect(parse({ ...DATABASE, DATA_DIR: "/var/desk", ROLES: "workers, http", PORT: "0", HOST: "::1", SANDBOX: "0" })).toMatchObject({
      data_dir: "/var/desk",
      roles: ["http", "workers"],
      port: 0,
      host: "::1",
      sandbox: null,
      first_grants: [],
      secret_key: Buffer.from(HEX_KEY, "hex"),
    });
    expect(parse({ SECRET_KEY_OLD: HEX_KEY }).secret_key_old).toEqual(Buffer.from(HEX_KEY, "hex"));
    expect(parse({ REDIS_URL: "redis://:pw@r/0", REDIS_REQUIRE_AOF: "1" }).redis).toEqual({ url: "redis://:pw@r/0", require_aof: true });
    expect(parse({ SECRET_KEY: Buffer.from(HEX_KEY, "hex").toString("base64") }).secret_key).toEqual(Buffer.from(HEX_KEY, "hex"));
    expect(parse({ DEFAULT_LOCALE: "ko", TZ_DEFAULT: "Asia/Seoul", LOG_LEVEL: "warn" })).toMatchObject({
      locale: "ko",
      zone: "Asia/Seoul",
    });
  });

  it("of addresses become canonical", () => {
    const NEVER_BLOCK = "198.51.100.7, 10.1.2.3/8,2001:DB8:0::1,2001:db8::1/32,::ffff:192.0.2.1";
    expect(parse({ NEVER_BLOCK }).never_block).toEqual(["198.51.100.7", "10.0.0.0/8", "2001:db8::1", "2001:db8::/32", "192.0.2.1"]);
  });

  it("of rates may name a part, the rest keeps its default", () => {
    expect(parse({ TELEGRAM_LIMITS: "2/10s/chat" }).telegram_limits).toMatchObject({
      global: { limit: 30, window_ms: 1_000 },
      chat: { limit: 2, window_ms: 10_000 },
    });
    expect(parse({ CLOUDFLARE_BUDGET: "4/500ms" }).cloudflare_budget).toEqual({ limit: 4, window_ms: 500 });
  });

  it("of a platform turn the sandbox off and the platform on", () => {
    const config = parse({ ...TELEGRAM, ...CLOUDFLARE });
    expect(config.sandbox).toBeNull();
    expect(config.telegram).toEqual({ token: "123456:TEST-token_1", api_root: "https://api.telegram.org" });
    expect(config.cloudflare).toEqual({
      token: "cf-secret",
      scopes: [`zone:${ZONE}`],
      zone_id: ZONE,
      base_url: "https://api.cloudflare.com/client/v4",
    });
    expect(parse({ SMTP_URL: "smtp://mail" }).sandbox).toBeNull();
  });

  it("of Cloudflare name one zone, several, or an account", () => {
    const token = { CLOUDFLARE_API_TOKEN: "cf-secret" };
    const other = "0".repeat(32);
    const zones = parse({ ...token, CLOUDFLARE_ZONE_ID: ` ${ZONE.toUpperCase()} , ${other},` });
    expect(zones.cloudflare).toMatchObject({ scopes: [`zone:${ZONE}`, `zone:${other}`], zone_id: ZONE });
    const account = parse({ ...token, CLOUDFLARE_ACCOUNT_ID: ZONE.toUpperCase() });
    expect(account.cloudflare).toMatchObject({ scopes: [`account:${ZONE}`], zone_id: "" });
    const both = refusal({ ...token, CLOUDFLARE_ACCOUNT_ID: ZONE, CLOUDFLARE_ZONE_ID: other });
    expect(both.message).toBe("CLOUDFLARE_ACCOUNT_ID must not be set together with CLOUDFLARE_ZONE_ID: give one of the two");
    const neither = refusal(token);
    expect(neither.message).toContain("CLOUDFLARE_ACCOUNT_ID");
  });

  it("let a token meet the sandbox at a loopback URL", () => {
    const config = parse({ ...TELEGRAM, SANDBOX: "1", SANDBOX_PORT: "9000", TELEGRAM_API_ROOT: "http://127.0.0.1:9000/telegram/" });
    expect(config.sandbox).toMatchObject({ port: 9000 });
    expect(config.telegram?.api_root).toBe("http://127.0.0.1:9000/telegram");
  });
});

describe("webhooks", () => {
  it.each([
    ["https://desk.example.com", "https://desk.example.com"],
    ["https://desk.example.com:8443/desk/", "https://desk.example.com:8443/desk"],
    ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
    ["http://[::1]:8080/", "http://[::1]:8080"],
  ])("are on where others reach us: %s", (PUBLIC_URL, public_url) => {
    const TELEGRAM_WEBHOOK_SECRET = "A-z_0".repeat(4);
    expect(parse({ PUBLIC_URL, TELEGRAM_WEBHOOK_SECRET })).toMatchObject({ public_url, telegram_webhook_secret: TELEGRAM_WEBHOOK_SECRET });
  });
});

describe("the first grants", () => {
  const rolesOf = (env: Record<string, string>) => new Map(parse(env).first_grants.map(({ identity, role }) => [identity, role]));

  it("are those of the lists, the highest role where one is named twice", () => {
    const env = { SANDBOX: "0", ADMINS: "telegram:7,webex:Ops@Example.com", OPERATORS: "slack:U1", VIEWERS: "telegram:7,Telegram:8" };
    expect([...rolesOf(env)]).toEqual([
      ["telegram:7", "admin"],
      ["webex:ops@example.com", "admin"],
      ["slack:U1", "operator"],
      ["telegram:8", "viewer"],
    ]);
  });

  it("name the sandbox's people, whom a setting may name otherwise", () => {
    const roles = rolesOf({ VIEWERS: "telegram:1001" });
    expect(roles.get("telegram:1001")).toBe("viewer");
    expect(roles.get("telegram:1002")).toBe("operator");
    expect(roles.get("telegram:1003")).toBe("viewer");
    expect(roles.get("webex:admin@example.com")).toBe("admin");
    expect(roles.get("slack:UADMIN")).toBe("admin");
  });

  it("say whether a setting or the sandbox gives them", () => {
    const sources = new Map(parse({ VIEWERS: "telegram:1001" }).first_grants.map(({ identity, source }) => [identity, source]));
    expect([sources.get("telegram:1001"), sources.get("telegram:1002")]).toEqual(["setting", "sandbox"]);
  });
});

const WRONG: readonly (readonly [variable: string, value: string, besides?: Record<string, string>])[] = [
  ["HOST", "http://127.0.0.1"],
  ["PORT", "65536"],
  ["PORT", "-1"],
  ["PORT", "80a"],
  ["PORT", "1e3"],
  ["DATA_DIR", "a\0b"],
  ["ROLES", "http,cooks", DATABASE],
  ["ROLES", "all,http", DATABASE],
  ["DATABASE_URL", "", { ROLES: "http" }],
  ["DATABASE_URL", "mysql://app:hunter2@db/x", { SECRET_KEY: HEX_KEY }],
  ["DATABASE_URL", "db.example.com", { SECRET_KEY: HEX_KEY }],
  ["SECRET_KEY", "", { DATABASE_URL: DATABASE.DATABASE_URL }],
  ["SECRET_KEY", "secret-but-short"],
  ["SECRET_KEY", "0f".repeat(31)],
  ["REDIS_URL", "http://:hunter2@redis"],
  ["REDIS_REQUIRE_AOF", "yes"],
  ["SANDBOX", "true"],
  ["SANDBOX_PORT", "70000"],
  ["ADMIN_API_KEY", "secret-15-chars"],
  ["ADMIN_API_KEY", "secret with spaces in it"],
  ["ADMINS", "90017"],
  ["ADMINS", "telegram:1001,telegram:bob"],
  ["OPERATORS", "webex:desk"],
  ["VIEWERS", "constructor:1"],
  ["VIEWERS", "telegram:7,key:ci"],
  ["ADMINS", "local:x"],
  ["DEFAULT_LOCALE", "fr"],
  ["TZ_DEFAULT", "Mars/Olympus"],
  ["TZ_DEFAULT", "+09:00"],
  ["NEVER_BLOCK", "10.0.0.0/33"],
  ["NEVER_BLOCK", "127.0.0.1,0x7f.1"],
  ["NEVER_BLOCK", "example.com"],
  ["TELEGRAM_BOT_TOKEN", "secret-token"],
  ["TELEGRAM_API_ROOT", "api.telegram.org", TELEGRAM],
  ["TELEGRAM_API_ROOT", "ftp://127.0.0.1"],
  ["PUBLIC_URL", "desk.example.com"],
  ["PUBLIC_URL", "http://desk.example.com"],
  ["PUBLIC_URL", "https://u:hunter2@desk.example.com"],
  ["PUBLIC_URL", "https://desk.example.com/?a=secret"],
  ["PUBLIC_URL", "https://desk.example.com/?"],
  ["TELEGRAM_WEBHOOK_SECRET", "secret-too-short".slice(1)],
  ["TELEGRAM_WEBHOOK_SECRET", "secret with spaces and more"],
  ["TELEGRAM_WEBHOOK_SECRET", "secret_".repeat(40)],
  ["TELEGRAM_LIMITS", "30/s,1/s/room"],
  ["TELEGRAM_LIMITS", "30/s,20/s"],
  ["TELEGRAM_LIMITS", "0/s"],
  ["CLOUDFLARE_API_TOKEN", "secret token", { CLOUDFLARE_ZONE_ID: ZONE }],
  ["CLOUDFLARE_ZONE_ID", "", { CLOUDFLARE_API_TOKEN: "cf-secret" }],
  ["CLOUDFLARE_ZONE_ID", `${ZONE};${"0".repeat(32)}`, CLOUDFLARE],
  ["CLOUDFLARE_ZONE_ID", `${ZONE},${ZONE.toUpperCase()}`, CLOUDFLARE],
  ["CLOUDFLARE_ACCOUNT_ID", ZONE, CLOUDFLARE],
  ["CLOUDFLARE_ACCOUNT_ID", "0123zz", { CLOUDFLARE_API_TOKEN: "cf-secret" }],
  ["CLOUDFLARE_ACCOUNT_ID", `${ZONE},${"0".repeat(32)}`, { CLOUDFLARE_API_TOKEN: "cf-secret" }],
  ["CLOUDFLARE_ZONE_ID", "0123zz", CLOUDFLARE],
  ["CLOUDFLARE_ZONE_ID", `${ZONE},${ZONE}`, CLOUDFLARE],
  ["CLOUDFLARE_BASE_URL", "https://u:hunter2@api", CLOUDFLARE],
  ["CLOUDFLARE_BUDGET", "fast"],
  ["LOG_LEVEL", "loud"],
  // A real token must not meet the sandbox.
  ["TELEGRAM_BOT_TOKEN", "123456:secret", { SANDBOX: "1" }],
  ["WEBEX_BOT_TOKEN", "secret", { SANDBOX: "1" }],
  ["SLACK_BOT_TOKEN", "xoxb-secret", { SANDBOX: "1", SLACK_API_URL: "http://127.0.0.1.example.com/" }],
  ["CLOUDFLARE_API_TOKEN", "secret", { SANDBOX: "1", CLOUDFLARE_ZONE_ID: ZONE }],
  ["WHATSAPP_TOKEN", "secret", { SANDBOX: "1" }],
  ["VIBER_TOKEN", "secret", { SANDBOX: "1" }],
];

describe("a wrong setting stops the start with one line", () => {
  const cases = WRONG.map(([variable, value, besides = {}]) => ({ variable, value, besides }));

  it.each(cases)("$variable=$value", ({ variable, value, besides }) => {
    const error = refusal({ ...besides, [variable]: value });
    expect(error.variable).toBe(variable);
    expect(error.message).toMatch(new RegExp(`^${variable} must `));
    expect(error.message).not.toMatch(/\n|secret-|hunter2|xoxb/);
    if (value.length > 3) expect(error.message).not.toContain(value);
  });
});
