/** Sources whose branches no simulation takes, by their beginnings, with the reason. They count all the same. */
export const REASONS: Readonly<Record<string, string>> = {
  'src/store/sqlite/file/': 'files, their system, and what other processes write to them: a simulation has none',
  'src/store/sqlite/connection/session.ts': 'a file that was replaced, and the worker thread',
  'src/store/sqlite/clock/monotonic-clock-id.ts': "reads the host's /proc: a simulation has a clock of its own",
  'src/store/sqlite/pods/process-table.ts': "reads the host's /proc: a simulated host has its own table",
  'src/store/sqlite/row-mapping.ts': 'rows that plain SQL has written',
  'src/store/step-counts.ts': 'rows of an unknown status, which plain SQL has written',
  'src/store/sqlite/sliced-operations.ts': 'lists and batches of more than a slice of some milliseconds holds',
  'src/store/sqlite/reading/': 'a thousand steps that have ended between two polls, and pages longer than a slice',
  'src/store/sqlite/steps/retention.ts': 'more steps past their retention than one piece removes',
  'src/store/sqlite/clock/store-clock.ts':
    'two clocks that are read apart: a virtual clock stands still between two reads',
  'src/step/read-stored-result.ts': 'errors that plain SQL has written',
  'src/fleet/pod-id-twice-in-process.ts': "the system's runtime: a simulation has its own",
  'src/pool/pool-state.ts': 'events that no state expects: a bug in the library',
  'src/pool/bug-reporter.ts': 'a bug in the library',
  'src/fleet/journal-file.ts': 'a journal in a file: writing one is not deterministic',
  'src/fleet/journal.ts': 'a journal in a file, and a thousand cycles: more than a run has',
  'src/fleet/succession.ts': 'a fleet of two versions of the library: a simulation has one',
};
