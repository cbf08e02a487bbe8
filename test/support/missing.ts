/**
 * Says that this machine lacks what a test needs, so that the test is skipped; in CI (`CI_REQUIRE_SERVERS`, set by .ci/run) nothing may be
 * missing.
 * @returns false, for "is it here"
 * @throws Error in CI
 */
export function missing(reason: string): false {
  if (process.env["CI_REQUIRE_SERVERS"]) throw new Error(`CI skips no test: ${reason}`);
  process.stdout.write(`skipped: ${reason}\n`);
  return false;
}
