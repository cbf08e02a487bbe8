import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { commands } from "../../commands/index.ts";
import { createProtection } from "../../core/addresses.ts";
import { slugOf } from "../../core/command.ts";
import { ERROR_CODES } from "../../core/errors.ts";
import { REPLAY_STATUSES } from "../../core/events/ports.ts";
import { LIST_KINDS } from "../../core/ledger.ts";
import { LOCALES, type Locale } from "../../core/locale.ts";
import { questionKey } from "../../core/registry.ts";
import { ROLES } from "../../core/request.ts";
import { RUN_STATUSES } from "../../core/run.ts";
import { isOptional } from "../../core/text/field-kind.ts";
import { ownSources, ROOT } from "../support/source.ts";
import { type KeyUse, keysIn, keysInText, saidKeys } from "../support/text-keys.ts";

const PLURAL = /_(?:zero|one|two|few|many|other)$/;
const Sentences = z.record(z.string(), z.string());

const sentences = Object.fromEntries(
  LOCALES.map((locale) => [locale, Sentences.parse(JSON.parse(readFileSync(`${ROOT}commands/locales/${locale}.json`, "utf8")))]),
) as Record<Locale, Record<string, string>>;

/** A key as it is said: without a plural's ending, where it is one ("parse.too_many" is none). */
const said = (key: string, locale: Locale) => (key.replace(PLURAL, "_other") in sentences[locale] ? key.replace(PLURAL, "") : key);
const keysOf = (locale: Locale) => [...new Set(Object.keys(sentences[locale]).map((key) => said(key, locale)))].sort();
const known = new Set(keysOf("en"));

const PROTECTED = ["10.0.0.1", "127.0.0.1", "0.0.0.0", "104.16.0.1", "203.0.113.7"].map(createProtection(["203.0.113.7"]));

/** What may stand in the place of the `*` of keys that are made at run time. A new family of keys is added here. */
const FAMILIES: Readonly<Record<string, readonly string[]>> = {
  "errors.*": Object.keys(ERROR_CODES),
  "problems.*": Object.keys(ERROR_CODES),
  "role.*": [...ROLES, "none"],
  "run.status.*": RUN_STATUSES,
  "run.state.*": RUN_STATUSES,
  "cf.protected.*": PROTECTED.map(String),
  "cf.protected.range.*": PROTECTED.map(String),
  "cf.status.*": ["blocked", "already_blocked", "released", "not_blocked", "foreign", "covered", "partly", "failed", "unverified"],
  "cf.search.*": ["blocked", "partly", "not_blocked"],
  "cf.list.*": LIST_KINDS,
  "cf.drift.*": ["missing", "changed"],
  "cf.block.*": ["title", "blocked", "already_blocked", "unverified"],
  "cf.release.*": ["title", "released", "not_blocked", "foreign", "covered", "unverified"],
  "event_replay.status.*": REPLAY_STATUSES,
  "parse.type.*": [
    "text",
    "number",
    "whole_number",
    "yes_or_no",
    "list",
    "object",
    "email",
    "url",
    "uuid",
    "date_time",
    "date",
    "time",
    "duration",
    "other",
  ],
};
/** Said as `${prefix}.${status}`, with these prefixes given as they stand. */
const PREFIXES = ["cf.block", "cf.release"];

