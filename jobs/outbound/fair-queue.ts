import type { DeliveryLane } from "../../core/run.ts";
import type { Destination } from "../../core/stores.ts";

/** A message that waits for its turn. */
export interface Waiting extends Omit<Destination, "platform"> {
  readonly delivery_id: string;
  /** When it was last seen to be open, in milliseconds since 1970. */
  readonly seen_at: number;
}

/** What waits in this process: by lane, the people of a lane in turn, the chats of a person in turn, the messages of a chat in their order. */
export interface FairQueue {
  /** Puts it behind those of its chat; one that waits already keeps its place. */
  add(message: Waiting): void;
  /** Puts it before those of its chat, where it stays until it is sent. */
  addFirst(message: Waiting): void;
  has(delivery_id: string): boolean;
  remove(delivery_id: string): void;
  /** The first message of the chat whose turn it is. It stays its turn until it is taken. */
  next(lane: DeliveryLane): Waiting | undefined;
  /** The turn of this message is taken: it goes on to the next person, and for this one to their next chat. */
  turnOver(message: Waiting): void;
  /** These have taken their turns, in this order, and could not use them: they are the next, and their chats are open. */
  giveBack(messages: readonly Waiting[]): void;
  /** A closed chat has no turn. */
  close(address: string): void;
  open(address: string): void;
  /** How many messages wait. */
  size(): number;
}

interface Chat {
  readonly address: string;
  readonly lanes: Record<DeliveryLane, Map<string, Waiting>>;
  /** Whose turn brings this chat's: who caused its first message. */
  readonly listed: Partial<Record<DeliveryLane, string>>;
  closed: boolean;
}

const LANES = ["interactive", "bulk"] as const;

/** Makes an empty queue. Nothing in it takes longer the more there waits. */
export function createFairQueue(): FairQueue {
  const messages = new Map<string, Waiting>();
  const chats = new Map<string, Chat>();
  const rings: Record<DeliveryLane, Map<string, Set<Chat>>> = { interactive: new Map(), bulk: new Map() };
  const chatAt = (address: string): Chat => {
    const chat = chats.get(address) ?? { address, lanes: { interactive: new Map(), bulk: new Map() }, listed: {}, closed: false };
    chats.set(address, chat);
    return chat;
  };
  const relist = (chat: Chat) => {
    for (const lane of LANES) list(rings[lane], chat, lane);
    if (!chat.closed && LANES.every((lane) => chat.lanes[lane].size === 0)) chats.delete(chat.address);
  };
  const put = (message: Waiting, first: boolean) => {
    const chat = chatAt(message.address);
    const lane = chat.lanes[message.lane];
    const others = first ? [...lane] : [];
    if (first) lane.clear();
    lane.set(message.delivery_id, message);
    for (const [id, other] of others) lane.set(id, other);
    messages.set(message.delivery_id, message);
    relist(chat);
  };
  const remove = (delivery_id: string) => {
    const message = messages.get(delivery_id);
    if (!message) return;
    messages.delete(delivery_id);
    const chat = chatAt(message.address);
    chat.lanes[message.lane].delete(delivery_id);
    relist(chat);
  };
  const setClosed = (address: string, closed: boolean): Chat => {
    const chat = chatAt(address);
    chat.closed = closed;
    relist(chat);
    return chat;
  };
  return {
    add(message) {
      if (!messages.has(message.delivery_id)) put(message, false);
    },
    addFirst(message) {
      remove(message.delivery_id);
      put(message, true);
    },
    has: (delivery_id) => messages.has(delivery_id),
    remove,
    next: (lane) => next(rings[lane], lane),
    turnOver: ({ address, lane }) => turnOver(rings[lane], chatAt(address), lane),
    giveBack(messages) {
      for (const { address, lane } of messages.toReversed()) putForward(rings[lane], setClosed(address, false), lane);
    },
    close: (address) => void setClosed(address, true),
    open: (address) => void setClosed(address, false),
    size: () => messages.size,
  };
}

const firstOf = (chat: Chat, lane: DeliveryLane): Waiting | undefined => chat.lanes[lane].values().next().value;

/** Lists a chat under the person whose message is its first, or nowhere. */
function list(ring: Map<string, Set<Chat>>, chat: Chat, lane: DeliveryLane): void {
  const first = chat.closed ? undefined : firstOf(chat, lane);
  // What nobody has caused takes a turn for each chat.
  const person = first && (first.caused_by === null ? `chat ${chat.address}` : `person ${first.caused_by}`);
  const listed = chat.listed[lane];
  if (listed === person) return;
  if (listed !== undefined) {
    const theirs = ring.get(listed);
    theirs?.delete(chat);
    if (theirs?.size === 0) ring.delete(listed);
    delete chat.listed[lane];
  }
  if (person === undefined) return;
  chat.listed[lane] = person;
  const theirs = ring.get(person) ?? new Set();
  ring.set(person, theirs.add(chat));
}

function next(ring: Map<string, Set<Chat>>, lane: DeliveryLane): Waiting | undefined {
  for (const theirs of ring.values()) for (const chat of theirs) return firstOf(chat, lane);
  return undefined;
}

function turnOver(ring: Map<string, Set<Chat>>, chat: Chat, lane: DeliveryLane): void {
  const person = chat.listed[lane];
  const theirs = person !== undefined && ring.get(person);
  if (!theirs || person === undefined) return;
  theirs.delete(chat);
  theirs.add(chat);
  ring.delete(person);
  ring.set(person, theirs);
}

/** Takes as long as there are people, and chats of this one; it is done when the token is out of budget, a few times a second at most. */
function putForward(ring: Map<string, Set<Chat>>, chat: Chat, lane: DeliveryLane): void {
  const person = chat.listed[lane];
  const theirs = person !== undefined && ring.get(person);
  if (!theirs || person === undefined) return;
  const chats = [chat, ...theirs];
  theirs.clear();
  for (const one of chats) theirs.add(one);
  const others = [...ring].filter(([other]) => other !== person);
  ring.clear();
  ring.set(person, theirs);
  for (const [other, of_other] of others) ring.set(other, of_other);
}
