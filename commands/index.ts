import type { Command } from "../core/command.ts";
import { audit } from "./audit/audit.ts";
import { auditVerify } from "./audit/verify.ts";
import { cfBlock } from "./cf/block.ts";
import { cfList } from "./cf/list.ts";
import { cfRelease } from "./cf/release.ts";
import { cfSearch } from "./cf/search.ts";
import { help } from "./desk/help.ts";
import { ping } from "./desk/ping.ts";
import { eventFailed } from "./events/failed.ts";
import { eventForget } from "./events/forget.ts";
import { eventReplay } from "./events/replay.ts";
import { eventSearch } from "./events/search.ts";
import { eventStats } from "./events/stats.ts";
import { grant } from "./people/grant.ts";
import { revoke } from "./people/revoke.ts";
import { whoami } from "./people/whoami.ts";
import { runCancel } from "./runs/cancel.ts";
import { runList } from "./runs/list.ts";
import { runRetry } from "./runs/retry.ts";
import { runShow } from "./runs/show.ts";
import { telegramSend } from "./telegram/send.ts";

/** The product: every command there is. Adding one is an import and a line. */
export const commands: readonly Command[] = [
  cfBlock,
  cfRelease,
  cfSearch,
  cfList,
  eventSearch,
  eventFailed,
  eventReplay,
  eventForget,
  eventStats,
  telegramSend,
  runShow,
  runList,
  runRetry,
  runCancel,
  whoami,
  grant,
  revoke,
  audit,
  auditVerify,
  help,
  ping,
];
