/**
 * Works on items in their order, a few at the same time. It does not stop where one fails: whoever cares catches that in `work`.
 * @param limit how many at once
 */
export async function atOnce<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const lane = async () => {
    for (const item of waiting) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
}
