/**
 * One request of the driver that has a statement run, with what goes wrong on its way.
 *
 * Invariants:
 * - Its caller is called back once, or never.
 * - A fault of the way does not say whether the statement was applied.
 */
import { failureOf, refusals, unanswered, type Refusal } from './refusal.js';
import type { RequestFault } from './request-fault.js';
import type { KnownStatement } from '../statements/known-statement.js';
import type { Effect } from '../tables.js';
import type { ModelledWarehouse, Request } from './modelled-warehouse.js';
import type { ServerSession } from './server-session.js';
import type { Answer, StatementRun } from './statement-run.js';
import type { Wire } from './wire.js';

/** What the store hands to `execute`. */
export interface Execution {
  readonly sqlText: string;
  readonly requestId: string;
  readonly binds?: readonly string[];
  readonly complete: (
    error: Error | undefined,
    statement: StatementRequest,
    rows?: readonly Readonly<Record<string, unknown>>[],
  ) => void;
}

export interface Column {
  getName(): string;
  getType(): string;
}

/** The network gives a request up after this time. Some deadlines of the store are shorter. */
const LONGEST_HANG_MS = 30_000;

export class StatementRequest {
  readonly statement: KnownStatement;
  readonly #warehouse: ModelledWarehouse;
  readonly #wire: Wire;
  readonly #execution: Execution;
  readonly #onEnded: () => void;
  #run: StatementRun | undefined;
  #isOver = false;

  /** @param onEnded called if the driver gives its connection up because of the answer */
  constructor(warehouse: ModelledWarehouse, wire: Wire, execution: Execution, onEnded: () => void) {
    this.statement = warehouse.known(execution.sqlText);
    this.#warehouse = warehouse;
    this.#wire = wire;
    this.#execution = execution;
    this.#onEnded = onEnded;
  }

  /** The driver refuses it without sending it. */
  fail(error: Error): void {
    this.#wire.later(0, () => this.#complete(error));
  }

  send(session: ServerSession, fault: RequestFault | undefined): void {
    if (fault === 'unsent') return this.#unanswered();
    this.#wire.toServer(
      this.statement.name,
      this.#wayMs(),
      () => this.#arrive(session, fault),
      () => this.#unanswered(),
    );
  }

  cancel(done: () => void): void {
    const cancels = (): void => {
      const { lateApplication } = this.#warehouse.traffic;
      const isInTime = lateApplication === 0 || this.#random() < 0.5;
      if (isInTime) this.#run?.abort();
      this.#wire.toClient(this.#wayMs(), done, done);
    };
    this.#wire.toServer('cancel', this.#wayMs(), cancels, done);
  }

  getColumns(): readonly Column[] {
    const { columns = [] } = this.statement;
    return columns.map(({ name, type }) => ({ getName: () => name, getType: () => type }));
  }

  #arrive(session: ServerSession, fault: RequestFault | undefined): void {
    if (!session.isAlive) return this.#reply({ refusal: refusals.sessionGone });
    switch (fault) {
      case 'refused':
        return this.#reply({ refusal: refusals.internalError });
      case 'bad values':
        return this.#reply({ refusal: refusals.badValue });
      case 'session gone':
        return this.#endSession(session, refusals.sessionGone);
      case 'token expired':
        return this.#endSession(session, refusals.masterExpired);
      case 'token invalid':
        return this.#endSession(session, refusals.tokenInvalid);
      case 'late, session gone':
        this.#runLater(session);
        return this.#endSession(session, refusals.sessionGone);
      case 'late, never answered':
        this.#runLater(session);
        return this.#hang();
      default:
        return this.#runNow(session, fault);
    }
  }

  #runNow(session: ServerSession, fault: RequestFault | undefined): void {
    this.#wire.arrived(() => this.#warehouse.runApart(session, this.#request));
    const runsTwice = fault === 'twice' && this.#random() < 0.5;
    const run = (this.#run = this.#warehouse.receive(session, this.#request, { runsTwice }));
    run.answered((answer) => {
      switch (fault) {
        case 'reply lost':
          return this.#unanswered();
        case 'reply and session lost':
          session.end();
          return this.#unanswered();
        case 'never answered':
          return this.#hang();
        case 'twice':
          this.#runLater(session, run.takeSecond());
          return this.#reply(answer);
        default:
          return this.#reply(answer);
      }
    });
  }

  /** @param effect what it does, if it has read already: then its source is as old as that */
  #runLater(session: ServerSession, effect?: Effect): void {
    const ms = session.statementTimeoutMs * this.#random();
    this.#warehouse.later(ms, () => this.#warehouse.runApart(session, this.#request, effect));
  }

  /** Nobody answers until the network gives the request up, or the calm comes. The caller's deadline may pass before. */
  #hang(): void {
    this.#warehouse.later(LONGEST_HANG_MS * this.#random(), () => this.#unanswered());
  }

  #endSession(session: ServerSession, refusal: Refusal): void {
    session.end();
    this.#reply({ refusal });
  }

  #reply(answer: Answer): void {
    this.#wire.toClient(
      this.#wayMs(),
      () => this.#answer(answer),
      () => this.#unanswered(),
    );
  }

  #answer(answer: Answer): void {
    if (answer.refusal === undefined) return this.#complete(undefined, answer.rows);
    const { error, ends } = failureOf(answer.refusal, this.#execution.requestId);
    if (ends) this.#onEnded();
    this.#complete(error);
  }

  #unanswered(): void {
    const { figures } = this.#warehouse;
    this.#wire.later(this.#warehouse.drawn(figures.driverPauseMs), () => this.#complete(unanswered()));
  }

  #complete(error: Error | undefined, rows?: readonly Readonly<Record<string, unknown>>[]): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#execution.complete(error, this, rows);
  }

  get #request(): Request {
    const { sqlText, requestId, binds } = this.#execution;
    return { requestId, text: sqlText, bind: binds?.[0] };
  }

  #wayMs(): number {
    return this.#warehouse.drawn(this.#warehouse.figures.clientMs) / 2;
  }

  #random(): number {
    return this.#warehouse.machine.random();
  }
}
