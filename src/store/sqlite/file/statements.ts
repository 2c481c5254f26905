/** The PRAGMAs of a connection. */

/** The settings of every connection. The others depend on the store's options. */
export const SETTINGS: readonly string[] = [
  'PRAGMA journal_size_limit = 67108864',
  'PRAGMA mmap_size = 0',
  'PRAGMA temp_store = MEMORY',
];

export const JOURNAL_MODE_WAL = 'PRAGMA journal_mode = WAL';

export const SYNCHRONOUS = { normal: 'PRAGMA synchronous = NORMAL', full: 'PRAGMA synchronous = FULL' } as const;

/** @param pages in the -wal, after which a commit checkpoints */
export const autocheckpoint = (pages: 200 | 10_000): string => `PRAGMA wal_autocheckpoint = ${pages}`;

export const cacheSize = (kib: 2_000 | 16_000): string => `PRAGMA cache_size = -${kib}`;

/** Moves with every commit of another connection. */
export const DATA_VERSION = 'PRAGMA data_version';

/** Reads the first page of each table, not of an index, so that opening a damaged file fails. */
export const FIRST_ROWS: readonly string[] = ['STEP_TRACKER', 'POD_HEALTH', 'WALL_CLOCK'].map(
  (table) => `SELECT 1 FROM ${table} NOT INDEXED LIMIT 1`,
);

export const PAGE_SIZE = 'PRAGMA page_size';

export const CHECKPOINT = {
  passive: 'PRAGMA wal_checkpoint(PASSIVE)',
  restart: 'PRAGMA wal_checkpoint(RESTART)',
} as const;
