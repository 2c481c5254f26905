/** What the checks of an account share: the session, and what it has shown. Each SHOW is sent once. */
import type { OpeningContext } from '../opening/opening-context.js';
import { shownTables } from '../opening/table-kinds.js';
import type { ResolvedOptions, SnowflakeConnection } from '../options.js';
import { number, text, textOrNull } from '../rows.js';
import type { Row, StatementRunner } from '../session/session-interface.js';
import type { Tables } from '../table-names.js';
import { DIAGNOSIS_STATEMENTS } from './statements.js';

/** Where the session works. */
export interface SessionFacts {
  /** `null`: it has no warehouse. */
  readonly warehouse: string | null;
  readonly role: string;
  readonly serverVersion: string;
  /** How far this host's clock is ahead of the server's, in ms, beyond what the round trip explains. */
  readonly wallAheadMs: number;
}

export interface AccountContextParts {
  readonly session: StatementRunner;
  readonly facts: SessionFacts;
  readonly options: ResolvedOptions;
  readonly opening: OpeningContext;
  /** The connection that the session signed in with. It holds secrets. */
  readonly connection: SnowflakeConnection | undefined;
  /** The settings that each session is given: an ALTER SESSION. */
  readonly settings: string;
}

export class AccountContext {
  readonly parts: AccountContextParts;
  #tables: Promise<ReadonlyMap<keyof Tables, Row>> | undefined;
  #warehouse: Promise<Row | undefined> | undefined;

  constructor(parts: AccountContextParts) {
    this.parts = parts;
  }

  run(statement: string, bind?: object): Promise<Row[]> {
    return this.parts.session.run(statement, bind && JSON.stringify(bind));
  }

  /** The tables that exist, as SHOW TABLES shows them. */
  tables(): Promise<ReadonlyMap<keyof Tables, Row>> {
    return (this.#tables ??= shownTables(this.parts.opening));
  }

  /** The warehouse as SHOW WAREHOUSES shows it; `undefined` if the session has none, or it does not show. */
  warehouse(): Promise<Row | undefined> {
    return (this.#warehouse ??= this.#showWarehouse());
  }

  async #showWarehouse(): Promise<Row | undefined> {
    const { warehouse } = this.parts.facts;
    if (warehouse === null) return undefined;
    const rows = await this.run(DIAGNOSIS_STATEMENTS.warehouse(warehouse));
    return rows.find((row) => text(row, 'name') === warehouse);
  }
}

/** @param wallMs reads this host's clock */
export async function readFacts(session: StatementRunner, wallMs: () => number): Promise<SessionFacts> {
  await session.run(DIAGNOSIS_STATEMENTS.session); // logs in, so that the next round trip is short
  const askedAt = wallMs();
  const [row = {}] = await session.run(DIAGNOSIS_STATEMENTS.session);
  const answeredAt = wallMs();
  const serverMs = number(row, 'NOW_MS');
  const wallAheadMs = askedAt > serverMs ? askedAt - serverMs : Math.min(0, answeredAt - serverMs);
  return {
    warehouse: textOrNull(row, 'WAREHOUSE_NAME'),
    role: text(row, 'ROLE_NAME'),
    serverVersion: text(row, 'SERVER_VERSION'),
    wallAheadMs,
  };
}
