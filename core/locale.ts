/** The languages every text exists in. The first is the fallback. */
export const LOCALES = ["en", "ko", "ru"] as const;

/** One of the languages every text exists in. */
export type Locale = (typeof LOCALES)[number];

/** The same thing said in each language. */
export type PerLocale<T> = Readonly<Record<Locale, T>>;

/**
 * The locale that fits a platform's language tag ("ko-KR", "ru"), or the fallback where none does.
 * @param tag a BCP 47 language tag, as Telegram's `language_code` and HTTP's `Accept-Language` carry it
 */
export function toLocale(tag: string | undefined | null, fallback: Locale): Locale {
  const language = tag?.trim().slice(0, 2).toLowerCase();
  return LOCALES.find((locale) => locale === language) ?? fallback;
}
