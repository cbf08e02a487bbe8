import type { DialectParameter, DialectRoute } from "../../http/deps.ts";

/** A chat of Telegram: its number, negative for groups, or a public name. https://core.telegram.org/bots/api#sendmessage */
const CHAT = /^(-?[1-9]\d{0,15}|@[A-Za-z]\w{3,31})$/;

const ip: DialectParameter = { name: "ip", description: "IPv4 or IPv6 address, or CIDR", example: "203.0.113.7", is_input: true };
const chat_id: DialectParameter = {
  name: "chat_id",
  description: "The Telegram chat that gets the result",
  example: "1001",
  is_input: false,
};

const onAddress = (action: string): Pick<DialectRoute, "parameters" | "chat" | "message"> => ({
  parameters: [ip, chat_id],
  chat: { parameter: "chat_id", platform: "telegram", form: CHAT, gets_result: true },
  message: (given) => `successfully received the ${action} request of ip ${given["ip"]}.`,
});

/**
 * The routes of the infra service, as its clients know them (contract, "Dialect of the infra service"; the sentences are that service's own).
 * The text that is sent to a chat is itself what the chat gets; no second message says that it was sent.
 */
export const INFRA_DIALECT: readonly DialectRoute[] = [
  { path: "/cf/block", methods: ["POST"], command: "cf_block", summary: "Block an address; a chat gets the result", ...onAddress("block") },
  {
    path: "/cf/release",
    methods: ["POST"],
    command: "cf_release",
    summary: "Lift a block; a chat gets the result",
    ...onAddress("release"),
  },
  {
    path: "/cf/search",
    methods: ["GET"],
    command: "cf_search",
    summary: "Look an address up; a chat gets the result",
    ...onAddress("search"),
  },
  {
    path: "/telegram",
    methods: ["GET", "POST"],
    command: "telegram_send",
    summary: "Send a text to a Telegram chat",
    parameters: [
      { ...chat_id, description: "The Telegram chat that gets the text", is_input: true },
      { name: "text", description: "The text", example: "The deployment is done", is_input: true },
    ],
    chat: { parameter: "chat_id", platform: "telegram", form: CHAT, gets_result: false },
    message: () => "successfully received the telegram send message request",
  },
];
