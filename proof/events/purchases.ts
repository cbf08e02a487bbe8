import { readFile } from "node:fs/promises";
import path from "node:path";

/** A line of the file, and the event that it becomes. */
export interface Purchase {
  /** The line's number: 19 lines of the file are the same as another one. */
  readonly event_id: string;
  /** The customer, as the file writes it: `00004`. */
  readonly user_id: string;
  /** Several lines have one: what a customer bought on one day. */
  readonly order_id: string;
  /** As Switchboard tells it: `1997-01-18T00:00:00.000000Z`. */
  readonly event_datetime: string;
  readonly cents: number;
}

/** 6,919 purchases of 2,357 customers of a music shop, 1997-98 (CDNOW sample, as distributed with CamDavidsonPilon/lifetimes, MIT). */
export const PURCHASES = path.resolve("../shared/data/events/cdnow-sample.txt");

/** Master id, sample id, date, number of CDs, dollars. */
const LINE = /^\s*(\d+)\s+\d+\s+(\d{4})(\d\d)(\d\d)\s+\d+\s+(\d+)\.(\d\d)\s*$/;

/** Reads the file. @throws Error naming a line that is not as expected */
export async function readPurchases(file: string): Promise<Purchase[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line.trim() !== "");
  return lines.map((line, index) => {
    const [, user_id, year, month, day, dollars, cents] = LINE.exec(line) ?? [];
    if (user_id === undefined) throw new Error(`${file}:${index + 1}: not a purchase: ${line}`);
    return {
      event_id: String(index + 1),
      user_id,
      order_id: `${user_id}-${year}${month}${day}`,
      event_datetime: `${year}-${month}-${day}T00:00:00.000000Z`,
      cents: Number(dollars) * 100 + Number(cents),
    };
  });
}

/** A purchase as a client sends it. @param copy the second time the id is the number that it is, which is the same id */
export function toEvent({ event_id, user_id, order_id, event_datetime, cents }: Purchase, copy: number): object {
  return {
    event_id: copy === 0 ? event_id : Number(event_id),
    ...{ event: "purchase", user_id, event_datetime },
    parameters: { order_id, currency: "usd", price: cents / 100 },
  };
}

/** The purchases of each customer. */
export function byCustomer(purchases: readonly Purchase[]): ReadonlyMap<string, readonly Purchase[]> {
  const customers = new Map<string, Purchase[]>();
  for (const purchase of purchases) customers.set(purchase.user_id, [...(customers.get(purchase.user_id) ?? []), purchase]);
  return customers;
}
