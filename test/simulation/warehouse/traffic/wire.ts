/**
 * The way between one connection of a process and the server.
 *
 * Invariants:
 * - Nothing passes a way that is cut, and nothing reaches a process that is frozen or gone.
 * - What the process itself does later is on its own machine's timers. After `close` it does nothing more.
 */
import type { Timer } from '../../../../src/runtime/runtime.js';
import type { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import type { Link } from '../../worlds/world.js';

export class Wire {
  readonly #network: VirtualRuntime;
  readonly #machine: VirtualRuntime;
  readonly #link: Link;
  readonly #timers = new Set<Timer>();

  /** @param network whose timers carry what is on its way @param machine that of the process */
  constructor(network: VirtualRuntime, machine: VirtualRuntime, link: Link) {
    this.#network = network;
    this.#machine = machine;
    this.#link = link;
  }

  /** @param call what is sent @param failed the process notices that the way is cut */
  toServer(call: string, ms: number, then: () => void, failed: () => void): void {
    this.#link.outbound(call).then(() => this.#travel(ms, then), failed);
  }

  /** What was sent is run. @param again runs it once more */
  arrived(again: () => void): void {
    this.#link.arrived?.(again);
  }

  /** @param lost the process notices that no reply comes */
  toClient(ms: number, then: () => void, lost: () => void): void {
    this.#travel(ms, () => void this.#link.inbound().then(then, lost));
  }

  /** Called by the process, after a pause. */
  later(ms: number, then: () => void): void {
    const timer = this.#machine.after(ms, () => {
      this.#timers.delete(timer);
      then();
    });
    this.#timers.add(timer);
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #travel(ms: number, then: () => void): void {
    if (ms <= 0) then();
    else this.#network.after(ms, then);
  }
}
