import type { Charts } from "../../core/chart.ts";
import { toSvg } from "./svg.ts";

/** Telegram keeps photos of up to this many pixels a side as they are; on a phone they are sharp. */
const PIXELS = 1_280;

/** Draws charts as pictures. The renderer is loaded with the first of them, and draws in a thread of its own. */
export function createCharts(): Charts {
  return {
    async png(chart) {
      const { renderAsync } = await import("@resvg/resvg-js");
      const image = await renderAsync(toSvg(chart), {
        fitTo: { mode: "width", value: PIXELS },
        font: { loadSystemFonts: false },
        logLevel: "off",
      });
      return image.asPng();
    },
  };
}