const namespaces = new Set([...known].map((key) => key.split(".")[0] ?? ""));
const sources = ownSources().filter(({ path }) => !/^(test|proof|sandbox)\//.test(path));
const uses = sources.flatMap((source) => keysIn(source, namespaces));
const inText = sources.flatMap(saidKeys);
const families = uses.filter(({ key }) => key.includes("*") && !key.startsWith("ask.*"));
const questions = commands.flatMap((command) =>
  command.positional.filter((field) => !isOptional(command.input, field)).map((field) => questionKey(command, field)),
);
const ofFamilies = Object.entries(FAMILIES).flatMap(([family, rest]) => rest.map((one) => family.replace("*", one)));

describe("the languages", () => {
  it.each(LOCALES)("%s has every key of the others", (locale) => {
    expect(keysOf(locale)).toEqual(keysOf("en"));
  });

  it.each(LOCALES)("%s has every plural that its numbers need", (locale) => {
    const forms = [...new Set(Array.from({ length: 201 }, (_, count) => new Intl.PluralRules(locale).select(count)))];
    const plural = Object.keys(sentences[locale])
      .filter((key) => said(key, locale) !== key)
      .map((key) => said(key, locale));
    expect(plural.flatMap((key) => forms.map((form) => `${key}_${form}`)).filter((key) => !(key in sentences[locale]))).toEqual([]);
  });

  it.each(LOCALES)("%s puts the same things into each sentence", (locale) => {
    const params = (of: Locale, key: string) => {
      const forms = Object.entries(sentences[of]).filter(([name]) => said(name, of) === key);
      return new Set(forms.flatMap(([, sentence]) => sentence.match(/\{\{\w+\}\}/g) ?? []));
    };
    for (const key of known) expect([key, [...params(locale, key)].sort()]).toEqual([key, [...params("en", key)].sort()]);
  });

  it.each(LOCALES)("%s has no empty sentence, none with spaces around it, and no other braces", (locale) => {
    const wrong = Object.entries(sentences[locale]).filter(
      ([, sentence]) =>
        sentence.trim() === "" || sentence !== sentence.trim() || /[{}]|\$t\(/.test(sentence.replaceAll(/\{\{\w+\}\}/g, "")),
    );
    expect(wrong).toEqual([]);
  });

  it.each(["ko", "ru"] as const)("%s is a language of its own", (locale) => {
    const letters = { ko: /[가-힣]/, ru: /[а-яё]/i }[locale];
    const foreign = Object.entries(sentences[locale]).filter(
      ([, sentence]) => /[a-z]{3} [a-z]{3}/i.test(sentence) && !letters.test(sentence),
    );
    expect(foreign).toEqual([]);
  });
});

describe("the keys", () => {
  const exists = ({ key }: KeyUse) => known.has(key) || PREFIXES.includes(key);
  const show = (found: readonly KeyUse[]) => found.map(({ key, place }) => `${place} says "${key}"`);

  it("that are said exist", () => {
    expect(inText.length).toBeGreaterThan(50);
    expect(show(inText.filter((use) => !known.has(use.key)))).toEqual([]);
  });

  it("that stand anywhere in the source exist", () => {
    const plain = uses.filter(({ key }) => !key.includes("*"));
    expect(show(plain.filter((use) => !exists(use)))).toEqual([]);
  });

  it("that are made at run time exist, and each family is known here", () => {
    expect(show(families.filter(({ key }) => !(key in FAMILIES)))).toEqual([]);
    expect(ofFamilies.filter((key) => !known.has(key))).toEqual([]);
  });

  it("that ask for an argument exist for each command, and for nothing else", () => {
    expect(questions.filter((key) => !known.has(key))).toEqual([]);
    const asked = [...known].filter((key) => /^ask\.[^.]+\./.test(key));
    expect(asked.toSorted()).toEqual(questions.toSorted());
    expect(commands.map(slugOf)).toContain("cf_block");
  });

  it("are all used", () => {
    const used = new Set([...[...uses, ...inText].map(({ key }) => key), ...ofFamilies, ...questions]);
    expect([...known].filter((key) => !used.has(key))).toEqual([]);
  });
});

describe("the search for keys", () => {
  it("finds them wherever they stand, and nothing else", () => {
    const source =
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is source in a string
      'text("cf.rule"); const m = { a: "errors.timeout" }; z.string("text:field.identity"); "cf is a word"; "other.key"; `cf.status.${s}`;';
    expect(keysInText(source, ["cf", "errors", "field"])).toEqual(["cf.rule", "errors.timeout", "field.identity", "cf.status.*"]);
  });
});
