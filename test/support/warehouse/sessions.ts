/** The sessions of the proxy: their tokens, their parameters, and how they end. */
import { randomUUID } from 'node:crypto';
import { refusals, type Refusal } from './wire-replies.js';

/**
 * `live`; `expired`: its token has to be renewed; `gone`: it has ended (390111); `invalid`: its token is unknown
 * (390104 in an HTTP 401).
 */
export type SessionState = 'live' | 'expired' | 'gone' | 'invalid';

export class Session {
  readonly id: number;
  readonly user: string;
  /** The emulator's token for it. */
  readonly upstream: string;
  /** Whose changes its own are: a copy of it shares them, a session that logs in anew does not. */
  readonly identity: string;
  token = randomUUID() as string;
  readonly masterToken = `m-${randomUUID()}`;
  state: SessionState = 'live';

  role: string | null = null;
  warehouse: string | null = null;
  database: string | null = null;
  schema: string | null = null;

  /** What the login and ALTER SESSION have set, by upper-case name. */
  readonly parameters = new Map<string, string>();
  /** The parameters that the session has not set itself. */
  readonly inherited = new Map<string, string>();
  /** Gives back the locks of an open transaction, by table; `undefined` outside of one. */
  transaction: Map<string, () => void> | undefined;
  /** Statements that land even after the logout. */
  readonly #outliving = new Set<Promise<unknown>>();

  constructor(id: number, user: string, upstream: string, identity = upstream) {
    this.id = id;
    this.user = user;
    this.upstream = upstream;
    this.identity = identity;
  }

  get tag(): string {
    return this.parameter('QUERY_TAG') ?? '';
  }

  parameter(name: string): string | undefined {
    return this.parameters.get(name) ?? this.inherited.get(name);
  }

  /** The session as it is now, outside of any transaction, over another of the emulator's. */
  over(upstream: string): Session {
    const { id, user, identity, role, warehouse, database, schema, parameters, inherited } = this;
    const copy = Object.assign(new Session(id, user, upstream, identity), { role, warehouse, database, schema });
    for (const [name, value] of parameters) copy.parameters.set(name, value);
    for (const [name, value] of inherited) copy.inherited.set(name, value);
    return copy;
  }

  /** A parameter that counts seconds. */
  seconds(name: string, otherwise: number): number {
    return Number(this.parameter(name) ?? otherwise);
  }

  isOn(name: string): boolean {
    return this.parameter(name)?.toLowerCase() === 'true';
  }

  /** Registers work of this session, which goes on if the session ends. */
  async outliving(work: Promise<unknown>): Promise<void> {
    this.#outliving.add(work);
    await work.catch(() => {}).finally(() => this.#outliving.delete(work)); // nobody hears of it
  }

  /** Resolves when its work has ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#outliving);
  }

  /** Ends the transaction, if there is one: its locks are free. */
  endTransaction(): void {
    for (const release of this.transaction?.values() ?? []) release();
    this.transaction = undefined;
  }
}

export class Sessions {
  readonly #byToken = new Map<string, Session>();
  #ids = 1000;

  /** Every session that has not logged out. */
  get all(): readonly Session[] {
    return [...new Set(this.#byToken.values())];
  }

  open(user: string, upstream: string): Session {
    const session = new Session(++this.#ids, user, upstream);
    this.#byToken.set(session.token, session);
    return session;
  }

  /** The session of a token that may still be used; else throws what Snowflake says instead. */
  of(token: string): Session {
    const session = this.#byToken.get(token);
    if (session === undefined) throw refusals.tokenInvalid();
    // A token that was renewed is as good as expired.
    const state = session.state === 'live' && session.token !== token ? 'expired' : session.state;
    const reasons: Record<SessionState, (() => Refusal) | undefined> = {
      live: undefined,
      expired: refusals.sessionExpired,
      gone: refusals.sessionGone,
      invalid: refusals.tokenInvalid,
    };
    const reason = reasons[state];
    if (reason !== undefined) throw reason();
    return session;
  }

  /** A new token for the session of `masterToken`. */
  renew(masterToken: string): Session {
    const session = this.all.find((one) => one.masterToken === masterToken);
    if (session === undefined || session.state === 'gone' || session.state === 'invalid')
      throw refusals.masterExpired();
    session.state = 'live';
    session.token = randomUUID();
    this.#byToken.set(session.token, session);
    return session;
  }

  close(session: Session): void {
    session.endTransaction();
    for (const [token, of] of this.#byToken) if (of === session) this.#byToken.delete(token);
  }

  /** Puts those that match, or all, into `state`. */
  put(state: SessionState, match: (session: Session) => boolean = () => true): void {
    for (const session of this.all) if (match(session)) session.state = state;
  }
}
