/** The rows of one table that this process works on. The same row may be in several hands, of which all but one find that it is claimed. */
export interface Hand {
  take(id: string): void;
  letGo(id: string): void;
  ids(): readonly string[];
}

/** Makes an empty hand. */
export function createHand(): Hand {
  const held = new Map<string, number>();
  return {
    take: (id) => void held.set(id, (held.get(id) ?? 0) + 1),
    letGo(id) {
      const left = (held.get(id) ?? 0) - 1;
      if (left > 0) held.set(id, left);
      else held.delete(id);
    },
    ids: () => [...held.keys()],
  };
}
