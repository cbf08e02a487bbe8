import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { ANN, useSandbox, type World } from "./fixture.ts";

const start = useSandbox();

/** A picture of one colour. */
function png(width: number, height: number): Buffer {
  const image = new PNG({ width, height });
  image.data.fill(200);
  return PNG.sync.write(image);
}

/** A JPEG as far as its size: the frame's header, and then its end. */
function jpeg(width: number, height: number): Buffer {
  const [start_of_image, app, frame] = [
    Buffer.from("ffd8", "hex"),
    Buffer.from("ffe000040000", "hex"),
    Buffer.from("ffc0000b0800000000010111003f", "hex"),
  ];
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  return Buffer.concat([start_of_image, app, frame, Buffer.from("ffd9", "hex")]);
}

/** Sends a photo as a client of the Bot API does. */
async function sendPhoto({ sandbox }: World, bytes: Buffer, fields: Record<string, string> = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ chat_id: String(ANN.id), ...fields })) form.set(name, value);
  form.set("photo", new File([new Uint8Array(bytes)], "chart.png", { type: "image/png" }));
  const response = await fetch(`${sandbox.url}/bot${sandbox.telegram.token}/sendPhoto`, { method: "POST", body: form });
  return { status: response.status, body: (await response.json()) as { result: Record<string, never>; description: string } };
}

interface Size {
  readonly file_id: string;
  readonly width: number;
  readonly height: number;
}

