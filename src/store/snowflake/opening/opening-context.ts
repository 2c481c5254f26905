/** What opening the tables needs. */
import type { Log } from '../../../log.js';
import type { Names } from '../table-names.js';
import type { ResolvedOptions } from '../options.js';
import type { Schema } from '../schema.js';
import type { Secrets } from '../session/secrets.js';
import type { StatementRunner } from '../session/session.js';
import type { Statements } from '../statements.js';

export interface OpeningContext {
  readonly options: ResolvedOptions;
  readonly names: Names;
  readonly statements: Statements;
  readonly schema: Schema;
  /** They share the work; the first does what cannot be shared. */
  readonly sessions: readonly [StatementRunner, ...StatementRunner[]];
  readonly secrets: Secrets;
  readonly log: Log;
  readonly pause: (ms: number) => Promise<void>;
  /** The store has been open before: newer tables are no failure then, because what runs may still be settled. */
  readonly reopening?: boolean;
}
