import { LOCALES, type Locale } from "../core/locale.ts";

/** A header with more languages than this was not written for people. */
const MAX_LANGUAGES = 20;

/**
 * The language of ours that a reader likes best, by the weights of `Accept-Language` (RFC 9110, 12.5.4), or the fallback.
 * @param header the header's value; a region ("ko-KR") is not looked at
 */
export function negotiateLocale(header: string | undefined, fallback: Locale): Locale {
  const ranges = (header ?? "").split(",").slice(0, MAX_LANGUAGES).map(toRange);
  const wanted = ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  for (const { language } of wanted) {
    const locale = language === "*" ? fallback : LOCALES.find((each) => each === language);
    if (locale) return locale;
  }
  return fallback;
}

function toRange(words: string): { readonly language: string; readonly weight: number } {
  const [tag = "", ...parameters] = words.split(";").map((part) => part.trim().toLowerCase());
  const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  const weight = quality === undefined ? 1 : Number(quality);
  return { language: tag.split("-")[0] ?? "", weight: Number.isNaN(weight) ? 0 : weight };
}
