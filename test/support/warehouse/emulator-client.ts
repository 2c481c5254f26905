/** Sends requests from the proxy to the emulator. */
import { Agent, request } from 'node:http';
import type { Reply } from './wire-replies.js';

/** A table of the emulator, by its whole name, and its columns with their types: `VARCHAR`, `NUMBER`, and so on. */
export interface TableShape {
  readonly name: string;
  readonly columns: Readonly<Record<string, string>>;
}

export class Upstream {
  readonly #port: number;
  // Kept alive: a statement of a few milliseconds would spend as much on its connection.
  readonly #agent = new Agent({ keepAlive: true });

  constructor(port: number) {
    this.#port = port;
  }

  /** A session of the emulator; a database or schema that does not exist is none of its. */
  async login(database: string | undefined, schema: string | undefined): Promise<Reply> {
    const where = new URLSearchParams({
      ...(database !== undefined && { databaseName: database }),
      ...(schema !== undefined && { schemaName: schema }),
    });
    return this.#post(`/session/v1/login-request?${where.toString()}`, undefined, { data: { SESSION_PARAMETERS: {} } });
  }

  async query(token: string, body: object): Promise<Reply> {
    return this.#post('/queries/v1/query-request', token, body);
  }

  /** Interrupts the query with this id, if the session is running it. */
  async abort(token: string, id: string): Promise<void> {
    await this.#post('/queries/v1/abort-request', token, { id });
  }

  /** The number of the last change that was recorded for late reads, in any table. */
  async lastChange(): Promise<number> {
    return (await this.#post('/late-reads/last-change', undefined, {})).data!['number'] as number;
  }

  /** Puts rows in the place of all others, in several tables. A NULL is a key that is not there. */
  async loadTables(tables: readonly (TableShape & { readonly rows: readonly object[] })[]): Promise<void> {
    const texts = tables.map(({ rows, ...shape }) => ({ ...shape, rows: JSON.stringify(rows) }));
    const { success, message } = await this.#post('/states/load', undefined, { tables: texts });
    if (!success) throw new Error(`The emulator cannot load rows: ${message ?? ''}`);
  }

  /** The rows of several tables. */
  async readTables(tables: readonly TableShape[]): Promise<readonly (readonly object[])[]> {
    const { data } = await this.#post('/states/read', undefined, { tables });
    return (data!['rows'] as readonly string[]).map((rows) => JSON.parse(rows) as readonly object[]);
  }

  /** Deletes all rows of a schema's tables, but for those of the tables to keep. */
  async emptySchema(database: string, schema: string, keep: readonly string[]): Promise<void> {
    const { success, message } = await this.#post('/states/empty', undefined, { database, schema, keep });
    if (!success) throw new Error(`The emulator cannot empty ${database}.${schema}: ${message ?? ''}`);
  }

  async logout(token: string): Promise<void> {
    await this.#post('/session?delete=true', token, {});
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(path: string, token: string | undefined, body: object): Promise<Reply> {
    const payload = Buffer.from(JSON.stringify(body));
    const headers = {
      'content-type': 'application/json',
      'content-length': payload.length,
      ...(token !== undefined && { authorization: `Snowflake Token="${token}"` }),
    };
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, path, method: 'POST', agent: this.#agent, headers };
      const sent = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          try {
            resolve(JSON.parse(text) as Reply);
          } catch {
            reject(new Error(`The emulator answered ${path} with ${response.statusCode}: ${text.slice(0, 500)}`));
          }
        });
      });
      sent.on('error', reject);
      sent.end(payload);
    });
  }
}
