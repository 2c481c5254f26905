/** Why no simulation takes some branches. They count all the same. */
import { at, type Place } from './place.js';
import { RARE_PLACES } from './rare-places.js';

/** Of all branches of a source, by the beginning of its path. */
const OF_SOURCES: Readonly<Record<string, string>> = {
  'src/store/sqlite/file/': 'files, their system, and what other processes write to them: a simulation has none',
  'src/store/sqlite/connection/session.ts': 'a file that was replaced, and the worker thread',
  'src/store/sqlite/clock/monotonic-clock-id.ts': "reads the host's /proc: a simulation has a clock of its own",
  'src/store/sqlite/pods/process-table.ts': "reads the host's /proc: a simulated host has its own table",
  'src/store/sqlite/row-mapping.ts': 'rows of pods that plain SQL has written',
  'src/store/step-counts.ts': 'rows of an unknown status, which plain SQL has written',
  'src/store/sqlite/sliced-operations.ts': 'lists and batches of more than a slice of some milliseconds holds',
  'src/store/sqlite/reading/': 'a thousand steps that have ended between two polls, and pages longer than a slice',
  'src/store/sqlite/clock/store-clock.ts':
    'two clocks that are read apart: a virtual clock stands still between two reads',
  'src/fleet/pod-id-twice-in-process.ts': "the system's runtime: a simulation has its own",
  'src/pool/pool-state.ts': 'events that no state expects: a bug in the library',
  'src/pool/bug-reporter.ts': 'a bug in the library',
  'src/fleet/journal-file.ts': 'a journal in a file: writing one is not deterministic',
  'src/fleet/journal.ts': 'a journal in a file, and a thousand cycles: more than a run has',
  'src/fleet/succession.ts': 'a fleet of two versions of the library: a simulation has one',
};

const THERE = 'only the compiler doubts it: the list has such an item';
const REPAIRED = 'numbers out of range, which plain SQL has written: the checker knows no row that is repaired';
const IN_MEMORY = 'a file: a simulation has a database in memory';

