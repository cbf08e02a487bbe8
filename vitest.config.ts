import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Tests with real processes, the longest first. */
const LONG = ["/test/proof/", "/test/faults/", "/test/e2e/"];

/** What takes longest begins first, or it would go on alone when all else is done. Vitest knows that by itself only where it has run before. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const at = LONG.findIndex((folder) => moduleId.includes(folder));
  return at === -1 ? LONG.length : at;
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Servers are started by the tests themselves, on two shared cores: a limit is there to end a hang, not to measure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: "forks",
    sequence: { sequencer: LongestFirst },
  },
});
