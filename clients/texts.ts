import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInstance, type i18n as I18n } from "i18next";
import { z } from "zod";
import { LOCALES, type Locale, type PerLocale } from "../core/locale.ts";
import type { Moment, Text, TextParam, Texts } from "../core/reply.ts";

/** Sentences by key, flat ("cf.blocked") or nested, in i18next's JSON form: `{{name}}`, plurals as `key_one`, `key_other`. */
export interface Catalogue {
  readonly [key: string]: string | Catalogue;
}

const CATALOGUE: z.ZodType<Catalogue> = z.lazy(() => z.record(z.string(), z.union([z.string(), CATALOGUE])));

/** The language that stands in where a sentence is missing. */
const FALLBACK = LOCALES[0];

/**
 * Reads `en.json`, `ko.json` and `ru.json`.
 * @throws Error naming the file that is missing or no catalogue
 */
export function loadCatalogues(folder: string): PerLocale<Catalogue> {
  return perLocale((locale) => {
    const path = join(folder, `${locale}.json`);
    try {
      return CATALOGUE.parse(JSON.parse(readFileSync(path, "utf8")));
    } catch (cause) {
      throw new Error(`${path} is no catalogue of texts`, { cause });
    }
  });
}

/** Says texts from catalogues; a sentence that a language lacks is said in English, a key nobody knows as the key itself. */
export function createTexts(catalogues: PerLocale<Catalogue>): Texts {
  const sentences = perLocale((locale) => new Map(flatten(catalogues[locale])));
  const integerForms = perLocale(integerFormsOf);
  const i18n = createI18n(sentences);
  const showMoment = createMoments();
  const amounts = perLocale((locale) => new Intl.NumberFormat(locale));

  const has = (key: string, locale: Locale) =>
    sentences[locale].has(key) || integerForms[locale].every((form) => sentences[locale].has(`${key}_${form}`));

  const sayParam = (param: TextParam, locale: Locale, zone: string): string | number => {
    if (typeof param !== "object") return param;
    if ("amount" in param) return amounts[locale].format(param.amount);
    return "at" in param ? showMoment(param, locale, zone) : say(param, locale, zone);
  };

  const say = (text: Text, locale: Locale, zone: string): string => {
    if ("raw" in text) return text.raw;
    if ("per_locale" in text) return text.per_locale[locale];
    const { key, params = {} } = text;
    if (!has(key, locale) && !has(key, FALLBACK)) return key;
    const values = Object.entries(params).map(([name, param]) => [name, sayParam(param, locale, zone)] as const);
    // Values go in by `replace`, so that none is taken for an option of i18next; `nest` off, so that none is markup of it.
    const options = { lng: locale, replace: Object.fromEntries(values), nest: false };
    return i18n.t(key, typeof params["count"] === "number" ? { ...options, count: params["count"] } : options);
  };
  return { say, has };
}

function createI18n(sentences: PerLocale<ReadonlyMap<string, string>>): I18n {
  const i18n = createInstance();
  // Without `initAsync` the catalogues are there at once: nothing is to be awaited.
  void i18n.init({
    initAsync: false,
    lng: FALLBACK,
    fallbackLng: FALLBACK,
    supportedLngs: [...LOCALES],
    resources: perLocale((locale) => ({ translation: Object.fromEntries(sentences[locale]) })),
    keySeparator: false,
    nsSeparator: false,
    // What people typed is escaped by each surface for itself.
    interpolation: { escapeValue: false },
  });
  return i18n;
}

function flatten(catalogue: Catalogue, prefix = ""): [key: string, sentence: string][] {
  return Object.entries(catalogue).flatMap(([key, value]) =>
    typeof value === "string" ? [[`${prefix}${key}`, value] as [string, string]] : flatten(value, `${prefix}${key}.`),
  );
}

/** The plural forms that whole numbers take in a language: en one, other; ko other; ru one, few, many. */
function integerFormsOf(locale: Locale): readonly string[] {
  const rules = new Intl.PluralRules(locale);
  return [...new Set(Array.from({ length: 201 }, (_, count) => rules.select(count)))];
}

/** Shows moments as "Nov 22, 2026, 09:16 GMT+9"; one that cannot be read as it stands, in a zone nobody knows as UTC. */
function createMoments(): (moment: Moment, locale: Locale, zone: string) => string {
  const formats = new Map<string, Intl.DateTimeFormat>();
  const formatOf = (locale: Locale, zone: string, seconds: boolean) => {
    const key = `${locale} ${zone} ${seconds}`;
    const format = formats.get(key) ?? createFormat(locale, zone, seconds);
    formats.set(key, format);
    return format;
  };
  return ({ at, seconds = false }, locale, zone) => {
    const moment = new Date(at);
    if (Number.isNaN(moment.getTime())) return at;
    try {
      return formatOf(locale, zone, seconds).format(moment);
    } catch {
      return formatOf(locale, "UTC", seconds).format(moment);
    }
  };
}

function createFormat(locale: Locale, timeZone: string, seconds: boolean): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    ...(seconds && { second: "2-digit" }),
    hourCycle: "h23",
    timeZone,
    timeZoneName: "short",
  });
}

function perLocale<T>(of: (locale: Locale) => T): PerLocale<T> {
  const entries = LOCALES.map((locale) => [locale, of(locale)] as const);
  return Object.fromEntries(entries) as PerLocale<T>;
}
