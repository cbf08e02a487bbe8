import { execFile, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { PNG } from "pngjs";
import { Telegraf } from "telegraf";
import { describe, expect, it, onTestFinished } from "vitest";
import { missing } from "../support/missing.ts";
import { ANN, until, useSandbox, type World } from "./fixture.ts";

const start = useSandbox();
const run = promisify(execFile);
const PYTHON = "/usr/bin/python3";
const PICTURE = PNG.sync.write(new PNG({ width: 400, height: 300 }));

interface Heard {
  readonly text: string;
  readonly document?: { readonly file_name: string; readonly content: string };
}

async function heard({ person }: World): Promise<Heard[]> {
  return (await person("GET", `/telegram/messages?chat_id=${ANN.id}`)).body["messages"] as unknown as Heard[];
}

/** What a stranger's library does: polls, answers with buttons, edits, hears the press, fetches a file and sends one. */
const PROGRAM = `
import base64, io, sys, warnings
warnings.filterwarnings("ignore")
import telegram
root, token = sys.argv[1:3]
bot = telegram.Bot(token, base_url=root + "/bot", base_file_url=root + "/file/bot")
assert bot.get_me().username == "switchboard_sandbox_bot"
updates = bot.get_updates(timeout=20)
first, second = updates
assert first.message.text == "/ping" and first.message.entities[0].type == "bot_command"
assert second.message.caption == "/block" and second.message.document.get_file().download_as_bytearray() == b"203.0.113.7\\n"
keyboard = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Really", callback_data="really")]])
sent = bot.send_message(1001, "<b>pong?</b>", parse_mode="HTML", reply_markup=keyboard)
assert sent.entities[0].type == "bold"
print("asked", sent.message_id, flush=True)
(pressed,) = bot.get_updates(offset=second.update_id + 1, timeout=20)
assert pressed.callback_query.data == "really" and pressed.callback_query.answer("yes")
assert pressed.callback_query.edit_message_text("pong!").text == "pong!"
file = bot.send_document(1001, io.BytesIO(b"a,b\\n"), filename="rows.csv", caption="<i>rows</i>", parse_mode="HTML")
assert file.document.file_name == "rows.csv" and file.caption == "rows" and file.caption_entities[0].type == "italic"
picture = base64.b64decode(sys.argv[3])
photo = bot.send_photo(1001, io.BytesIO(picture), caption="<b>chart</b>", parse_mode="HTML")
assert [(size.width, size.height) for size in photo.photo] == [(320, 240), (400, 300)] and photo.caption_entities[0].type == "bold"
assert photo.photo[-1].get_file().download_as_bytearray() == picture
assert bot.send_photo(1001, photo.photo[-1].file_id).photo[-1].file_id == photo.photo[-1].file_id
try:
    bot.send_photo(1001, io.BytesIO(b"no picture"))
    raise AssertionError("that is no picture")
except telegram.error.BadRequest as refused:
    assert "image_process_failed" in str(refused).lower()
try:
    bot.send_message(999, "x")
    raise AssertionError("nobody wrote from there")
except telegram.error.BadRequest as refused:
    assert "not found" in str(refused).lower()
assert bot.set_my_commands([("ping", "Looks")], scope=telegram.BotCommandScopeChat(1001))
print("done")
`;

describe("clients that others wrote", () => {
  it("telegraf by webhook, whose answers are calls", async () => {
    const world = await start();
    const { api_root: apiRoot, token } = world.sandbox.telegram;
    const bot = new Telegraf(token, { telegram: { apiRoot } });
    bot.command("ping", (context) => context.reply("pong"));
    bot.command("file", (context) =>
      context.replyWithDocument({ source: Buffer.from("a,b\n"), filename: "rows.csv" }, { caption: "rows" }),
    );
    bot.command("chart", (context) => context.replyWithPhoto({ source: PICTURE }, { caption: "chart" }));
    const server = createServer(bot.webhookCallback("/hook", { secretToken: "s3cret" }));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    await bot.telegram.setWebhook(`http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, { secret_token: "s3cret" });
    await world.says("/ping");
    await until(async () => (await heard(world)).length === 1);
    await world.says("/file");
    await until(async () => (await heard(world)).length === 2);
    await world.says("/chart");
    await until(async () => (await heard(world)).length === 3);
    expect(await heard(world)).toMatchObject([
      { text: "pong" },
      { text: "rows", document: { file_name: "rows.csv", content: "a,b\n" } },
      { text: "chart", photo: { width: 400, base64: PICTURE.toString("base64") } },
    ]);
    expect(await bot.telegram.getWebhookInfo()).toMatchObject({ pending_update_count: 0 });
  });

  it("python3-python-telegram-bot polls, edits, answers a button, fetches and sends files", async ({ skip }) => {
    if (spawnSync(PYTHON, ["-W", "ignore", "-c", "import telegram"]).status !== 0) {
      missing("python3-python-telegram-bot is not installed (apt-get install python3-python-telegram-bot)");
      skip("python3-python-telegram-bot is not installed");
    }
    const world = await start();
    await world.says("/ping");
    const document = { file_name: "ips.txt", content: "203.0.113.7\n" };
    await world.person("POST", "/telegram/messages", { chat_id: ANN.id, from: ANN, text: "/block", document });
    const { api_root, token } = world.sandbox.telegram;
    const program = run(PYTHON, ["-c", PROGRAM, api_root, token, PICTURE.toString("base64")]);
    const press = until(async () => {
      const { status } = await world.person("POST", "/telegram/callbacks", { chat_id: ANN.id, message_id: 3, data: "really", from: ANN });
      return status === 201;
    });
    const [{ stdout }] = await Promise.all([program, press]);
    expect(stdout.trim().split("\n")).toEqual(["asked 3", "done"]);
    const photo = { width: 400, height: 300, base64: PICTURE.toString("base64") };
    expect(await heard(world)).toMatchObject([
      ...[{ text: "pong!" }, { text: "rows", document: { file_name: "rows.csv", content: "a,b\n" } }],
      ...[
        { text: "chart", photo },
        { text: "", photo },
      ],
    ]);
  });
});