describe("sendPhoto", () => {
  it("shows the picture in its sizes with its caption; it can be fetched, sent again by its id, and cannot become a text", async () => {
    const world = await start();
    await world.says("hi");
    const picture = png(1_280, 768);
    const reply_markup = JSON.stringify({ inline_keyboard: [[{ text: "Again", callback_data: "s:again" }]] });
    const { body } = await sendPhoto(world, picture, { caption: "<b>Events</b>", parse_mode: "HTML", reply_markup });
    expect(body.result).toMatchObject({ message_id: 2, caption: "Events", caption_entities: [{ type: "bold" }], reply_markup: {} });
    const sizes = body.result["photo"] as unknown as Size[];
    expect(sizes.map(({ width, height }) => `${width}x${height}`)).toEqual(["320x192", "800x480", "1280x768"]);
    const { file_id = "" } = sizes.at(-1) ?? {};
    expect((await world.bot("sendPhoto", { chat_id: ANN.id, photo: file_id })).body["result"]).toMatchObject({ photo: sizes });
    const { body: seen } = await world.person("GET", `/telegram/messages?chat_id=${ANN.id}`);
    const photo = {
      file_id,
      width: 1_280,
      height: 768,
      file_size: picture.length,
      mime_type: "image/png",
      base64: picture.toString("base64"),
    };
    expect(seen["messages"]).toMatchObject([
      { text: "Events", photo, buttons: [[{ text: "Again" }]] },
      { text: "", photo },
    ]);
    const { file_path } = (await world.bot("getFile", { file_id })).body["result"] as unknown as { file_path: string };
    const { url, telegram } = world.sandbox;
    expect(Buffer.from(await (await fetch(`${url}/file/bot${telegram.token}/${file_path}`)).arrayBuffer())).toEqual(picture);
    const edit = await world.bot("editMessageText", { chat_id: ANN.id, message_id: 2, text: "x" });
    expect(edit.body).toMatchObject({ description: "Bad Request: there is no text in the message to edit" });
  });

  it("takes a JPEG, and scales what is larger than 1280", async () => {
    const world = await start();
    await world.says("hi");
    const { body } = await sendPhoto(world, jpeg(2_560, 1_280));
    const sizes = body.result["photo"] as unknown as Size[];
    expect(sizes.map(({ width, height }) => `${width}x${height}`)).toEqual(["320x160", "800x400", "1280x640"]);
  });

  it("stands in the topic it is sent to, and survives the sandbox", async () => {
    const world = await start();
    const [forum, message_thread_id] = [-1_000_000_000_077, 42];
    await world.person("POST", "/telegram/messages", { chat_id: forum, from: ANN, text: "/event_stats", message_thread_id });
    const fields = { chat_id: String(forum), message_thread_id: "42" };
    expect((await sendPhoto(world, png(10, 10), fields)).body.result).toMatchObject({ is_topic_message: true, message_thread_id });
    expect((await sendPhoto(world, png(10, 10), { ...fields, message_thread_id: "43" })).status).toBe(400);
    await world.sandbox.close();
    const again = await start({ data_dir: world.data_dir });
    const { body } = await again.person("GET", `/telegram/messages?chat_id=${forum}`);
    expect(body["messages"]).toMatchObject([{ photo: { width: 10 }, message_thread_id }]);
  });

  const whole = png(40, 40);
  const changed = (at: number) => Buffer.from(whole.map((byte, index) => (index === at ? byte ^ 1 : byte)));
  it.each([
    ["words", Buffer.from("no picture"), "IMAGE_PROCESS_FAILED"],
    ["the beginning of a PNG", whole.subarray(0, 60), "IMAGE_PROCESS_FAILED"],
    ["a PNG with a wrong signature", changed(1), "IMAGE_PROCESS_FAILED"],
    ["a PNG whose size is not that of its data", changed(19), "IMAGE_PROCESS_FAILED"],
    ["a PNG whose data is broken", changed(45), "IMAGE_PROCESS_FAILED"],
    ["a JPEG without a frame", Buffer.from("ffd8ffd9", "hex"), "IMAGE_PROCESS_FAILED"],
    ["nothing", Buffer.alloc(0), "file must be non-empty"],
    ["sides of over 10,000 together", png(9_000, 1_001), "PHOTO_INVALID_DIMENSIONS"],
    ["a strip of more than 20 to 1", png(10, 201), "PHOTO_INVALID_DIMENSIONS"],
    ["more than 10 MB", Buffer.alloc(10_485_761), "file of size 10485761 bytes is too big for a photo; the maximum size is 10485760 bytes"],
  ])("is refused with %s", async (_, bytes, why) => {
    const world = await start();
    await world.says("hi");
    expect(await sendPhoto(world, bytes)).toMatchObject({ status: 400, body: { description: `Bad Request: ${why}` } });
  });

  it("is refused without a photo, with one nobody knows, with a document, with a long caption, and past the budget", async () => {
    const limits = { global: { limit: 9, window_ms: 1_000 }, chat: { limit: 2, window_ms: 600_000 }, group: { limit: 9, window_ms: 1 } };
    const world = await start({ telegram_limits: limits });
    await world.says("hi");
    const refusal = async (method: string, params: object) => (await world.bot(method, { chat_id: ANN.id, ...params })).body["description"];
    expect(await refusal("sendPhoto", {})).toMatch(/no photo/);
    expect(await refusal("sendPhoto", { photo: "nothing" })).toMatch(/wrong file identifier/);
    const photo = (await sendPhoto(world, png(20, 20), { caption: "x".repeat(1_024) })).body.result["photo"] as unknown as Size[];
    expect(await refusal("sendDocument", { document: photo[0]?.file_id })).toMatch(/type Photo as Document/);
    expect((await sendPhoto(world, png(20, 20), { caption: "x".repeat(1_025) })).body.description).toMatch(/caption is too long/);
    expect((await sendPhoto(world, png(20, 20))).status).toBe(200);
    expect((await sendPhoto(world, png(20, 20))).status).toBe(429);
  });

  it("fails when it is told to", async () => {
    const world = await start();
    await world.says("hi");
    await world.person("POST", "/faults", { target: "telegram", method: "sendPhoto", status: 503, times: 1 });
    expect((await sendPhoto(world, png(20, 20))).status).toBe(503);
    expect((await sendPhoto(world, png(20, 20))).status).toBe(200);
  });
});
