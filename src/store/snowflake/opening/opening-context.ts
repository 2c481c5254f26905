/** What the steps of opening share. */
import type { Log } from '../../../log.js';
import type { LateReads } from '../late-read-wait.js';
import type { ResolvedOptions } from '../options.js';
import type { Schema } from '../schema.js';
import type { Secrets } from '../session/secrets.js';
import type { StatementRunner } from '../session/session-interface.js';
import type { Statements } from '../statements.js';
import type { Names } from '../table-names.js';

export interface OpeningContext {
  readonly options: Pick<ResolvedOptions, 'database' | 'schema' | 'createTables' | 'tableKind' | 'checksAccess'>;
  readonly names: Names;
  readonly statements: Statements;
  readonly schema: Schema;
  /** They share the probes. The first one does what cannot be shared. */
  readonly sessions: readonly [StatementRunner, ...StatementRunner[]];
  readonly secrets: Secrets;
  readonly log: Log;
  readonly lateReads: LateReads;
  /** The store was open before. Newer tables are no error then, because running steps may still be settled. */
  readonly reopening?: boolean;
}
