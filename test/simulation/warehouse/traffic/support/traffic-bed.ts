/** A modelled warehouse with tiny statements, for tests of its traffic. */
import { UNTOUCHED } from '../../tables/untouched.js';
import { VirtualRuntime } from '../../../../../src/runtime/virtual-runtime.js';
import type { Link } from '../../../worlds/world.js';
import type { KnownStatement } from '../../statements/known-statement.js';
import { ModelledTables } from '../../tables/modelled-tables.js';
import type { StepRow, StatementModel } from '../../tables.js';
import { FakeConnection } from '../fake-connection.js';
import { ModelledWarehouse, type WarehouseParts } from '../modelled-warehouse.js';
import { CALM, MEASURED, type Figures, type Traffic } from '../settings.js';

/** Statements take whole numbers of ms, and clients none. */
const PLAIN: Figures = {
  ...MEASURED,
  clientMs: 0,
  loginMs: 0,
  selectMs: 10,
  insertMs: 50,
  updateMs: 100,
  perRowMs: 0,
  driverPauseMs: 1_000,
};

/** One step, whose version is counted up. */
const STEP = 's';

const count: StatementModel = (view, { now }) => {
  const seen = view.stepsById(STEP).map(({ version }) => version);
  const [version = -1] = seen;
  return {
    rows: [],
    update: [
      {
        step_id: STEP,
        guard: (row) => row.version === version,
        change: (row) => ({ ...row, version: version + 1, last_update_ts: now }),
      },
    ],
  };
};

const STATEMENTS: Readonly<Record<string, Omit<KnownStatement, 'name'>>> = {
  // Counts up what its source has read.
  'UPDATE count': { kind: 'update', table: 'stepTracker', model: count },
  // Counts up whatever it meets.
  'UPDATE any': {
    kind: 'update',
    table: 'stepTracker',
    model: () => ({
      rows: [],
      update: [{ step_id: STEP, guard: () => true, change: (row) => ({ ...row, version: row.version + 1 }) }],
    }),
  },
  'UPDATE other': { kind: 'update', table: 'podLog', model: () => ({ rows: [] }) },
  'INSERT step': {
    kind: 'insert',
    table: 'stepTracker',
    model: (_, { bind, uuid }) => ({ rows: [], insertSteps: [rowOf(String(bind), uuid())] }),
  },
  'INSERT new step': {
    kind: 'insert',
    table: 'stepTracker',
    model: (view, { bind, uuid }) => {
      const isThere = view.stepsById(String(bind)).length > 0;
      return { rows: [], insertSteps: isThere ? [] : [rowOf(String(bind), uuid())] };
    },
  },
  'SELECT version': {
    kind: 'select',
    table: undefined,
    model: (view) => ({ rows: view.stepsById(STEP).map(({ version }) => ({ VERSION: version })) }),
  },
  'SELECT count': {
    kind: 'select',
    table: undefined,
    model: (view) => ({ rows: [{ COUNT: view.stepCount() }] }),
  },
  'SELECT token': {
    kind: 'metadata',
    table: undefined,
    model: (_, context) => ({ rows: [{ TOKEN: context.changeToken }] }),
  },
};

function known(text: string): KnownStatement {
  const statement = STATEMENTS[text];
  if (statement !== undefined) return { name: text, ...statement };
  if (text.startsWith('ALTER SESSION'))
    return { name: 'settings', kind: 'session', table: undefined, model: () => ({ rows: [] }) };
  throw new Error(`unknown: ${text}`);
}

function rowOf(stepId: string, rowId: string): StepRow {
  return {
    ...UNTOUCHED,
    ...{ step_id: stepId, row_id: rowId, step_type: 'work', payload: null, payload_text: null },
    ...{ last_update_ts: 0, created_ts: 0, run_at: 0, far_run_at: null },
    ...{ priority: 0, max_retries: 0, submit_token: null, submit_index: null },
  };
}

