/** The processes of a simulated fleet, as the host of an SQLite file sees them: what proves that one has exited. */
import type { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { ProcessTable } from '../../../src/store/sqlite/pods/process-table.js';
import { VirtualHost, type VirtualProcess } from '../../support/virtual-host.js';
import type { Link } from './world.js';

export class HostProcesses {
  readonly #host = new VirtualHost();
  /** The queues of one process have one machine. */
  readonly #processes = new Map<VirtualRuntime, VirtualProcess>();
  #count = 0;

  /** The table that a process reads. */
  of(machine: VirtualRuntime, link: Link): ProcessTable {
    let known = this.#processes.get(machine);
    if (known === undefined) this.#processes.set(machine, (known = this.#host.spawn()));
    const process = known;
    // Every third is a process whose parent does not collect its exit status.
    const exit = this.#count++ % 3 === 2 ? process.becomeZombie : process.exit;
    link.onKilled?.(exit);
    return process.table;
  }
}
