import type { PlainChart } from "../../core/chart.ts";
import { createLocalTime } from "../../core/local-time.ts";

/** A mark of an axis. */
export interface Tick {
  readonly value: number;
  readonly label: string;
}

/** About so many marks, with room for their labels. */
const VALUE_TICKS = 4;
/** A day and a quarter of an hour by 3 hours, and a week and a bar by days, have 8. */
const TIME_TICKS = 8.5;
const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;
/** Minutes between two marks of time that people count in. */
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 4_320, 7_200, 10_080];

/** Round numbers from 0 to at least the highest value; the last one is the end of the axis. */
export function valueTicks(highest: number): readonly Tick[] {
  const step = niceStep(highest / VALUE_TICKS);
  const count = Math.max(1, Math.ceil(highest / step));
  return Array.from({ length: count + 1 }, (_, at) => ({ value: at * step, label: compact(at * step) }));
}

/** 1, 2, 5, 10, 20, 50 and so on; events come whole. */
function niceStep(atLeast: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, atLeast)));
  const factor = [1, 2, 5, 10].find((each) => each * power >= atLeast) ?? 10;
  return factor * power;
}

/** A number in few signs: 950, 1.5k, 20k, 3M. */
export function compact(value: number): string {
  const [divisor, sign] = value >= 999_950 ? [1_000_000, "M"] : value >= 1_000 ? [1_000, "k"] : [1, ""];
  const shown = value / divisor;
  const digits = shown < 100 && sign !== "" ? 1 : 0;
  return `${Number(shown.toFixed(digits))}${sign}`;
}

/** Round times of the zone, in milliseconds since 1970; at midnight the date. */
export function timeTicks({ from, span_s, series, zone }: PlainChart): readonly Tick[] {
  const local = createLocalTime(zone);
  const begin = Date.parse(from);
  const minutes = ((series[0]?.values.length ?? 0) * span_s) / 60;
  const step = TIME_STEPS.find((each) => minutes / each <= TIME_TICKS) ?? DAY_MINUTES * 7;
  // Zones are off by whole quarters of an hour, so nothing round is missed between.
  const stride = step % 15 === 0 ? 15 : 1;
  const first = Math.ceil(begin / MINUTE_MS / stride) * stride;
  const moments = Array.from({ length: Math.ceil(minutes / stride) }, (_, at) => (first + at * stride) * MINUTE_MS);
  return moments.flatMap((value) => {
    if (value > begin + minutes * MINUTE_MS) return [];
    const { day, minute, date, time } = local(value);
    const isRound = step < DAY_MINUTES ? minute % step === 0 : minute === 0 && day % (step / DAY_MINUTES) === 0;
    return isRound ? [{ value, label: minute === 0 ? date : time }] : [];
  });
}
