/**
 * A world on SQLite in memory: the real store, behind calls that fail, are late, lose their replies, or land twice.
 *
 * Invariants: hazards are drawn by the network's randomness, never by a pod's.
 */
import { SharedMemory } from '../../../src/store/sqlite/connection/shared-memory.js';
import { resolveOptions } from '../../../src/store/sqlite/options.js';
import { NO_PROOF } from '../../../src/store/sqlite/pods/process-table.js';
import { SqliteStore } from '../../../src/store/sqlite/store.js';
import type { SynchronousCore } from '../../../src/store/sqlite/synchronous-core.js';
import type { StoreFactory } from '../../../src/store/contract.js';
import type { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { FaultyStore, type Fault } from '../../support/faulty-store.js';
import type { StepState } from '../history/history.js';
import type { Habits, Hazards } from '../plan/plan.js';
import { HostProcesses } from './host-processes.js';
import { linkedStore } from './linked-store.js';
import { statementByHand, UNDO } from './sql-by-hand.js';
import { listenToRows, readRows } from './sqlite-rows.js';
import type { Link, RowChange, World, WorldListener } from './world.js';

const OPTIONS = resolveOptions({ path: ':memory:' });
/** How late a call may land after its client gave it up. */
const LATEST_LANDING_MS = 8_000;

/** What SQLite throws, the likeliest first. */
const REFUSALS: readonly (readonly [code: string, message: string])[] = [
  ['SQLITE_BUSY', 'database is locked'],
  ['SQLITE_BUSY_SNAPSHOT', 'database is locked'],
  ['SQLITE_FULL', 'database or disk is full'],
  ['SQLITE_IOERR_WRITE', 'disk I/O error'],
];

interface WorldParts {
  readonly hazards: Hazards;
  readonly listener: WorldListener;
  readonly processes: HostProcesses | undefined;
}

export class SqliteWorld implements World {
  readonly name = 'sqlite';
  readonly #memory: SharedMemory;
  readonly #network: VirtualRuntime;
  readonly #epoch: number;
  #hazards: Hazards | undefined;
  #byHand = 0;
  /** How many other programs have locked the file. */
  #locks = 0;
  /** What the operation that runs right now has changed, until it has committed. Operations are synchronous. */
  readonly #changes: RowChange[];
  readonly #listener: WorldListener;
  /** The host's; absent: it proves nothing. */
  readonly #processes: HostProcesses | undefined;

  private constructor(
    memory: SharedMemory,
    changes: RowChange[],
    network: VirtualRuntime,
    { hazards, listener, processes }: WorldParts,
  ) {
    this.#memory = memory;
    this.#changes = changes;
    this.#network = network;
    this.#epoch = network.wallMs();
    this.#hazards = hazards;
    this.#listener = listener;
    this.#processes = processes;
  }

  static async open(
    network: VirtualRuntime,
    hazards: Hazards,
    listener: WorldListener,
    { provesExits = false }: Habits = {},
  ): Promise<SqliteWorld> {
    const changes: RowChange[] = [];
    const time = { epoch: network.wallMs(), now: () => network.monotonicMs() };
    const memory = await SharedMemory.open((connection) => {
      listenToRows(connection, time, (change) => changes.push(change)); // before statements are prepared, or each would be twice
    });
    const processes = provesExits ? new HostProcesses() : undefined;
    return new SqliteWorld(memory, changes, network, { hazards, listener, processes });
  }

  storeOf(machine: VirtualRuntime, link: Link): StoreFactory {
    const processes = this.#processes?.of(machine, link) ?? NO_PROOF;
    return {
      name: 'sqlite',
      create: (environment) => {
        const core = this.#coreOf(link.process);
        const session: SharedMemory['session'] = (runtime, attempt) => this.#memory.session(runtime, attempt, core);
        const store = new SqliteStore(OPTIONS, environment, { processes, memory: { session } });
        return linkedStore(new FaultyStore(store, this.#network, () => this.#fault()), link, this.#network);
      },
    };
  }

  rows(): { readonly steps: readonly StepState[]; readonly archived: readonly StepState[] } {
    return { steps: readRows(this.#memory.connection, this.#epoch), archived: [] };
  }

  writeByHand(nth: number): void {
    this.#changes.length = 0;
    this.#memory.connection.exec(statementByHand(nth, ++this.#byHand));
    for (const change of this.#changes) this.#listener(change, 'sql');
  }

  lock(): () => void {
    this.#locks++;
    return () => void this.#locks--;
  }

  calm(): void {
    this.#hazards = undefined;
    if (this.#byHand > 0) this.#memory.connection.exec(UNDO);
  }

  close(): void {
    this.#memory.close();
  }

  /** The common core, so that it is known whose call has changed something. */
  #coreOf(process: string): SynchronousCore {
    const methods = new Map<string | symbol, unknown>();
    const noting = (method: (...args: unknown[]) => unknown) => {
      return (...args: unknown[]): unknown => {
        this.#changes.length = 0;
        this.#refuse();
        const result = method(...args); // it has committed, or it throws
        for (const change of this.#changes) this.#listener(change, process);
        return result;
      };
    };
    return new Proxy(this.#memory.core, {
      get: (target, key) => {
        const known = methods.get(key);
        if (known !== undefined) return known;
        const value = Reflect.get(target, key, target) as (...args: unknown[]) => unknown;
        const made = key === 'setClock' ? this.#opening(value.bind(target)) : noting(value.bind(target));
        methods.set(key, made);
        return made;
      },
    });
  }

  /** When a file is opened, it may be locked as well. */
  #opening(method: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
    return (...args) => {
      this.#refuseIfLocked();
      return method(...args);
    };
  }

  #refuseIfLocked(): void {
    if (this.#locks > 0) throw refusal(0);
  }

  /** Another process has locked the file, or the disk is full. */
  #refuse(): void {
    this.#refuseIfLocked();
    const busy = this.#hazards?.busy ?? 0;
    if (busy === 0 || this.#network.random() >= busy) return;
    throw refusal(Math.floor(this.#network.random() ** 4 * REFUSALS.length));
  }

  #fault(): Fault | undefined {
    const hazards = this.#hazards;
    if (hazards === undefined) return undefined;
    const random = (): number => this.#network.random();
    const { latencyMs, failure, lostReply, lateApplication, duplicate } = hazards;
    const delay = latencyMs > 0 ? { delayMs: latencyMs * random(), replyDelayMs: latencyMs * random() } : {};
    const chance = random();
    const landsLateMs = 50 + LATEST_LANDING_MS * random() ** 3;
    let below = failure;
    if (chance < below) return { ...delay, fails: 'before' };
    if (chance < (below += lostReply)) return { ...delay, fails: 'after' };
    if (chance < (below += lateApplication)) return { ...delay, fails: 'before', landsLateMs };
    if (chance < below + duplicate) return { ...delay, landsLateMs };
    return latencyMs > 0 ? delay : undefined;
  }
}

function refusal(nth: number): Error {
  const [code, message] = REFUSALS[nth]!;
  return Object.assign(new Error(message), { name: 'SqliteError', code });
}
