/**
 * The test bed: an emulator with a warehouse proxy in front of it, for tests, the demo and manual use.
 *
 * ```ts
 * const bed = await startTestBed();
 * const store = snowflake({ connection: bed.connection, ...(await bed.freshSchema()) });
 * bed.proxy.faults.inject({ kind: 'lost' }, { kinds: ['insert'] });
 * …
 * await bed.stop();
 * ```
 */
import { randomUUID } from 'node:crypto';
import { reachEmulator, type Emulator } from '../fakesnow/emulator.js';
import type { Meter } from './meter.js';
import { WarehouseProxy, type WarehouseOptions } from './proxy.js';
import { Upstream } from './emulator-client.js';

// The driver asks for the metadata services of three clouds as soon as it is loaded. Nothing here is in a cloud.
process.env['SNOWFLAKE_DISABLE_PLATFORM_DETECTION'] ??= 'true';

/** What `snowflake-sdk` takes to connect to the test bed. */
export interface TestConnection {
  readonly account: string;
  readonly username: string;
  readonly password: string;
  readonly accessUrl: string;
  readonly warehouse: string;
  readonly role: string;
}

export interface TestBed {
  readonly connection: TestConnection;
  readonly proxy: WarehouseProxy;
  readonly meter: Meter;
  /** A new, empty schema, in the database of this test bed. */
  freshSchema(): Promise<{ readonly database: string; readonly schema: string }>;
  /**
   * A schema that `openedSchema` has handed out before, with the tables of the store that was opened there, without rows; the first
   * time a fresh one. For tests that need a store, not its opening: that takes longer than most of them. Nobody may use
   * what it handed out before.
   */
  openedSchema(): Promise<{ readonly database: string; readonly schema: string }>;
  /** Leaves nothing behind: no process, no connection, no data. */
  stop(): Promise<void>;
}

export async function startTestBed(options: Omit<WarehouseOptions, 'emulatorPort'> = {}): Promise<TestBed> {
  const emulator = await reachEmulator();
  let proxy: WarehouseProxy | undefined;
  try {
    proxy = await WarehouseProxy.start({ ...options, emulatorPort: emulator.port });
    return testBed(emulator, proxy, await Maker.start(emulator.port));
  } catch (error) {
    await proxy?.stop();
    await emulator.stop();
    throw error;
  }
}

function testBed(emulator: Emulator, proxy: WarehouseProxy, maker: Maker): TestBed {
  const { name, user, password, roles, warehouses } = proxy.account.options;
  return {
    connection: {
      ...{ account: name, username: user, password, accessUrl: `http://127.0.0.1:${proxy.port}` },
      ...{ warehouse: warehouses[0]!, role: roles.at(-1)! },
    },
    proxy,
    meter: proxy.meter,
    freshSchema: () => maker.freshSchema(),
    async openedSchema() {
      const place = await maker.openedSchema();
      proxy.changes.noteSchema(`${place.database}.${place.schema}`);
      return place;
    },
    stop: () =>
      proxy
        .stop()
        .finally(() => maker.stop())
        .finally(() => emulator.stop()),
  };
}

/** Creates and drops schemas past the proxy, so that its meter counts only what is tested. */
class Maker {
  readonly #upstream: Upstream;
  readonly #token: string;
  /** The emulator keeps translations without names of this shape. */
  readonly #random = randomUUID().slice(0, 8).toUpperCase();
  readonly #database = `FLEET_Q_${this.#random}`;
  readonly #schemas: string[] = [];
  #named = 0;
  #opened: { database: string; schema: string } | undefined;

  private constructor(upstream: Upstream, token: string) {
    this.#upstream = upstream;
    this.#token = token;
  }

  static async start(port: number): Promise<Maker> {
    const upstream = new Upstream(port);
    try {
      const maker = new Maker(upstream, String((await upstream.login(undefined, undefined)).data!['token']));
      await maker.#run(`CREATE DATABASE ${maker.#database}`);
      return maker;
    } catch (error) {
      upstream.close();
      throw error;
    }
  }

  async freshSchema(): Promise<{ database: string; schema: string }> {
    const [database, schema] = [this.#database, `TEST_${++this.#named}_${this.#random}`];
    await this.#run(`CREATE SCHEMA ${database}.${schema}`);
    this.#schemas.push(schema);
    return { database, schema };
  }

  async openedSchema(): Promise<{ database: string; schema: string }> {
    if (this.#opened === undefined) return (this.#opened = await this.freshSchema());
    // Its rows say which version of the schema the tables have.
    await this.#upstream.emptySchema(this.#opened.database, this.#opened.schema, ['SCHEMA_INFO']);
    return this.#opened;
  }

  async stop(): Promise<void> {
    // The emulator cannot drop a database: an empty one is left, until it ends.
    try {
      for (const schema of this.#schemas) await this.#run(`DROP SCHEMA ${this.#database}.${schema}`);
    } finally {
      await this.#upstream.logout(this.#token).finally(() => this.#upstream.close());
    }
  }

  async #run(sqlText: string): Promise<void> {
    const reply = await this.#upstream.query(this.#token, { sqlText });
    if (!reply.success) throw new Error(`${sqlText}: ${reply.message ?? ''}`);
  }
}
