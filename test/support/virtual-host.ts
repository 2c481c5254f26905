/** A host whose processes a test starts and ends. Each process sees the others through its own process table. */
import type { ProcessTable, Sighting } from '../../src/store/sqlite/pods/process-table.js';

export class VirtualHost {
  readonly #processes = new Map<number, Exclude<Sighting, string>>();
  readonly #boot: string;
  #ticks = 0;

  constructor(boot = 'boot-1') {
    this.#boot = boot;
  }

  /** How many times a process has been looked up. */
  lookups = 0;

  /** Starts a process under the lowest free pid, which an earlier process may have had. */
  spawn({ pid = this.#freePid(), namespace = 'pid:[1]' } = {}): VirtualProcess {
    const startedAt = (this.#ticks += 100);
    this.#processes.set(pid, { startedAt, ended: false });
    const mark = { namespace: `${this.#boot} ${namespace}`, pid, startedAt };
    const lookUp = (wanted: number): Sighting => {
      this.lookups++;
      return this.#processes.get(wanted) ?? 'none';
    };
    return {
      pid,
      table: { self: () => mark, lookUp },
      exit: () => void this.#processes.delete(pid),
      becomeZombie: () => void this.#processes.set(pid, { startedAt, ended: true }),
    };
  }

  #freePid(): number {
    let pid = 1;
    while (this.#processes.has(pid)) pid++;
    return pid;
  }
}

export interface VirtualProcess {
  readonly pid: number;
  readonly table: ProcessTable;
  exit(): void;
  /** The process exits, and its parent does not collect its exit status. */
  becomeZombie(): void;
}