export type Rows = readonly Readonly<Record<string, unknown>>[];

/** A link that a test opens and shuts. */
export class TestLink implements Link {
  readonly process: string;
  readonly sent: string[] = [];
  out: () => Promise<void> = () => Promise.resolve();
  in: () => Promise<void> = () => Promise.resolve();

  constructor(process: string) {
    this.process = process;
  }

  outbound(call: string): Promise<void> {
    this.sent.push(call);
    return this.out();
  }

  inbound(): Promise<void> {
    return this.in();
  }
}

/** A connection whose statements are promises. */
export class TestConnection {
  readonly link: TestLink;
  readonly machine: VirtualRuntime;
  readonly raw: FakeConnection;
  #requests = 0;

  constructor(warehouse: ModelledWarehouse, machine: VirtualRuntime, link: TestLink) {
    this.link = link;
    this.machine = machine;
    this.raw = new FakeConnection(warehouse, machine, link);
  }

  connect(): Promise<void> {
    return new Promise((resolve, reject) => this.raw.connect((error) => (error ? reject(error) : resolve())));
  }

  run(text: string, bind?: unknown, requestId = `${this.link.process}-${++this.#requests}`): Promise<Rows> {
    return new Promise((resolve, reject) => {
      this.raw.execute({
        sqlText: text,
        requestId,
        ...(bind === undefined ? {} : { binds: [JSON.stringify(bind)] }),
        complete: (error, _, rows) => (error ? reject(error) : resolve(rows ?? [])),
      });
    });
  }
}

export interface BedOptions {
  readonly figures?: Partial<Figures>;
  readonly traffic?: Partial<Omit<Traffic, 'figures'>>;
  readonly fault?: WarehouseParts['fault'];
  readonly seed?: number;
}

export class TrafficBed {
  readonly root: VirtualRuntime;
  readonly tables = new ModelledTables();
  readonly warehouse: ModelledWarehouse;
  #connections = 0;

  constructor({ figures, traffic, fault, seed = 1 }: BedOptions = {}) {
    this.root = new VirtualRuntime({ seed });
    this.warehouse = new ModelledWarehouse({
      machine: this.root.fork(),
      tables: this.tables,
      registry: known,
      traffic: { ...CALM, ...traffic, figures: { ...PLAIN, ...figures } },
      ...(fault && { fault }),
    });
    this.tables.commit({ rows: [], insertSteps: [rowOf(STEP, 'row')] }, 0, this.root.wallMs());
  }

  get now(): number {
    return this.root.monotonicMs();
  }

  connection(process = `p${++this.#connections}`): TestConnection {
    return new TestConnection(this.warehouse, this.root.fork(), new TestLink(process));
  }

  /** A new connection that is up. */
  async connected(process?: string): Promise<TestConnection> {
    const connection = this.connection(process);
    await this.root.until(connection.connect());
    return connection;
  }

  async several(count: number): Promise<TestConnection[]> {
    const connections: TestConnection[] = [];
    for (let i = 0; i < count; i++) connections.push(await this.connected());
    return connections;
  }

  /** When a promise settles, by the world's time, and how. */
  timed<T>(promise: Promise<T>): Promise<Timed<T>> {
    return promise.then(
      (value) => ({ at: this.now, value }),
      (error: unknown) => ({ at: this.now, error: error as Failure }),
    );
  }

  /** The version of the step, as it is. */
  get version(): number {
    return this.tables.view(0, Infinity).stepsById(STEP)[0]?.version ?? -1;
  }

  get stepCount(): number {
    return this.tables.view(0, Infinity).stepCount();
  }
}

export interface Failure extends Error {
  readonly code: string | number;
  readonly sqlState?: string;
  readonly cause?: { readonly code: string };
}

export interface Timed<T> {
  readonly at: number;
  readonly value?: T;
  readonly error?: Failure;
}
