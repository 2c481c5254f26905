/** The HTTP routes of sessions: login, token renewal, logout. */
import type { Account, LoginData } from './account.js';
import type { Request } from './http.js';
import type { Session, Sessions } from './sessions.js';
import type { Upstream } from './emulator-client.js';
import { done, refusals, type Reply } from './wire-replies.js';

const SESSION_SECONDS = 3_600;
const MASTER_SECONDS = 14_400;

export class Reception {
  readonly #account: Account;
  readonly #sessions: Sessions;
  readonly #upstream: Upstream;

  constructor(account: Account, sessions: Sessions, upstream: Upstream) {
    this.#account = account;
    this.#sessions = sessions;
    this.#upstream = upstream;
  }

  /**
   * Throws where the user or the role is wrong. A wrong warehouse, database or schema passes, and the session has none,
   * unless the client asks for them to be validated.
   */
  async login({ query, body }: Request): Promise<Reply> {
    const data = body.data as LoginData;
    this.#account.authenticate(data);
    const role = this.#account.role(query.get('roleName'));
    const warehouse = this.#account.warehouse(query.get('warehouse'));
    const reply = await this.#upstream.login(
      query.get('databaseName') ?? undefined,
      query.get('schemaName') ?? undefined,
    );
    const { token, sessionInfo, parameters } = reply.data!;
    const session = this.#sessions.open(data.LOGIN_NAME ?? this.#account.options.user, token);
    Object.assign(session, {
      ...{ role, warehouse },
      database: sessionInfo.databaseName ?? null,
      schema: sessionInfo.schemaName ?? null,
    });
    const { parameters: inherited } = this.#account.options;
    for (const [name, value] of Object.entries(inherited)) session.inherited.set(name, value);
    const given = Object.entries(data.SESSION_PARAMETERS ?? {});
    for (const [name, value] of given) session.parameters.set(name.toUpperCase(), String(value));
    this.#validate(session, query);
    return done(this.#welcome(session, parameters));
  }

  renew({ token }: Request): Reply {
    const { token: sessionToken, masterToken, id } = this.#sessions.renew(token);
    const validity = { validityInSecondsST: SESSION_SECONDS, validityInSecondsMT: MASTER_SECONDS };
    return done({ sessionToken, masterToken, sessionId: id, ...validity });
  }

  async logout({ token }: Request): Promise<Reply> {
    const session = this.#sessions.of(token);
    this.#sessions.close(session);
    await session.settled();
    await this.#upstream.logout(session.upstream);
    return done();
  }

  #validate(session: Session, query: URLSearchParams): void {
    if (!session.isOn('CLIENT_VALIDATE_DEFAULT_PARAMETERS')) return;
    const asked = { warehouse: 'warehouse', database: 'databaseName', schema: 'schemaName' } as const;
    for (const what of ['database', 'schema', 'warehouse'] as const) {
      if (query.get(asked[what]) === null || session[what] !== null) continue;
      this.#sessions.close(session);
      throw refusals.wrongDefault(what);
    }
  }

  #welcome(session: Session, parameters: unknown): Record<string, unknown> {
    const { token, masterToken, id, database, schema, warehouse, role } = session;
    return {
      ...{ token, masterToken, sessionId: id, parameters },
      ...{ validityInSeconds: SESSION_SECONDS, masterValidityInSeconds: MASTER_SECONDS },
      displayUserName: session.user.toUpperCase(),
      sessionInfo: { databaseName: database, schemaName: schema, warehouseName: warehouse, roleName: role },
    };
  }
}
