import type { OpsError } from "./errors.ts";
import type { Locale } from "./locale.ts";
import type { Reply, Text } from "./reply.ts";

/** What a person may do, from least to most. `ingest` is for API keys that only collect events. */
export const ROLES = ["ingest", "viewer", "operator", "admin"] as const;

/** What a person may do. */
export type Role = (typeof ROLES)[number];

/** Whether a role includes another; nobody's role includes nothing. */
export function includesRole(role: Role | null, needed: Role): boolean {
  return role !== null && ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** Whether a role may send events: a key that is made for it, and from operator on. */
export function maySendEvents(role: Role | null): boolean {
  return role === "ingest" || includesRole(role, "operator");
}

/** One human with many identities, or one API key. */
export interface Person {
  readonly person_id: string;
  readonly name: string;
  /** The highest role granted and not revoked; null for someone who may do nothing. */
  readonly role: Role | null;
  readonly locale: Locale | null;
  /** IANA time zone. */
  readonly zone: string | null;
}

/** What is asked: a line of text, a call with its input, what becomes of a confirmation, or nothing that could be done. */
export type Ask =
  /** `attachment`: what stands in a text file that came with the line; its words go to the command's list. */
  | { readonly kind: "text"; readonly text: string; readonly attachment?: string }
  | { readonly kind: "call"; readonly command: string; readonly input: unknown }
  | { readonly kind: "confirm"; readonly token: string }
  | { readonly kind: "cancel"; readonly token: string }
  /** What the adapter knows cannot be done (a file that is no text); the asker is told why. */
  | { readonly kind: "refused"; readonly reason: Text };

/** Where an answer goes: a chat of a platform, and the message to edit where the answer replaces one. */
export interface ReplyTo {
  readonly platform: string;
  /** The platform's own id of the chat. */
  readonly address: string;
  readonly message_id?: string;
}

/** What every surface hands over: who asks, where the answer goes, and what is asked. */
export interface Request {
  /** The same for a redelivery of the same event, so that asking twice is asking once. */
  readonly request_id: string;
  /** How the platform knows the asker: `telegram:1001`. */
  readonly identity: string;
  /** Null for a stranger, who can do nothing. */
  readonly person: Person | null;
  /** Null where the asker waits for the outcome itself (REST). */
  readonly reply_to: ReplyTo | null;
  /** Names the dialogue that a question belongs to; a person's chat, or REST's opaque id. */
  readonly conversation: string | null;
  readonly locale: Locale;
  readonly zone: string;
  readonly ask: Ask;
  /** While a run of this key is open, a request with it joins that run instead of making another. Absent: never. */
  readonly dedupe?: string;
}

/** The press of a button that turns the pages of a message. */
export interface PageTurn {
  readonly kind: "page";
  /** The message, as `OutgoingMessage.delivery_id` named it in the button. */
  readonly delivery_id: string;
  /** From 1. */
  readonly page: number;
  /** Where it was pressed; the message is only turned where it stands. */
  readonly platform: string;
  readonly address: string;
}

/** A chat got another id (a group that became a supergroup). */
export interface AddressMove {
  readonly kind: "moved";
  readonly platform: string;
  readonly from: string;
  readonly to: string;
}

/** What an event of a platform asks for; null for one that asks for nothing. */
export type Interpreted = (Request & { readonly kind?: undefined }) | PageTurn | AddressMove | null;

/** What became of a request. Chat surfaces show `reply`; HTTP and the CLI also look at `kind`. */
export type Outcome =
  | { readonly kind: "done"; readonly output: unknown; readonly reply: Reply; readonly run_id?: string }
  | { readonly kind: "queued"; readonly run_id: string; readonly reply: Reply }
  | { readonly kind: "confirm"; readonly token: string; readonly reply: Reply }
  | { readonly kind: "ask"; readonly field: string; readonly reply: Reply }
  | { readonly kind: "suggest"; readonly commands: readonly string[]; readonly reply: Reply }
  | { readonly kind: "failed"; readonly error: OpsError; readonly reply: Reply };
