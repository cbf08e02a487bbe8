/** One platform on which a person can be known. */
interface Platform {
  /** What an id looks like there. */
  readonly id: RegExp;
  /** The one spelling of an id whose case means nothing. */
  readonly spell?: (id: string) => string;
}

/**
 * How people are known, per platform. Nothing else can be given a role: an API key has its own (`key:ci`), and whoever sits at the sandbox
 * is `local`. Telegram's ids of people are positive and have at most 52 bits (Bot API, "User"); Slack's begin with U or W.
 */
const PLATFORMS: Readonly<Record<string, Platform>> = {
  telegram: { id: /^[1-9]\d{0,15}$/ },
  // Webex and mail servers hold that the case of an address means nothing.
  webex: { id: /^[^\s@:,<>|]{1,64}@[^\s@:,<>|]{1,190}$/, spell: (id) => id.toLowerCase() },
  slack: { id: /^[UW][A-Z0-9]{1,63}$/ },
};

/** Examples of identities, for those who have written one wrongly. */
export const IDENTITY_EXAMPLES = "telegram:1001,webex:ops@example.com,slack:U1";

/** A person as a platform sends them, in its one spelling (`telegram:1002`, `webex:kim@example.com`); null for what no platform can send. */
export function parseIdentity(typed: string): string | null {
  const [, name = "", id = ""] = /^([a-z]+):(.+)$/i.exec(typed) ?? [];
  const key = name.toLowerCase();
  const platform = Object.hasOwn(PLATFORMS, key) ? PLATFORMS[key] : undefined;
  return platform?.id.test(id) ? `${key}:${platform.spell?.(id) ?? id}` : null;
}
