import { OpsError } from "../../core/errors.ts";

/** How a call is to go wrong. */
export interface Break {
  /** Thrown; by default what a store throws that cannot be reached. */
  readonly error?: unknown;
  /** How many calls go wrong; by default all from now on. */
  readonly times?: number;
  /** Only calls whose first argument is this one, or is about this network or rule. */
  readonly of?: string;
  /** The call does its work, and only its answer is lost. */
  readonly after?: boolean;
}

/** A port whose methods can be told to fail. */
export type Breakable<T> = T & {
  breaks(method: keyof T & string, how?: Break): void;
  mends(): void;
  /** How often a method was called. */
  calls(method: keyof T & string): number;
};

type Method = (...args: unknown[]) => Promise<unknown>;

function isAbout(argument: unknown, of: string): boolean {
  if (argument === of) return true;
  const { network, rule_id } = (argument ?? {}) as { network?: unknown; rule_id?: unknown };
  return network === of || rule_id === of;
}

/** Puts a port whose methods all return promises behind a switch. */
export function breakable<T extends object>(port: T): Breakable<T> {
  const broken = new Map<string, { how: Break; left: number }>();
  const counts = new Map<string, number>();
  const call =
    (name: string, method: Method) =>
    async (...args: unknown[]) => {
      counts.set(name, (counts.get(name) ?? 0) + 1);
      const state = broken.get(name);
      if (!state || state.left === 0 || (state.how.of !== undefined && !isAbout(args[0], state.how.of))) return method.apply(port, args);
      state.left--;
      if (state.how.after) await method.apply(port, args);
      throw state.how.error ?? new OpsError("unavailable", `${name} cannot be reached`);
    };
  const controls = {
    breaks: (name: string, how: Break = {}) => void broken.set(name, { how, left: how.times ?? Number.POSITIVE_INFINITY }),
    mends: () => broken.clear(),
    calls: (name: string) => counts.get(name) ?? 0,
  };
  const get = (_target: T, name: string | symbol): unknown => {
    if (typeof name === "string" && name in controls) return controls[name as keyof typeof controls];
    const value = Reflect.get(port, name);
    return typeof value === "function" && typeof name === "string" ? call(name, value as Method) : value;
  };
  return new Proxy(port, { get }) as Breakable<T>;
}
