/** How often each place of a script ran, as V8 has counted it in one process. */

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** What `NODE_V8_COVERAGE` writes for a script. */
export interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

/**
 * Counts of offsets, which must be asked for all at once: the innermost range around each one counts.
 *
 * @param offsets in any order
 */
export function countsAt({ functions }: ScriptCoverage, offsets: readonly number[]): ReadonlyMap<number, number> {
  const ranges = functions
    .flatMap((each) => each.ranges)
    .toSorted((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  const counts = new Map<number, number>();
  const around: Range[] = [];
  let next = 0;
  for (const offset of offsets.toSorted((a, b) => a - b)) {
    for (; next < ranges.length; next += 1) {
      const range = ranges[next];
      if (range === undefined || range.startOffset > offset) break;
      leave(around, range.startOffset);
      around.push(range);
    }
    leave(around, offset);
    counts.set(offset, around.at(-1)?.count ?? 0);
  }
  return counts;
}

function leave(around: Range[], offset: number): void {
  while ((around.at(-1)?.endOffset ?? Infinity) <= offset) around.pop();
}
