import type { Command } from "../core/command.ts";
import { cfBlock } from "./cf/block.ts";
import { cfList } from "./cf/list.ts";
import { cfRelease } from "./cf/release.ts";
import { cfSearch } from "./cf/search.ts";
import { help } from "./desk/help.ts";
import { ping } from "./desk/ping.ts";
import { grant } from "./people/grant.ts";
import { revoke } from "./people/revoke.ts";
import { whoami } from "./people/whoami.ts";
import { runShow } from "./runs/show.ts";

/** The product: every command there is. Adding one is an import and a line. */
export const commands: readonly Command[] = [cfBlock, cfRelease, cfSearch, cfList, runShow, whoami, grant, revoke, help, ping];