const NEVER_TAKEN: readonly Place[] = [
  ...at(THERE, 'src/client/submitter.ts', "receipts[i] ?? 'created'"),
  ...at(THERE, 'src/fleet/recovery-cycle.ts', 'if (settlement === undefined) return;', "receipts[index] ?? 'lost'"),
  ...at(THERE, 'src/fleet/quiet-spell.ts', '(this.#last?.startedAt ?? 0)'),
  ...at(THERE, 'src/pool/claims/ready-queue.ts', 'if (one === undefined || other === undefined)'),
  ...at(THERE, 'src/pool/handlers/handlers.ts', 'if (definition === undefined || this.#byType.has(type)) continue;'),
  ...at(
    'asked only of types that have a limit',
    'src/pool/handlers/type-handler.ts',
    'return this.limit === undefined ? Infinity',
    'if (this.limit === undefined) return Infinity;',
  ),
  ...at(
    'the outcome of a cancelled step is decided before',
    'src/pool/execution/decide-outcome.ts',
    "return outcome.kind === 'released' ? { ...outcome",
  ),
  ...at(
    'an error of another copy of the package: a simulation has one',
    'src/store/contract/is-store-error.ts',
    "thrown.name !== 'StoreError'",
    "typeof transient === 'boolean'",
  ),
  ...at(
    'a schema of a newer version: a simulation has one version',
    'src/fleet/heartbeat.ts',
    "error.code === 'STORE_SCHEMA_NEWER'",
  ),
  ...at(
    'only a store that counts its steps lets pods sleep',
    'src/fleet/sleep.ts',
    'store.census?.() ?? Promise.resolve(rest.census)',
  ),
  ...at(THERE, 'src/store/snowflake/columns.ts', "columns[name] ?? ''"),
  ...at(THERE, 'src/store/snowflake/steps/submissions.ts', 'firsts.get(step.stepId) ?? at;'),
  ...at(THERE, 'src/store/sqlite/pods/pod-step-types.ts', 'this.#at.get(seq) ?? null'),
  ...at(THERE, 'src/store/sqlite/claiming/candidates.ts', 'types.get(key[3]) ?? 0'),
  ...at(THERE, 'src/store/sqlite/claiming/claim-quota.ts', 'this.#limits.get(type) ?? 0'),
  ...at(THERE, 'src/store/sqlite/claiming/types-to-walk.ts', "wanted.at(-1)?.[0] ?? ''", "present.at(-1) ?? ''"),
  ...at(THERE, 'src/store/sqlite/steps/settlements.ts', 'if (one === undefined) return 0;'),
  ...at(THERE, 'src/store/sqlite/synchronous-core.ts', 'this.#dataVersion.get() ?? 0'),
  ...at(
    REPAIRED,
    'src/store/sqlite/claiming/claims.ts',
    'isClaimable(found) ? found : this.#repaired(found)',
    'if (row === undefined) continue;',
  ),
  ...at(
    REPAIRED,
    'src/store/sqlite/claiming/held-steps.ts',
    'return rows.every(isClaimable)',
    'if (rows.every(isFine)) return rows;',
  ),
  ...at(REPAIRED, 'src/store/sqlite/steps/settlements.ts', 'if (this.#repair.of(alike'),
  ...at(REPAIRED, 'src/store/sqlite/steps/cancel-and-retry.ts', 'if (isVersion(step.version)) return step;'),
  ...at(
    REPAIRED,
    'src/store/sqlite/synchronous-core.ts',
    'if (orphans !== undefined) return orphans;',
    'return this.#heldSteps.orphans(limit) ?? [];',
  ),
  ...at(REPAIRED, 'src/store/sqlite/pods/pods.ts', 'newestStep <= LATEST_INSTANT ? newestStep : 0'),
  ...at(
    'only pods of a warehouse sleep',
    'src/store/sqlite/pods/pods.ts',
    'eligible ? 1 : 0, asleep ? 1 : 0, withoutTypes(meta)',
  ),
  ...at(
    'only pods of a warehouse change their intervals',
    'src/store/sqlite/pods/pods.ts',
    'return ms === undefined ? null : Math.ceil(ms);',
  ),
  ...at(
    'two clocks that are read apart: a virtual clock stands still between two reads',
    'src/store/sqlite/clock/wall-clock-offsets.ts',
    'return wallMs === null ? 0 : wallMs - now - this.offsetMs();',
  ),
  ...at(
    'another boot of the host: a database in memory outlives none',
    'src/store/sqlite/clock/wall-clock-offsets.ts',
    'const correctionMs = before !== undefined',
  ),
  ...at(
    THERE,
    'src/store/sqlite/clock/wall-clock-offsets.ts',
    'row: row[5] ?? 0',
    'row: movedRow ?? 0',
    'if (row !== undefined) this.#setMoved.run(',
  ),
  ...at(
    'a file without a record of its wall clock: it is made with one',
    'src/store/sqlite/clock/wall-time-conversion.ts',
    'const [since, offsetMs] = offsets.at(-1) ?? [0, 0];',
  ),
  ...at(
    'a transaction that takes time: a virtual clock stands still meanwhile',
    'src/store/sqlite/exchange/batch-size.ts',
    'FASTER_WEIGHT : SLOWER_WEIGHT',
  ),
  ...at(
    IN_MEMORY,
    'src/store/sqlite/store.ts',
    '?? (await openSession(options',
    'if (session.watched !== undefined)',
    'options.allowNetworkFileSystem ? NO_PROOF : processes',
  ),
  ...at('examined for `fleet-q doctor`', 'src/store/sqlite/store.ts', 'checkOpenFile: session && '),
  ...at('a page longer than a slice', 'src/store/sqlite/store.ts', 'if (rest === undefined) return page;'),
  ...at('a CommonJS bundle: the simulation is a module', 'src/store/sqlite/options.ts', 'return own === undefined ?'),
];

export const PLACES: readonly Place[] = [...NEVER_TAKEN, ...RARE_PLACES];

/** The beginnings of paths that have a reason. */
export const BEGINNINGS: readonly string[] = Object.keys(OF_SOURCES);

/** Of a whole source. */
export function reasonOfSource(file: string): string | undefined {
  return Object.entries(OF_SOURCES).find(([beginning]) => file.startsWith(beginning))?.[1];
}

/** Of one place. @param line the text of its line */
export function reasonAt(file: string, line: string): string | undefined {
  return PLACES.find((place) => place.file === file && line.includes(place.quote))?.reason;
}
