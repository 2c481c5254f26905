/** What a run of a statement needs of the warehouse. */
import type { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import type { Effect, StatementContext, View } from '../tables.js';
import type { KnownStatement, StatementKind } from '../statements/known-statement.js';
import type { Meter } from './meter.js';
import type { Power } from './power.js';
import type { ServerSession } from './server-session.js';
import type { Figures, Traffic } from './settings.js';
import type { WaitingLine } from './waiting-line.js';

export interface Machinery {
  readonly machine: VirtualRuntime;
  readonly figures: Figures;
  readonly traffic: Traffic;
  readonly power: Power;
  readonly slots: WaitingLine;
  readonly meter: Meter;
  lockOf(table: string): WaitingLine;
  insertLockOf(table: string): WaitingLine;
  now(): number;
  /** A time of the figures, as it is drawn for one statement. */
  drawn(ms: number): number;
  /** How long the work of a statement takes. */
  workMs(kind: StatementKind, effect: Effect): number;
  /** What a statement of the session sees that reads now. */
  view(session: ServerSession): View;
  context(bind: unknown): StatementContext;
  /** A statement that will have this effect begins its work. Returns whether the change token has moved for it. */
  announce(effect: Effect): boolean;
  /** Applies the effect. @returns the rows of the answer */
  commit(
    effect: Effect,
    session: ServerSession,
    statement: KnownStatement,
    announced: boolean,
  ): readonly Readonly<Record<string, unknown>>[];
}
