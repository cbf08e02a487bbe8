import { createTexts, loadCatalogues } from "../../clients/texts.ts";
import { commands } from "../../commands/index.ts";
import { createRegistry, type Registry } from "../../core/registry.ts";
import type { Texts } from "../../core/reply.ts";
import { localesFolder } from "./paths.ts";

/** The commands and their texts, checked. Apart from all that needs a server, so that the CLI, which uses it too, starts in a moment. */
export function loadRegistry(): { readonly registry: Registry; readonly texts: Texts } {
  const texts = createTexts(loadCatalogues(localesFolder()));
  return { registry: createRegistry(commands, texts), texts };
}
